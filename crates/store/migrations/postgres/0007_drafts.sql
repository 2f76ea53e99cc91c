-- What somebody typed into the form of an agent and has not saved yet. `tag` names these words: whoever replaces them says which.
CREATE TABLE drafts (
    agent_id      TEXT COLLATE "C" NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    user_id       TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tag           TEXT COLLATE "C" NOT NULL,
    base_revision BIGINT NOT NULL,
    from_version  BIGINT,
    fields        TEXT NOT NULL,
    message       TEXT,
    changed_at    BIGINT NOT NULL,
    PRIMARY KEY (agent_id, user_id)
);
CREATE INDEX drafts_of_user ON drafts (user_id);
