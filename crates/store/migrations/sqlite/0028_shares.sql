-- Links to an experiment for whoever has no account: they show it and nothing else. Of the link itself only the hash is here.
CREATE TABLE shares (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,
    batch      INTEGER NOT NULL REFERENCES stored_batches (number) ON DELETE CASCADE,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX shares_of_batch ON shares (batch);
