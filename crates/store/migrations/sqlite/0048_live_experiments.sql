-- Experiments that a client of ours tells of while its test goes on. `key` is the client's own name for the test, which its upload names, too;
-- `planned` is how many cases it has. Once the upload is there the row stays as `ended`, so that a report that was late makes no second
-- experiment.
CREATE TABLE live_experiments (
    batch      INTEGER PRIMARY KEY REFERENCES stored_batches (number) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    key        TEXT NOT NULL,
    planned    INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'abandoned', 'ended')),
    UNIQUE (project_id, key)
) STRICT;

-- The runs that came so and that no upload has named yet. What an upload leaves out is not a part of the experiment.
ALTER TABLE stored_runs ADD COLUMN is_live INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_live ON stored_runs (batch) WHERE is_live = 1;
