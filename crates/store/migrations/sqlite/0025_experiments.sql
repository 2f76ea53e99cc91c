-- What a list of experiments is filtered and sorted by: parts of what clients say of them, in the words that people read. Texts, also where
-- a client sends a number: what it sends is its own.
ALTER TABLE stored_batches ADD COLUMN agent TEXT AS (CAST(details ->> '$.agent' AS TEXT));
ALTER TABLE stored_batches ADD COLUMN branch TEXT AS (CAST(details ->> '$.git_branch' AS TEXT));
ALTER TABLE stored_batches ADD COLUMN author TEXT AS (CAST(details ->> '$.git_author' AS TEXT));
ALTER TABLE stored_batches ADD COLUMN persona TEXT AS (
    coalesce('v' || (details ->> '$.persona_version'), 'revision ' || (details ->> '$.agent_revision'),
             substr(details ->> '$.persona_digest', 1, 12))
    || iif(details ->> '$.persona_modified' = 1, ', edited', ''));
ALTER TABLE stored_batches ADD COLUMN pass_rate REAL AS (
    CAST(passed AS REAL) / nullif(completed + failed + error + timeout - not_judged, 0));
ALTER TABLE stored_batches ADD COLUMN cases INTEGER AS (
    running + completed + failed + error + timeout + skipped + abandoned);
CREATE INDEX run_batches_by_agent ON stored_batches (project_id, agent);
CREATE INDEX run_batches_by_branch ON stored_batches (project_id, branch);
CREATE INDEX run_batches_by_author ON stored_batches (project_id, author);
CREATE INDEX run_batches_by_persona ON stored_batches (project_id, persona);
CREATE INDEX run_batches_by_status ON stored_batches (project_id, status);
CREATE INDEX run_batches_by_rate ON stored_batches (project_id, pass_rate);
CREATE INDEX run_batches_by_cases ON stored_batches (project_id, cases);

-- An experiment that somebody deleted is hidden, and is removed a day later.
ALTER TABLE hidden_batches ADD COLUMN deleted_at INTEGER;
ALTER TABLE hidden_batches ADD COLUMN deleted_by TEXT;
CREATE VIEW deleted_batches AS
    SELECT b.*, h.deleted_at, h.deleted_by FROM stored_batches b JOIN hidden_batches h ON h.batch = b.number
    WHERE h.deleted_at NOT NULL;

-- What people add to an experiment; what was uploaded stays as it came.
CREATE TABLE experiment_labels (
    batch      INTEGER PRIMARY KEY REFERENCES stored_batches (number) ON DELETE CASCADE,
    name       TEXT,
    note       TEXT NOT NULL DEFAULT '',
    pinned_at  INTEGER,
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX experiment_labels_pinned ON experiment_labels (pinned_at) WHERE pinned_at NOT NULL;

CREATE TABLE experiment_tags (
    batch INTEGER NOT NULL REFERENCES stored_batches (number) ON DELETE CASCADE,
    tag   TEXT NOT NULL,
    PRIMARY KEY (batch, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX experiment_tags_by_tag ON experiment_tags (tag, batch);
