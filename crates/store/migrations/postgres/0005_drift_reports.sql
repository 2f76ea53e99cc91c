-- What a check has last seen of an agent's code, for each repository and branch. `branch` is empty where there is none, `since` is null
-- where everything was in step.
CREATE TABLE drift_reports (
    agent_id    TEXT COLLATE "C" NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    repository  TEXT COLLATE "C" NOT NULL,
    branch      TEXT COLLATE "C" NOT NULL,
    commit_id   TEXT COLLATE "C",
    fields      TEXT NOT NULL,
    reported_by TEXT NOT NULL,
    reported_at BIGINT NOT NULL,
    since       BIGINT,
    PRIMARY KEY (agent_id, repository, branch)
);
