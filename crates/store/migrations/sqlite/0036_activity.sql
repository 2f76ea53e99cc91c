-- Who did what, when, from where and with which tool: a row for each write, numbered from 1 without gaps in an organization. A row's hash is
-- over its columns and the hash of the row before, so what is changed or removed later shows. `activity_heads` has the last of each.
CREATE TABLE activity (
    org_id       TEXT NOT NULL REFERENCES organisations (id),
    number       INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    actor_id     TEXT NOT NULL,
    actor_name   TEXT NOT NULL,
    device       TEXT,
    address      TEXT,
    action       TEXT NOT NULL,
    subject_kind TEXT,
    subject_id   TEXT,
    subject_name TEXT,
    hash         TEXT NOT NULL,
    PRIMARY KEY (org_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_by_actor ON activity (org_id, actor_id, number);
CREATE INDEX activity_by_action ON activity (org_id, action, number);
CREATE INDEX activity_by_subject ON activity (org_id, subject_id, number);
CREATE TABLE activity_heads (
    org_id TEXT NOT NULL PRIMARY KEY REFERENCES organisations (id),
    number INTEGER NOT NULL,
    hash   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
