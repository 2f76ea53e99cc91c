-- What people say of an answer: of all of it, where `criterion` is empty, or by a criterion, whose pack and name it is then. The last word of
-- each person counts.
CREATE TABLE human_verdicts (
    run       INTEGER NOT NULL REFERENCES stored_runs (number) ON DELETE CASCADE,
    criterion TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    user_name TEXT NOT NULL,
    is_right  INTEGER NOT NULL,
    comment   TEXT NOT NULL,
    said_at   INTEGER NOT NULL,
    PRIMARY KEY (run, criterion, user_id)
) STRICT, WITHOUT ROWID;

-- The experiments that somebody has opened.
CREATE TABLE seen_experiments (
    batch   INTEGER PRIMARY KEY REFERENCES stored_batches (number) ON DELETE CASCADE,
    seen_by TEXT NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX run_batches_by_time ON stored_batches (created_at) WHERE running = 0;
