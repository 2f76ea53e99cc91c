PRAGMA application_id = 1801807216;
PRAGMA journal_mode = WAL;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'agents','2026-11-22 01:51:41',1,X'464633F4EA6C1AB85BF2DE52CCBB743F84625574CBCD42382812D5F0EEAA00E127164DA27ABC4FB9A8070F9F652AA7D4',3979746);
INSERT INTO "_sqlx_migrations" VALUES(2,'test data','2026-11-22 04:04:10',1,X'ADC9D44CAA76139DCB562A5F4692F971E807090F00B25B7DAD89C1C2A1ABE26FC118CE7D0B593E79B2FDAFF206299F88',2077704);
CREATE TABLE agent_revisions (
    sequence          INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_id          TEXT NOT NULL REFERENCES agents (id),
    revision          INTEGER NOT NULL,
    author            TEXT,
    message           TEXT,
    at                INTEGER NOT NULL,
    published_version INTEGER,
    current_version   INTEGER,
    name              TEXT,
    model             TEXT,
    governance        TEXT,
    fields            TEXT,
    UNIQUE (agent_id, revision)
);
INSERT INTO "agent_revisions" VALUES(1,'base0001_agent',1,'admin',NULL,1795312301210,NULL,NULL,'Shop',NULL,NULL,'{}');
INSERT INTO "agent_revisions" VALUES(2,'base0001_agent',2,'owner',NULL,1795312301292,1,1,'Shop',NULL,NULL,NULL);
INSERT INTO "agent_revisions" VALUES(3,'base0001_agent',3,'owner',NULL,1795312301306,2,2,'Shop',NULL,NULL,NULL);
INSERT INTO "agent_revisions" VALUES(4,'base0001_agent',4,'owner','an idea',1795312301317,2,2,'Shop',NULL,NULL,NULL);
INSERT INTO "agent_revisions" VALUES(5,'base0001_agent',5,'owner',NULL,1795312301329,2,1,'Shop',NULL,NULL,NULL);
INSERT INTO "agent_revisions" VALUES(6,'base0001_agent',6,'owner',NULL,1795312301363,2,1,'Shop','"m"','{"mode":"sdk"}','{"voices":[]}');
CREATE TABLE agents (
    id                TEXT PRIMARY KEY,
    org_id            TEXT NOT NULL REFERENCES organisations (id),
    project_id        TEXT REFERENCES projects (id),
    revision          INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    newest_version    INTEGER NOT NULL DEFAULT 0,
    published_version INTEGER,
    current_version   INTEGER,
    draft_version     INTEGER,
    name              TEXT,
    model             TEXT,
    governance        TEXT,
    fields            TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO "agents" VALUES('base0001_agent','org_0001',NULL,6,1795312301210,3,2,1,3,'Shop','"m"','{"mode":"sdk"}','{"voices":[]}');
CREATE TABLE answers (
    owner   TEXT NOT NULL,
    key     TEXT NOT NULL,
    request TEXT NOT NULL,
    status  INTEGER NOT NULL,
    body    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
);
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
INSERT INTO "bundles" VALUES('bundle_97ee29354249d467e9d14688','scenario_f7b2f7456325bbfc24197e2d','inputs_f799f1d6f1ad12c7d9b51dce','orders','published',1795320322811,1,1,'b64a125023a4981d4b9da6a7795e481249b7daa2af7d47b0c0c55a571645922d',1,'{"id":"scenario_f7b2f7456325bbfc24197e2d","name":"orders","description":"Where is it?","config_snapshot":{"goal":"g"}}','[{"id":"persona_cd65a36abe00c3c4f6ebf2ba","name":"novice","description":"New"}]','[{"name":"Politeness","version":1,"items":["Be polite"],"id":"criterion_4ecd2ddab59dd2fe6f9efacc"}]');
CREATE TABLE criteria (
    id          TEXT PRIMARY KEY,
    scenario_id TEXT NOT NULL REFERENCES scenarios (id),
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    body        TEXT NOT NULL,
    position    INTEGER NOT NULL,
    UNIQUE (scenario_id, name)
);
INSERT INTO "criteria" VALUES('criterion_4ecd2ddab59dd2fe6f9efacc','scenario_f7b2f7456325bbfc24197e2d','Politeness',1,'{"items":["Be polite"]}',0);
CREATE TABLE input_items (
    input_set_id TEXT NOT NULL REFERENCES input_sets (id),
    position     INTEGER NOT NULL,
    id           TEXT NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (input_set_id, position),
    UNIQUE (input_set_id, id)
);
INSERT INTO "input_items" VALUES('inputs_f799f1d6f1ad12c7d9b51dce',0,'first','{"id":"first","persona_id":"persona_cd65a36abe00c3c4f6ebf2ba","messages":[{"role":"user","content":"Where is my order?"}],"metadata":{"category":"happy"}}');
INSERT INTO "input_items" VALUES('inputs_f799f1d6f1ad12c7d9b51dce',1,'item_2add6d29a10fe1e4172f860c','{"id":"item_2add6d29a10fe1e4172f860c","messages":[{"role":"user","content":"Cancel it, please"}],"metadata":{}}');
CREATE TABLE input_sets (
    id          TEXT PRIMARY KEY,
    scenario_id TEXT NOT NULL REFERENCES scenarios (id),
    version     INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    item_count  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (scenario_id, version)
);
INSERT INTO "input_sets" VALUES('inputs_f799f1d6f1ad12c7d9b51dce','scenario_f7b2f7456325bbfc24197e2d',1,'5a53e24074c6742d2f20c298aa910e5426dfc1d236a6c194e04da2fcb578fa93',2,1795320322811);
CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    project_id TEXT REFERENCES projects (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
);
INSERT INTO "keys" VALUES('key_8401fe49db3690b73de76291','0601cfad4785c0515e4fd0b2559d8de654eb1727a04e50b1b651282ef712669a','org_0001',NULL,'ci','viewer',1795320322867,NULL,NULL);
CREATE TABLE links (
    hash        TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL REFERENCES organisations (id),
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    user_id     TEXT REFERENCES users (id),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    redeemed_at INTEGER
);
CREATE TABLE organisations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);
INSERT INTO "organisations" VALUES('org_0001','Default',1795312301116);
CREATE TABLE persona_versions (
    agent_id   TEXT NOT NULL REFERENCES agents (id),
    version    INTEGER NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('draft', 'published')),
    digest     TEXT,
    author     TEXT,
    message    TEXT,
    created_at INTEGER NOT NULL,
    persona    TEXT NOT NULL,
    PRIMARY KEY (agent_id, version)
);
INSERT INTO "persona_versions" VALUES('base0001_agent',1,'published','49e9fcfb5617aad332d56d58ffd0c7020d29ec1d0d0a03b7d7c47f268820acf3','owner',NULL,1795312301292,'"one"');
INSERT INTO "persona_versions" VALUES('base0001_agent',2,'published','1d08297bf0d2657c90053cf7ca3c63a0cda345a58e99d06c885423ffe708a89b','owner',NULL,1795312301306,'{"base":"two","voice":"v"}');
INSERT INTO "persona_versions" VALUES('base0001_agent',3,'draft','097a4dfb7f430ff3e44aa2399549a038c1f29465540d1e18701e8b5cd3fd2ccb','owner','an idea',1795312301317,'"three"');
CREATE TABLE primitives (
    agent_id TEXT NOT NULL REFERENCES agents (id),
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (agent_id, kind, id),
    UNIQUE (agent_id, kind, name)
);
INSERT INTO "primitives" VALUES('base0001_agent','skill','skill_c3b2490726f5e57aee0da0ae','s','{"name":"s","description":"d"}');
CREATE TABLE projects (
    id         TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL, description TEXT NOT NULL DEFAULT '',
    UNIQUE (org_id, name)
);
INSERT INTO "projects" VALUES('project_9bb1efc1a0498ed9f0a08fc9','org_0001','shop',1795320250591,'');
CREATE TABLE scenarios (
    id              TEXT PRIMARY KEY,
    project_id      TEXT NOT NULL REFERENCES projects (id),
    name            TEXT NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    config_snapshot TEXT NOT NULL DEFAULT '{}',
    created_at      INTEGER NOT NULL,
    UNIQUE (project_id, name)
);
INSERT INTO "scenarios" VALUES('scenario_f7b2f7456325bbfc24197e2d','project_9bb1efc1a0498ed9f0a08fc9','orders','Where is it?','{"goal":"g"}',1795320322811);
CREATE TABLE sessions (
    hash       TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    csrf       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE test_personas (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name       TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, name)
);
INSERT INTO "test_personas" VALUES('persona_cd65a36abe00c3c4f6ebf2ba','project_9bb1efc1a0498ed9f0a08fc9','novice','{"description":"New"}',1795320322811);
CREATE TABLE users (
    id         TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    created_at INTEGER NOT NULL
);
CREATE INDEX keys_of_organisation ON keys (org_id);
CREATE INDEX users_of_organisation ON users (org_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX agents_of_organisation ON agents (org_id, name, id);
CREATE INDEX persona_versions_by_status ON persona_versions (agent_id, status, version);
CREATE INDEX answers_by_time ON answers (at);
CREATE INDEX input_sets_by_digest ON input_sets (scenario_id, digest);
CREATE INDEX bundles_of_scenario ON bundles (scenario_id, sequence);
CREATE TRIGGER published_bundles_never_change BEFORE UPDATE ON bundles WHEN OLD.status = 'published'
BEGIN
    SELECT RAISE(ABORT, 'a published bundle never changes');
END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('agent_revisions',6);
COMMIT;
