-- Whether personas are reviewed before they are published: those of the agents of a project, or, where `project_id` is empty, of the agents
-- that are in none; and in which scenario such a text has to have passed before, where one is named.
CREATE TABLE publishing_rules (
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    project_id TEXT NOT NULL,
    review     INTEGER NOT NULL,
    scenario   TEXT,
    PRIMARY KEY (org_id, project_id)
) STRICT;

-- A persona version that somebody wants to be reviewed.
CREATE TABLE proposals (
    agent_id   TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,
    author_id  TEXT NOT NULL,
    author     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'approved', 'changes', 'withdrawn')),
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (agent_id, version)
) STRICT;

-- What was said about it. `line` counts the lines of the text from 1; `suggestion` stands in its place.
CREATE TABLE proposal_notes (
    agent_id   TEXT NOT NULL,
    version    INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    author     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    state      TEXT,
    line       INTEGER,
    suggestion TEXT,
    comment    TEXT NOT NULL,
    PRIMARY KEY (agent_id, version, number),
    FOREIGN KEY (agent_id, version) REFERENCES proposals (agent_id, version) ON DELETE CASCADE
) STRICT;
