-- Accounts of an identity provider (OpenID Connect) by which somebody signs in. `email` is what the provider calls them, for lists.
CREATE TABLE identities (
    id         TEXT NOT NULL UNIQUE,
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    user_id    TEXT NOT NULL REFERENCES users (id),
    email      TEXT,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identities_of_user ON identities (user_id, issuer);
