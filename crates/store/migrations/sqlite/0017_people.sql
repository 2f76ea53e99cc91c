-- `email` is what a person typed, `email_key` what all spellings of it have in common. A person who was removed stays as a row, without
-- both, because others refer to it. `confined`: the role in the organization is none, and only `members` counts.
ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD COLUMN email_key TEXT;
ALTER TABLE users ADD COLUMN password TEXT;
ALTER TABLE users ADD COLUMN may_publish INTEGER NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN confined INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN removed_at INTEGER;
CREATE UNIQUE INDEX users_by_email ON users (email_key);

CREATE TABLE members (
    user_id     TEXT NOT NULL REFERENCES users (id),
    project_id  TEXT NOT NULL REFERENCES projects (id),
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    may_publish INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (user_id, project_id)
);

-- The id names a link where it is listed and revoked; an older one gets the beginning of its hash, which opens nothing.
ALTER TABLE links ADD COLUMN id TEXT;
ALTER TABLE links ADD COLUMN purpose TEXT NOT NULL DEFAULT 'owner' CHECK (purpose IN ('owner', 'invite', 'reset'));
ALTER TABLE links ADD COLUMN created_by TEXT REFERENCES users (id);
ALTER TABLE links ADD COLUMN revoked_at INTEGER;
UPDATE links SET id = 'link_' || substr(hash, 1, 24);
CREATE UNIQUE INDEX links_by_id ON links (id);
CREATE INDEX links_of_organisation ON links (org_id, expires_at);

ALTER TABLE sessions ADD COLUMN id TEXT;
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN ended_at INTEGER;
UPDATE sessions SET id = 'session_' || substr(hash, 1, 24), used_at = created_at;
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
CREATE INDEX sessions_of_user ON sessions (user_id);

-- Sign-ins that did not succeed, of an account (by a hash of its address) or of a network address.
CREATE TABLE sign_in_failures (
    subject TEXT PRIMARY KEY,
    count   INTEGER NOT NULL,
    last_at INTEGER NOT NULL
);
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (last_at);

ALTER TABLE keys ADD COLUMN created_by TEXT;
ALTER TABLE keys ADD COLUMN used_at INTEGER;
ALTER TABLE keys ADD COLUMN used_by TEXT;
ALTER TABLE device_logins ADD COLUMN used_by TEXT;
