-- Times are epoch milliseconds. Values of fields are JSON texts, exactly as they were sent.

CREATE TABLE organisations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);

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
CREATE INDEX keys_of_organisation ON keys (org_id);

CREATE TABLE users (
    id         TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    created_at INTEGER NOT NULL
);
CREATE INDEX users_of_organisation ON users (org_id);

-- A link signs one browser in, once. With a user it is for that user; without one it makes a user of its role.
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
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- The three persona numbers are kept here so that a state is read by five look-ups, however many versions there are.
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
CREATE INDEX agents_of_organisation ON agents (org_id, name, id);

-- The text is the last column: a list of summaries does not read its pages.
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
CREATE INDEX persona_versions_by_status ON persona_versions (agent_id, status, version);

-- One row for every revision. `fields` is null where it is the same as at the revision before.
-- `sequence` orders the changes of all agents, for events.
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

CREATE TABLE primitives (
    agent_id TEXT NOT NULL REFERENCES agents (id),
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (agent_id, kind, id),
    UNIQUE (agent_id, kind, name)
);

-- The answer to a write, kept in the transaction of the write, so that a repeated request gets the same one.
CREATE TABLE answers (
    owner   TEXT NOT NULL,
    key     TEXT NOT NULL,
    request TEXT NOT NULL,
    status  INTEGER NOT NULL,
    body    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX answers_by_time ON answers (at);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
