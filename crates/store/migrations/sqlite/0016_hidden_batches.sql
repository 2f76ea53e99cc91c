-- Results that are being brought and that nobody sees yet. A commit of very many runs is written in many transactions, so
-- that others write between them; until the last of these its batch is in `hidden_batches`, and what is in a hidden batch
-- is not in the views that everybody reads. Taking that one row away shows all of it at once.
--
-- The tables have names of their own, and the views theirs: what is written names a table, and what is read and forgets to
-- think of this reads a view.
ALTER TABLE run_batches RENAME TO stored_batches;
ALTER TABLE runs RENAME TO stored_runs;
ALTER TABLE artifacts RENAME TO stored_artifacts;

CREATE TABLE hidden_batches (
    batch INTEGER PRIMARY KEY REFERENCES stored_batches (number)
) STRICT;

-- The commits that were begun. `batch` is the hidden batch of the runs so far; none where the runs wait instead, and where
-- somebody else brought one of them meanwhile, so that the commit has to begin again. The later of two has the larger number.
CREATE TABLE open_commits (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL REFERENCES projects (id),
    digest     TEXT NOT NULL,
    begun_at   INTEGER NOT NULL,
    batch      INTEGER REFERENCES hidden_batches (batch),
    UNIQUE (project_id, digest)
) STRICT;
CREATE INDEX open_commits_by_batch ON open_commits (batch);
CREATE INDEX open_commits_by_time ON open_commits (begun_at);

-- Runs that change what is seen already. They wait for the moment at which their commit is seen. The record is JSON.
CREATE TABLE waiting_runs (
    number        INTEGER PRIMARY KEY,
    commit_number INTEGER NOT NULL,
    run_id        TEXT NOT NULL,
    record        TEXT NOT NULL,
    UNIQUE (commit_number, run_id)
) STRICT;

CREATE VIEW run_batches AS
    SELECT * FROM stored_batches WHERE number NOT IN (SELECT batch FROM hidden_batches);
CREATE VIEW runs AS
    SELECT * FROM stored_runs WHERE batch NOT IN (SELECT batch FROM hidden_batches);
CREATE VIEW artifacts AS
    SELECT * FROM stored_artifacts WHERE batch NOT IN (SELECT batch FROM hidden_batches);
