-- Devices that sign in as a person.

CREATE TABLE device_logins (
    rowid       BIGINT GENERATED ALWAYS AS IDENTITY,
    id          TEXT COLLATE "C" PRIMARY KEY,
    device_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    user_code   TEXT COLLATE "C" UNIQUE,
    device_name TEXT NOT NULL,
    address     TEXT COLLATE "C" NOT NULL,
    status      TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'signed_in')),
    user_id     TEXT COLLATE "C" REFERENCES users (id),
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,
    revoked_at  BIGINT
);
CREATE INDEX device_logins_of_user ON device_logins (user_id, status);
CREATE INDEX device_logins_waiting ON device_logins (status, address);

CREATE TABLE login_keys (
    hash       TEXT COLLATE "C" PRIMARY KEY,
    login_id   TEXT COLLATE "C" NOT NULL REFERENCES device_logins (id) ON DELETE CASCADE,
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('access', 'refresh')),
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX login_keys_of_login ON login_keys (login_id, expires_at);

CREATE TABLE wrong_codes (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    at      BIGINT NOT NULL
);
CREATE INDEX wrong_codes_of_user ON wrong_codes (user_id, at);
