-- For how many days the experiments of a project are kept.
CREATE TABLE project_retention (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    days       INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- What somebody restored is kept for as long again.
ALTER TABLE stored_batches ADD COLUMN restored_at INTEGER;

-- How large the files of an experiment are together; null until they are counted, and again where one comes.
ALTER TABLE stored_batches ADD COLUMN file_bytes INTEGER;
CREATE INDEX run_batches_usage ON stored_batches (project_id, created_at, cases, file_bytes);
CREATE INDEX run_batches_uncounted_files ON stored_batches (number) WHERE file_bytes IS NULL;
