-- What an invitation gives besides a role in the organization. `confined`: there is no such role, and only the projects count.
ALTER TABLE links ADD COLUMN may_publish BIGINT NOT NULL DEFAULT 1;
ALTER TABLE links ADD COLUMN confined BIGINT NOT NULL DEFAULT 0;

CREATE TABLE link_projects (
    link_id     TEXT COLLATE "C" NOT NULL REFERENCES links (id),
    project_id  TEXT COLLATE "C" NOT NULL REFERENCES projects (id),
    role        TEXT COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'editor')),
    may_publish BIGINT NOT NULL,
    PRIMARY KEY (link_id, project_id)
);
