-- Whether personas are reviewed before they are published: those of the agents of a project, or, where `project_id` is empty, of the agents
-- that are in none; and in which scenario such a text has to have passed before, where one is named.
CREATE TABLE publishing_rules (
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    project_id TEXT COLLATE "C" NOT NULL,
    review     BIGINT NOT NULL,
    scenario   TEXT COLLATE "C",
    PRIMARY KEY (org_id, project_id)
);

-- A persona version that somebody wants to be reviewed.
CREATE TABLE proposals (
    agent_id   TEXT COLLATE "C" NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL,
    author_id  TEXT COLLATE "C" NOT NULL,
    author     TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'approved', 'changes', 'withdrawn')),
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (agent_id, version)
);

-- What was said about it. `line` counts the lines of the text from 1; `suggestion` stands in its place.
CREATE TABLE proposal_notes (
    agent_id   TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    author     TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    state      TEXT COLLATE "C",
    line       BIGINT,
    suggestion TEXT COLLATE "C",
    comment    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (agent_id, version, number),
    FOREIGN KEY (agent_id, version) REFERENCES proposals (agent_id, version) ON DELETE CASCADE
);
