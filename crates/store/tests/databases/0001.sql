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
INSERT INTO _sqlx_migrations VALUES(1,'agents','2026-11-22 01:51:41',1,X'464633f4ea6c1ab85bf2de52ccbb743f84625574cbcd42382812d5f0eeaa00e127164da27abc4fb9a8070f9f652aa7d4',3979746);
CREATE TABLE organisations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);
INSERT INTO organisations VALUES('org_0001','Default',1795312301116);
CREATE TABLE projects (
    id         TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (org_id, name)
);
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
CREATE TABLE users (
    id         TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    created_at INTEGER NOT NULL
);
CREATE TABLE links (
    hash        TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL REFERENCES organisations (id),
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    user_id     TEXT REFERENCES users (id),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    redeemed_at INTEGER
);
CREATE TABLE sessions (
    hash       TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    csrf       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
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
INSERT INTO agents VALUES('base0001_agent','org_0001',NULL,6,1795312301210,3,2,1,3,'Shop','"m"','{"mode":"sdk"}','{"voices":[]}');
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
INSERT INTO persona_versions VALUES('base0001_agent',1,'published','49e9fcfb5617aad332d56d58ffd0c7020d29ec1d0d0a03b7d7c47f268820acf3','owner',NULL,1795312301292,'"one"');
INSERT INTO persona_versions VALUES('base0001_agent',2,'published','1d08297bf0d2657c90053cf7ca3c63a0cda345a58e99d06c885423ffe708a89b','owner',NULL,1795312301306,'{"base":"two","voice":"v"}');
INSERT INTO persona_versions VALUES('base0001_agent',3,'draft','097a4dfb7f430ff3e44aa2399549a038c1f29465540d1e18701e8b5cd3fd2ccb','owner','an idea',1795312301317,'"three"');
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
INSERT INTO agent_revisions VALUES(1,'base0001_agent',1,'admin',NULL,1795312301210,NULL,NULL,'Shop',NULL,NULL,'{}');
INSERT INTO agent_revisions VALUES(2,'base0001_agent',2,'owner',NULL,1795312301292,1,1,'Shop',NULL,NULL,NULL);
INSERT INTO agent_revisions VALUES(3,'base0001_agent',3,'owner',NULL,1795312301306,2,2,'Shop',NULL,NULL,NULL);
INSERT INTO agent_revisions VALUES(4,'base0001_agent',4,'owner','an idea',1795312301317,2,2,'Shop',NULL,NULL,NULL);
INSERT INTO agent_revisions VALUES(5,'base0001_agent',5,'owner',NULL,1795312301329,2,1,'Shop',NULL,NULL,NULL);
INSERT INTO agent_revisions VALUES(6,'base0001_agent',6,'owner',NULL,1795312301363,2,1,'Shop','"m"','{"mode":"sdk"}','{"voices":[]}');
CREATE TABLE primitives (
    agent_id TEXT NOT NULL REFERENCES agents (id),
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (agent_id, kind, id),
    UNIQUE (agent_id, kind, name)
);
INSERT INTO primitives VALUES('base0001_agent','skill','skill_c3b2490726f5e57aee0da0ae','s','{"name":"s","description":"d"}');
CREATE TABLE answers (
    owner   TEXT NOT NULL,
    key     TEXT NOT NULL,
    request TEXT NOT NULL,
    status  INTEGER NOT NULL,
    body    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('agent_revisions',6);
CREATE INDEX keys_of_organisation ON keys (org_id);
CREATE INDEX users_of_organisation ON users (org_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX agents_of_organisation ON agents (org_id, name, id);
CREATE INDEX persona_versions_by_status ON persona_versions (agent_id, status, version);
CREATE INDEX answers_by_time ON answers (at);
COMMIT;
