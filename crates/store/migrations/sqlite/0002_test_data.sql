ALTER TABLE projects ADD COLUMN description TEXT NOT NULL DEFAULT '';

CREATE TABLE scenarios (
    id              TEXT PRIMARY KEY,
    project_id      TEXT NOT NULL REFERENCES projects (id),
    name            TEXT NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    config_snapshot TEXT NOT NULL DEFAULT '{}',
    created_at      INTEGER NOT NULL,
    UNIQUE (project_id, name)
);

-- The users that a test plays. `body` is everything but id and name.
CREATE TABLE test_personas (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name       TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, name)
);

-- What answers are judged by, as the newest import has it. `body` is everything but id, name and version.
CREATE TABLE criteria (
    id          TEXT PRIMARY KEY,
    scenario_id TEXT NOT NULL REFERENCES scenarios (id),
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    body        TEXT NOT NULL,
    position    INTEGER NOT NULL,
    UNIQUE (scenario_id, name)
);

-- A set never changes: other items are another set. That is why bundles may share one.
CREATE TABLE input_sets (
    id          TEXT PRIMARY KEY,
    scenario_id TEXT NOT NULL REFERENCES scenarios (id),
    version     INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    item_count  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (scenario_id, version)
);
CREATE INDEX input_sets_by_digest ON input_sets (scenario_id, digest);

-- The document is what a pull sends, as it is.
CREATE TABLE input_items (
    input_set_id TEXT NOT NULL REFERENCES input_sets (id),
    position     INTEGER NOT NULL,
    id           TEXT NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (input_set_id, position),
    UNIQUE (input_set_id, id)
);

-- Versions of what a test runs on. A draft has no generation and no content of its own yet; publishing copies the
-- scenario, the personas and the criteria as they are then. `sequence` orders everything that was ever published.
CREATE TABLE bundles (
    id            TEXT PRIMARY KEY,
    scenario_id   TEXT NOT NULL REFERENCES scenarios (id),
    input_set_id  TEXT NOT NULL REFERENCES input_sets (id),
    name          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('draft', 'published')),
    created_at    INTEGER NOT NULL,
    generation    INTEGER,
    sequence      INTEGER UNIQUE,
    digest        TEXT,
    persona_count INTEGER NOT NULL DEFAULT 0,
    scenario      TEXT,
    personas      TEXT,
    criteria      TEXT,
    UNIQUE (scenario_id, generation)
);
CREATE INDEX bundles_of_scenario ON bundles (scenario_id, sequence);

CREATE TRIGGER published_bundles_never_change BEFORE UPDATE ON bundles WHEN OLD.status = 'published'
BEGIN
    SELECT RAISE(ABORT, 'a published bundle never changes');
END;
