-- What tests had as results. `number` orders the batches, and is what rows that belong to one point to.
-- The counts are those of its runs, so that a list of batches reads no runs.
CREATE TABLE run_batches (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    project_id    TEXT NOT NULL REFERENCES projects (id),
    bundle_id     TEXT NOT NULL REFERENCES bundles (id),
    -- The name that the client gave it; some give none, and are recognised by their runs.
    experiment_id TEXT,
    status        TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'abandoned')),
    started_at    INTEGER,
    completed_at  INTEGER,
    created_at    INTEGER NOT NULL,
    -- When something last came in: what is silent for too long is abandoned.
    heard_at      INTEGER NOT NULL,
    -- When a client first said that it is over; what it then announces too late does not run.
    reported_at   INTEGER,
    running       INTEGER NOT NULL DEFAULT 0,
    completed     INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    error         INTEGER NOT NULL DEFAULT 0,
    timeout       INTEGER NOT NULL DEFAULT 0,
    skipped       INTEGER NOT NULL DEFAULT 0,
    abandoned     INTEGER NOT NULL DEFAULT 0,
    -- Of those that are completed, how many no judge failed.
    passed        INTEGER NOT NULL DEFAULT 0,
    details       TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX run_batches_of_project ON run_batches (project_id, experiment_id);
CREATE INDEX run_batches_in_order ON run_batches (project_id);
CREATE INDEX run_batches_of_bundle ON run_batches (bundle_id);
CREATE INDEX run_batches_that_run ON run_batches (heard_at) WHERE running > 0;

-- The commits that were done, by a digest of everything that they brought: the same one again is not done.
CREATE TABLE commits (
    project_id TEXT NOT NULL,
    digest     TEXT NOT NULL,
    batch      INTEGER NOT NULL REFERENCES run_batches (number),
    PRIMARY KEY (project_id, digest)
) STRICT, WITHOUT ROWID;

-- What a list of runs shows. Their number is their place in the order in which they came.
CREATE TABLE runs (
    number        INTEGER PRIMARY KEY,
    batch         INTEGER NOT NULL REFERENCES run_batches (number),
    project_id    TEXT NOT NULL,
    id            TEXT NOT NULL,
    input_item_id TEXT,
    -- An id or a name, as it was sent.
    persona       TEXT,
    iteration     INTEGER NOT NULL DEFAULT 0,
    status        TEXT NOT NULL
        CHECK (status IN ('running', 'completed', 'failed', 'error', 'timeout', 'skipped', 'abandoned')),
    verdict       TEXT,
    duration_ms   REAL,
    error         TEXT,
    input         TEXT NOT NULL DEFAULT '',
    output        TEXT NOT NULL DEFAULT '',
    UNIQUE (id, project_id)
) STRICT;
CREATE INDEX runs_of_batch ON runs (batch);
CREATE INDEX runs_by_status ON runs (batch, status);
CREATE INDEX runs_by_persona ON runs (batch, persona);
CREATE INDEX runs_that_run ON runs (batch, input_item_id) WHERE status = 'running';

-- Ids that were announced for runs that then came under another id.
CREATE TABLE replaced_runs (
    id         TEXT NOT NULL,
    project_id TEXT NOT NULL,
    run        INTEGER NOT NULL REFERENCES runs (number),
    PRIMARY KEY (id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX replaced_runs_by_run ON replaced_runs (run);

-- What only the page of one run shows: a list reads none of it. JSON texts.
CREATE TABLE run_results (
    run        INTEGER PRIMARY KEY REFERENCES runs (number),
    metrics    TEXT NOT NULL DEFAULT '{}',
    evaluation TEXT NOT NULL DEFAULT '{}',
    transcript TEXT NOT NULL DEFAULT '[]'
) STRICT;

CREATE TABLE turns (
    run         INTEGER NOT NULL REFERENCES runs (number),
    turn_id     TEXT NOT NULL,
    sequence    INTEGER NOT NULL,
    role        TEXT NOT NULL,
    -- The time as it was sent.
    said_at     TEXT,
    duration_ms REAL,
    warnings    TEXT NOT NULL DEFAULT '[]',
    content     TEXT NOT NULL,
    PRIMARY KEY (run, turn_id)
) STRICT, WITHOUT ROWID;

-- Turns of runs that nobody announced yet; they move to `turns` when the run comes. Without a project where the key that
-- sent them has none: then any project of the organisation may have the run.
CREATE TABLE early_turns (
    run_id      TEXT NOT NULL,
    org_id      TEXT NOT NULL,
    project_id  TEXT NOT NULL,
    turn_id     TEXT NOT NULL,
    heard_at    INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    role        TEXT NOT NULL,
    said_at     TEXT,
    duration_ms REAL,
    warnings    TEXT NOT NULL,
    content     TEXT NOT NULL,
    PRIMARY KEY (run_id, org_id, project_id, turn_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX early_turns_by_time ON early_turns (heard_at);

-- Files of a batch, or of one of its runs. The content is kept elsewhere, under `blob_id`.
CREATE TABLE artifacts (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    batch        INTEGER NOT NULL REFERENCES run_batches (number),
    run          INTEGER REFERENCES runs (number),
    type         TEXT NOT NULL,
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    blob_id      TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX artifacts_once ON artifacts (batch, coalesce(run, 0), type, name, blob_id);
CREATE INDEX artifacts_of_run ON artifacts (run);
CREATE INDEX artifacts_of_blob ON artifacts (blob_id);
