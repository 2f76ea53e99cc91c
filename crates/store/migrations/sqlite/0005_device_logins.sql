-- A device that asks to be signed in as a person, and the login that it became. `user_code` is what the person types: it
-- is short, so a hash would hide nothing; it is cleared as soon as it has done its work.
CREATE TABLE device_logins (
    id          TEXT PRIMARY KEY,
    device_hash TEXT NOT NULL UNIQUE,
    user_code   TEXT UNIQUE,
    device_name TEXT NOT NULL,
    address     TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'signed_in')),
    user_id     TEXT REFERENCES users (id),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER,
    revoked_at  INTEGER
);
CREATE INDEX device_logins_of_user ON device_logins (user_id, status);
CREATE INDEX device_logins_waiting ON device_logins (status, address);

-- The keys of a login. A refresh key is used once; one that comes back later was stolen, and ends the login.
CREATE TABLE login_keys (
    hash       TEXT PRIMARY KEY,
    login_id   TEXT NOT NULL REFERENCES device_logins (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
);
CREATE INDEX login_keys_of_login ON login_keys (login_id, expires_at);

-- Codes that somebody typed and that were nobody's: guessing is bounded for each person.
CREATE TABLE wrong_codes (
    user_id TEXT NOT NULL REFERENCES users (id),
    at      INTEGER NOT NULL
);
CREATE INDEX wrong_codes_of_user ON wrong_codes (user_id, at);
