-- Who did what, when, from where and with which tool: a row for each write, numbered from 1 without gaps in an organization. A row's hash is
-- over its columns and the hash of the row before, so what is changed or removed later shows. `activity_heads` has the last of each.
CREATE TABLE activity (
    org_id       TEXT COLLATE "C" NOT NULL REFERENCES organisations (id),
    number       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    actor_id     TEXT COLLATE "C" NOT NULL,
    actor_name   TEXT COLLATE "C" NOT NULL,
    device       TEXT COLLATE "C",
    address      TEXT COLLATE "C",
    action       TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT COLLATE "C",
    subject_id   TEXT COLLATE "C",
    subject_name TEXT COLLATE "C",
    hash         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, number)
);
CREATE INDEX activity_by_actor ON activity (org_id, actor_id, number);
CREATE INDEX activity_by_action ON activity (org_id, action, number);
CREATE INDEX activity_by_subject ON activity (org_id, subject_id, number);
CREATE TABLE activity_heads (
    org_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES organisations (id),
    number BIGINT NOT NULL,
    hash   TEXT COLLATE "C" NOT NULL
);
