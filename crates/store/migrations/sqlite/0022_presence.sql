-- Who has the form of an agent open, as long as the page says so.
CREATE TABLE presence (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at  INTEGER NOT NULL,
    PRIMARY KEY (agent_id, user_id)
) STRICT;
