-- What an invitation gives besides a role in the organization. `confined`: there is no such role, and only the projects count.
ALTER TABLE links ADD COLUMN may_publish INTEGER NOT NULL DEFAULT 1;
ALTER TABLE links ADD COLUMN confined INTEGER NOT NULL DEFAULT 0;

CREATE TABLE link_projects (
    link_id     TEXT NOT NULL REFERENCES links (id),
    project_id  TEXT NOT NULL REFERENCES projects (id),
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'editor')),
    may_publish INTEGER NOT NULL,
    PRIMARY KEY (link_id, project_id)
) STRICT, WITHOUT ROWID;
