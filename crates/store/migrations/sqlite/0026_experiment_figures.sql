-- Figures of an experiment that are counted once when it has ended, because to count them takes as long as it has cases. `is_counted` is 0
-- where something came since.
ALTER TABLE stored_batches ADD COLUMN is_counted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE stored_batches ADD COLUMN median_ms REAL;
ALTER TABLE stored_batches ADD COLUMN p95_ms REAL;
ALTER TABLE stored_batches ADD COLUMN tokens REAL;
ALTER TABLE stored_batches ADD COLUMN cost_usd REAL;
CREATE INDEX run_batches_to_count ON stored_batches (project_id) WHERE is_counted = 0 AND running = 0;
CREATE INDEX run_batches_by_p95 ON stored_batches (project_id, p95_ms);
CREATE INDEX run_batches_by_cost ON stored_batches (project_id, cost_usd);

-- How often each criterion of an experiment ended in which way, in the order of the files.
CREATE TABLE batch_criteria (
    number         INTEGER PRIMARY KEY,
    batch          INTEGER NOT NULL REFERENCES stored_batches (number) ON DELETE CASCADE,
    position       INTEGER NOT NULL,
    pack           TEXT NOT NULL,
    name           TEXT NOT NULL,
    kind           TEXT NOT NULL,
    passed         INTEGER NOT NULL,
    failed         INTEGER NOT NULL,
    error          INTEGER NOT NULL,
    not_judged     INTEGER NOT NULL,
    not_applicable INTEGER NOT NULL,
    reason         TEXT,
    UNIQUE (batch, position)
) STRICT;

-- The runs for which a criterion failed or was not judged. Those that it passed are the many, and nobody asks for them.
CREATE TABLE criterion_misses (
    criterion INTEGER NOT NULL REFERENCES batch_criteria (number) ON DELETE CASCADE,
    verdict   TEXT NOT NULL CHECK (verdict IN ('failed', 'error', 'not_judged')),
    run       INTEGER NOT NULL REFERENCES stored_runs (number) ON DELETE CASCADE,
    PRIMARY KEY (criterion, verdict, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX criterion_misses_by_run ON criterion_misses (run);
