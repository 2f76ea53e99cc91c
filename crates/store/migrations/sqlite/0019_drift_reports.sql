-- What a check has last seen of an agent's code, for each repository and branch. `branch` is empty where there is none, `since` is null
-- where everything was in step.
CREATE TABLE drift_reports (
    agent_id    TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    repository  TEXT NOT NULL,
    branch      TEXT NOT NULL,
    commit_id   TEXT,
    fields      TEXT NOT NULL,
    reported_by TEXT NOT NULL,
    reported_at INTEGER NOT NULL,
    since       INTEGER,
    PRIMARY KEY (agent_id, repository, branch)
) STRICT;
