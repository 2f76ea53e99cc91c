-- Scenarios, personas that a test plays, criteria, inputs and bundle versions.

CREATE TABLE scenarios (
    id              TEXT COLLATE "C" PRIMARY KEY,
    project_id      TEXT COLLATE "C" NOT NULL REFERENCES projects (id),
    name            TEXT COLLATE "C" NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    config_snapshot TEXT NOT NULL DEFAULT '{}',
    created_at      BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE test_personas (
    id         TEXT COLLATE "C" PRIMARY KEY,
    project_id TEXT COLLATE "C" NOT NULL REFERENCES projects (id),
    name       TEXT COLLATE "C" NOT NULL,
    body       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE criteria (
    id          TEXT COLLATE "C" PRIMARY KEY,
    scenario_id TEXT COLLATE "C" NOT NULL REFERENCES scenarios (id),
    name        TEXT COLLATE "C" NOT NULL,
    version     BIGINT NOT NULL,
    body        TEXT COLLATE "C" NOT NULL,
    position    BIGINT NOT NULL,
    UNIQUE (scenario_id, name)
);

CREATE TABLE input_sets (
    rowid       BIGINT GENERATED ALWAYS AS IDENTITY,
    id          TEXT COLLATE "C" PRIMARY KEY,
    scenario_id TEXT COLLATE "C" NOT NULL REFERENCES scenarios (id),
    version     BIGINT NOT NULL,
    digest      TEXT COLLATE "C" NOT NULL,
    item_count  BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (scenario_id, version)
);
CREATE INDEX input_sets_by_digest ON input_sets (scenario_id, digest);

CREATE TABLE input_items (
    input_set_id TEXT COLLATE "C" NOT NULL REFERENCES input_sets (id),
    position     BIGINT NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    persona_id   TEXT COLLATE "C",
    document     TEXT NOT NULL,
    PRIMARY KEY (input_set_id, position),
    UNIQUE (input_set_id, id)
);

CREATE TABLE packed_inputs (
    input_set_id TEXT COLLATE "C" NOT NULL REFERENCES input_sets (id),
    number       BIGINT NOT NULL,
    item_count   BIGINT NOT NULL,
    packed       BYTEA NOT NULL,
    PRIMARY KEY (input_set_id, number)
);

CREATE TABLE bundles (
    rowid         BIGINT GENERATED ALWAYS AS IDENTITY,
    id            TEXT COLLATE "C" PRIMARY KEY,
    scenario_id   TEXT COLLATE "C" NOT NULL REFERENCES scenarios (id),
    input_set_id  TEXT COLLATE "C" NOT NULL REFERENCES input_sets (id),
    name          TEXT COLLATE "C" NOT NULL,
    status        TEXT COLLATE "C" NOT NULL CHECK (status IN ('draft', 'published')),
    created_at    BIGINT NOT NULL,
    generation    BIGINT,
    sequence      BIGINT UNIQUE,
    digest        TEXT,
    persona_count BIGINT NOT NULL DEFAULT 0,
    scenario      TEXT,
    personas      TEXT,
    criteria      TEXT,
    UNIQUE (scenario_id, generation)
);
CREATE INDEX bundles_of_scenario ON bundles (scenario_id, sequence);

CREATE FUNCTION refuse_to_change_a_published_bundle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published bundle never changes';
END
$$;
CREATE TRIGGER published_bundles_never_change BEFORE UPDATE ON bundles
    FOR EACH ROW WHEN (OLD.status = 'published') EXECUTE FUNCTION refuse_to_change_a_published_bundle();
