-- What somebody typed into the form of an agent and has not saved yet. `tag` names these words: whoever replaces them says which.
CREATE TABLE drafts (
    agent_id      TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tag           TEXT NOT NULL,
    base_revision INTEGER NOT NULL,
    from_version  INTEGER,
    fields        TEXT NOT NULL,
    message       TEXT,
    changed_at    INTEGER NOT NULL,
    PRIMARY KEY (agent_id, user_id)
) STRICT;
CREATE INDEX drafts_of_user ON drafts (user_id);
