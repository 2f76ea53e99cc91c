-- Files. Their bytes are objects in the object store, which never change. A part is a piece of an object, and is known by
-- its SHA-256 within its project only: nobody can find out, let alone read, what another project has.
-- `used_at` is when somebody last relied on it: what nobody has relied on for a week, and no blob is made of, is removed.
CREATE TABLE parts (
    number     INTEGER PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    sha256     TEXT NOT NULL,
    size       INTEGER NOT NULL,
    object     TEXT NOT NULL,
    offset     INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    UNIQUE (project_id, sha256)
) STRICT;
CREATE INDEX parts_of_object ON parts (object);
CREATE INDEX parts_by_use ON parts (used_at);

-- The content of a file: a list of parts. `tree` is the digest of that list and says what the content is; `sha256` is that
-- of the whole, which is `proven` where the server has seen all bytes in their order, and else what a client said.
CREATE TABLE blobs (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    project_id TEXT NOT NULL REFERENCES projects (id),
    tree       TEXT NOT NULL,
    size       INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    proven     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, tree)
) STRICT;
CREATE INDEX blobs_by_content ON blobs (project_id, sha256) WHERE proven;

-- `start` is where the part begins within the blob.
CREATE TABLE blob_parts (
    blob  INTEGER NOT NULL REFERENCES blobs (number),
    start INTEGER NOT NULL,
    part  INTEGER NOT NULL REFERENCES parts (number),
    PRIMARY KEY (blob, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_parts_by_part ON blob_parts (part);

-- What a client has offered. Once it is committed its files are forgotten, and the row says which batch it became.
CREATE TABLE uploads (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    project_id    TEXT NOT NULL REFERENCES projects (id),
    bundle_id     TEXT NOT NULL REFERENCES bundles (id),
    experiment_id TEXT NOT NULL,
    digest        TEXT NOT NULL,
    offered_at    INTEGER NOT NULL,
    batch_id      TEXT,
    runs          INTEGER,
    failed        INTEGER
) STRICT;
CREATE UNIQUE INDEX open_uploads ON uploads (project_id, digest) WHERE batch_id IS NULL;
CREATE INDEX uploads_by_time ON uploads (offered_at);

CREATE TABLE upload_files (
    upload   INTEGER NOT NULL REFERENCES uploads (number),
    position INTEGER NOT NULL,
    type     TEXT NOT NULL,
    name     TEXT NOT NULL,
    run_id   TEXT,
    size     INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    tree     TEXT NOT NULL,
    PRIMARY KEY (upload, position)
) STRICT, WITHOUT ROWID;

-- The parts of the files of an upload. `start` is where the part begins within its file, `position` its place among the
-- parts of all files.
CREATE TABLE upload_parts (
    upload   INTEGER NOT NULL REFERENCES uploads (number),
    file     INTEGER NOT NULL,
    start    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    size     INTEGER NOT NULL,
    PRIMARY KEY (upload, file, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_parts_by_content ON upload_parts (upload, sha256, size);

-- Files that were put to a signed address. The id is what their storage address names.
CREATE TABLE stored_files (
    id           TEXT PRIMARY KEY,
    project_id   TEXT NOT NULL REFERENCES projects (id),
    run_id       TEXT NOT NULL,
    type         TEXT NOT NULL,
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    blob_id      TEXT NOT NULL REFERENCES blobs (id),
    created_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX stored_files_of_blob ON stored_files (blob_id);
