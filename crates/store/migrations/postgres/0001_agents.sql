-- Agents, their changes, their personas and what they are made of; organisations, projects, keys, people and settings.
--
-- The tables of SQLite in the words of PostgreSQL. What SQLite does without being told is said here: texts are ordered by their bytes
-- (`COLLATE "C"`), whole numbers have 64 bits, and `rowid` is the order in which rows came.

CREATE TABLE change_number (number BIGINT NOT NULL);
INSERT INTO change_number (number) VALUES (1);

CREATE TABLE organisations (
    rowid      BIGINT GENERATED ALWAYS AS IDENTITY,
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE projects (
    id          TEXT COLLATE "C" PRIMARY KEY,
    org_id      TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    name        TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    settings    TEXT NOT NULL DEFAULT '{}',
    UNIQUE (org_id, name)
);

CREATE TABLE keys (
    rowid      BIGINT GENERATED ALWAYS AS IDENTITY,
    id         TEXT COLLATE "C" PRIMARY KEY,
    hash       TEXT COLLATE "C" NOT NULL UNIQUE,
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    project_id TEXT COLLATE "C" REFERENCES projects (id),
    name       TEXT COLLATE "C" NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX keys_of_organisation ON keys (org_id);

CREATE TABLE users (
    rowid      BIGINT GENERATED ALWAYS AS IDENTITY,
    id         TEXT COLLATE "C" PRIMARY KEY,
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    name       TEXT COLLATE "C" NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    created_at BIGINT NOT NULL
);
CREATE INDEX users_of_organisation ON users (org_id);

CREATE TABLE links (
    hash        TEXT COLLATE "C" PRIMARY KEY,
    org_id      TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    user_id     TEXT COLLATE "C" REFERENCES users (id),
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    redeemed_at BIGINT
);

CREATE TABLE sessions (
    hash       TEXT COLLATE "C" PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    csrf       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE agents (
    id                TEXT COLLATE "C" PRIMARY KEY,
    org_id            TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    project_id        TEXT COLLATE "C" REFERENCES projects (id),
    revision          BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    newest_version    BIGINT NOT NULL DEFAULT 0,
    published_version BIGINT,
    current_version   BIGINT,
    draft_version     BIGINT,
    name              TEXT COLLATE "C",
    model             TEXT,
    governance        TEXT,
    fields            TEXT NOT NULL DEFAULT '{}'
);
-- A name may be longer than an entry of an index; so the order within an organisation is not in it.
CREATE INDEX agents_of_organisation ON agents (org_id);

CREATE TABLE persona_versions (
    agent_id   TEXT COLLATE "C" NOT NULL REFERENCES agents (id),
    version    BIGINT NOT NULL,
    status     TEXT COLLATE "C" NOT NULL CHECK (status IN ('draft', 'published')),
    digest     TEXT,
    author     TEXT,
    message    TEXT,
    created_at BIGINT NOT NULL,
    persona    TEXT NOT NULL,
    PRIMARY KEY (agent_id, version)
);
CREATE INDEX persona_versions_by_status ON persona_versions (agent_id, status, version);

CREATE TABLE agent_revisions (
    sequence          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id          TEXT COLLATE "C" NOT NULL REFERENCES agents (id),
    revision          BIGINT NOT NULL,
    author            TEXT,
    message           TEXT,
    at                BIGINT NOT NULL,
    published_version BIGINT,
    current_version   BIGINT,
    name              TEXT,
    model             TEXT,
    governance        TEXT,
    fields            TEXT,
    UNIQUE (agent_id, revision)
);

CREATE TABLE primitives (
    rowid    BIGINT GENERATED ALWAYS AS IDENTITY,
    agent_id TEXT COLLATE "C" NOT NULL REFERENCES agents (id),
    kind     TEXT COLLATE "C" NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (agent_id, kind, id),
    UNIQUE (agent_id, kind, name)
);

CREATE TABLE answers (
    owner   TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL,
    request TEXT NOT NULL,
    status  BIGINT NOT NULL,
    body    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX answers_by_time ON answers (at);

CREATE TABLE settings (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);
