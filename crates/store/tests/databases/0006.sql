PRAGMA application_id = 1801807216;
PRAGMA journal_mode = WAL;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'agents','2026-11-22 01:51:41',1,X'464633F4EA6C1AB85BF2DE52CCBB743F84625574CBCD42382812D5F0EEAA00E127164DA27ABC4FB9A8070F9F652AA7D4',3979746);
INSERT INTO "_sqlx_migrations" VALUES(2,'test data','2026-11-22 04:04:10',1,X'ADC9D44CAA76139DCB562A5F4692F971E807090F00B25B7DAD89C1C2A1ABE26FC118CE7D0B593E79B2FDAFF206299F88',2077704);
INSERT INTO "_sqlx_migrations" VALUES(3,'results','2026-11-22 05:27:43',1,X'C155D8CDEF6312F966EDEDC2487D821942FF9D5E98AFDE01240DC6A61158FCAA3B0095F1B58C1D26ACA2C70B8B3B1E51',7252721);
INSERT INTO "_sqlx_migrations" VALUES(4,'artifacts','2026-11-22 05:27:43',1,X'7A18F8B20A851EF78EF175D9EB4A921B5691D154B4108B525EA1783BDF5EE72F2E8B18CEC4E0D48A08078ECEE012214C',27461675);
INSERT INTO "_sqlx_migrations" VALUES(5,'device logins','2026-11-22 05:27:43',1,X'93100EED94964BE553751134CDC9784EAD0BF91EFB0A3A515A1F7302FFDB71117B87246E876BEB58E5520DB4D20DEB50',1769715);
INSERT INTO "_sqlx_migrations" VALUES(6,'run pages','2026-11-22 05:27:43',1,X'0A209B6581D391279F2CAE8E8266058BF189C7B1082DF77B14A6527DA7008DA12C5AA1DB3B715910DFE9006B73A8C664',725761);
CREATE TABLE agent_revisions (
    sequence          INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_id          TEXT NOT NULL REFERENCES agents (id),
    revision          INTEGER NOT NULL,
    author            TEXT,
    message           TEXT,
    at                INTEGER NOT NULL,
    published_version INTEGER,
    current_version   INTEGER,
    name              TEXT,
    model             TEXT,
    governance        TEXT,
    fields            TEXT,
    UNIQUE (agent_id, revision)
);
INSERT INTO "agent_revisions" VALUES(1,'base0001_agent',1,'admin',NULL,1795312301210,NULL,NULL,'Shop',NULL,NULL,'{}');
INSERT INTO "agent_revisions" VALUES(2,'base0001_agent',2,'owner',NULL,1795312301292,1,1,'Shop',NULL,NULL,NULL);
INSERT INTO "agent_revisions" VALUES(3,'base0001_agent',3,'owner',NULL,1795312301306,2,2,'Shop',NULL,NULL,NULL);
INSERT INTO "agent_revisions" VALUES(4,'base0001_agent',4,'owner','an idea',1795312301317,2,2,'Shop',NULL,NULL,NULL);
INSERT INTO "agent_revisions" VALUES(5,'base0001_agent',5,'owner',NULL,1795312301329,2,1,'Shop',NULL,NULL,NULL);
INSERT INTO "agent_revisions" VALUES(6,'base0001_agent',6,'owner',NULL,1795312301363,2,1,'Shop','"m"','{"mode":"sdk"}','{"voices":[]}');
CREATE TABLE agents (
    id                TEXT PRIMARY KEY,
    org_id            TEXT NOT NULL REFERENCES organisations (id),
    project_id        TEXT REFERENCES projects (id),
    revision          INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    newest_version    INTEGER NOT NULL DEFAULT 0,
    published_version INTEGER,
    current_version   INTEGER,
    draft_version     INTEGER,
    name              TEXT,
    model             TEXT,
    governance        TEXT,
    fields            TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO "agents" VALUES('base0001_agent','org_0001',NULL,6,1795312301210,3,2,1,3,'Shop','"m"','{"mode":"sdk"}','{"voices":[]}');
CREATE TABLE answers (
    owner   TEXT NOT NULL,
    key     TEXT NOT NULL,
    request TEXT NOT NULL,
    status  INTEGER NOT NULL,
    body    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE TABLE artifacts (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    batch        INTEGER NOT NULL REFERENCES run_batches (number),
    run          INTEGER REFERENCES runs (number),
    type         TEXT NOT NULL,
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    blob_id      TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;
INSERT INTO "artifacts" VALUES(1,'artifact_474146a535cdafbab3dda531',1,1,'summary','summary.json','application/json','blob_cf9780ad14db5bae1722f8b3',1795325263302);
CREATE TABLE blob_parts (
    blob  INTEGER NOT NULL REFERENCES blobs (number),
    start INTEGER NOT NULL,
    part  INTEGER NOT NULL REFERENCES parts (number),
    PRIMARY KEY (blob, start)
) STRICT, WITHOUT ROWID;
INSERT INTO "blob_parts" VALUES(1,0,2);
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
INSERT INTO "blobs" VALUES(1,'blob_cf9780ad14db5bae1722f8b3','project_9bb1efc1a0498ed9f0a08fc9','38a8c7f7fdc563d711ddd971cf90e38a114623c9bd4a969b89bb2b87f99cd155',2,'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',1,1795325263295);
CREATE TABLE bundles (
    id            TEXT PRIMARY KEY,
    scenario_id   TEXT NOT NULL REFERENCES scenarios (id),
    input_set_id  TEXT NOT NULL REFERENCES input_sets (id),
    name          TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('draft', 'published')),
    created_at    INTEGER NOT NULL,
    generation    INTEGER,
    sequence      INTEGER UNIQUE,
    digest        TEXT,
    persona_count INTEGER NOT NULL DEFAULT 0,
    scenario      TEXT,
    personas      TEXT,
    criteria      TEXT,
    UNIQUE (scenario_id, generation)
);
INSERT INTO "bundles" VALUES('bundle_97ee29354249d467e9d14688','scenario_f7b2f7456325bbfc24197e2d','inputs_f799f1d6f1ad12c7d9b51dce','orders','published',1795320322811,1,1,'b64a125023a4981d4b9da6a7795e481249b7daa2af7d47b0c0c55a571645922d',1,'{"id":"scenario_f7b2f7456325bbfc24197e2d","name":"orders","description":"Where is it?","config_snapshot":{"goal":"g"}}','[{"id":"persona_cd65a36abe00c3c4f6ebf2ba","name":"novice","description":"New"}]','[{"name":"Politeness","version":1,"items":["Be polite"],"id":"criterion_4ecd2ddab59dd2fe6f9efacc"}]');
CREATE TABLE commits (
    project_id TEXT NOT NULL,
    digest     TEXT NOT NULL,
    batch      INTEGER NOT NULL REFERENCES run_batches (number),
    PRIMARY KEY (project_id, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE criteria (
    id          TEXT PRIMARY KEY,
    scenario_id TEXT NOT NULL REFERENCES scenarios (id),
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    body        TEXT NOT NULL,
    position    INTEGER NOT NULL,
    UNIQUE (scenario_id, name)
);
INSERT INTO "criteria" VALUES('criterion_4ecd2ddab59dd2fe6f9efacc','scenario_f7b2f7456325bbfc24197e2d','Politeness',1,'{"items":["Be polite"]}',0);
CREATE TABLE device_logins (
    id          TEXT PRIMARY KEY,
    device_hash TEXT NOT NULL UNIQUE,
    user_code   TEXT UNIQUE,
    device_name TEXT NOT NULL,
    address     TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'signed_in')),
    user_id     TEXT REFERENCES users (id),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER,
    revoked_at  INTEGER
);
INSERT INTO "device_logins" VALUES('login_84631401e0a5a00c606a18f1','eaeccf48b583ca58d722e452b701502162f4eed64cea55a64357b7f65ca8eed4',NULL,'laptop','192.0.2.7','signed_in','user_9a07be0389f69d58bf79a09a',1795325263302,1795325863302,1795325263302,NULL);
CREATE TABLE early_turns (
    run_id      TEXT NOT NULL,
    org_id      TEXT NOT NULL,
    project_id  TEXT NOT NULL,
    turn_id     TEXT NOT NULL,
    heard_at    INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    role        TEXT NOT NULL,
    said_at     TEXT,
    duration_ms REAL,
    warnings    TEXT NOT NULL,
    content     TEXT NOT NULL,
    PRIMARY KEY (run_id, org_id, project_id, turn_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "early_turns" VALUES('run_9','org_0001','','t1',1795325263223,1,'user','2026-11-22T05:00:00Z',5.0,'[]','too early');
CREATE TABLE input_items (
    input_set_id TEXT NOT NULL REFERENCES input_sets (id),
    position     INTEGER NOT NULL,
    id           TEXT NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (input_set_id, position),
    UNIQUE (input_set_id, id)
);
INSERT INTO "input_items" VALUES('inputs_f799f1d6f1ad12c7d9b51dce',0,'first','{"id":"first","persona_id":"persona_cd65a36abe00c3c4f6ebf2ba","messages":[{"role":"user","content":"Where is my order?"}],"metadata":{"category":"happy"}}');
INSERT INTO "input_items" VALUES('inputs_f799f1d6f1ad12c7d9b51dce',1,'item_2add6d29a10fe1e4172f860c','{"id":"item_2add6d29a10fe1e4172f860c","messages":[{"role":"user","content":"Cancel it, please"}],"metadata":{}}');
CREATE TABLE input_sets (
    id          TEXT PRIMARY KEY,
    scenario_id TEXT NOT NULL REFERENCES scenarios (id),
    version     INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    item_count  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (scenario_id, version)
);
INSERT INTO "input_sets" VALUES('inputs_f799f1d6f1ad12c7d9b51dce','scenario_f7b2f7456325bbfc24197e2d',1,'5a53e24074c6742d2f20c298aa910e5426dfc1d236a6c194e04da2fcb578fa93',2,1795320322811);
CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    project_id TEXT REFERENCES projects (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
);
INSERT INTO "keys" VALUES('key_8401fe49db3690b73de76291','0601cfad4785c0515e4fd0b2559d8de654eb1727a04e50b1b651282ef712669a','org_0001',NULL,'ci','viewer',1795320322867,NULL,NULL);
CREATE TABLE links (
    hash        TEXT PRIMARY KEY,
    org_id      TEXT NOT NULL REFERENCES organisations (id),
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    user_id     TEXT REFERENCES users (id),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    redeemed_at INTEGER
);
CREATE TABLE login_keys (
    hash       TEXT PRIMARY KEY,
    login_id   TEXT NOT NULL REFERENCES device_logins (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
);
INSERT INTO "login_keys" VALUES('8921f454814c656bd9c55a1ca8bf68969bd37f385406d9d246d342f0e48ea58c','login_84631401e0a5a00c606a18f1','access',1795328863302,NULL);
INSERT INTO "login_keys" VALUES('f923ba76c9d1485cf251e3eb9b4ffcea8081c88cb728ba653ae36007a238437d','login_84631401e0a5a00c606a18f1','refresh',1800509263302,NULL);
CREATE TABLE organisations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);
INSERT INTO "organisations" VALUES('org_0001','Default',1795312301116);
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
INSERT INTO "parts" VALUES(1,'project_9bb1efc1a0498ed9f0a08fc9','8b9ab2d6d25df341f25f107f461a908784d65e2bfdc9e73df26bd2ef8db42f9a',6,'parts/project_9bb1efc1a0498ed9f0a08fc9/dd/d4440ff034a94658bfb4f9',0,1795325263286);
INSERT INTO "parts" VALUES(2,'project_9bb1efc1a0498ed9f0a08fc9','44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',2,'parts/project_9bb1efc1a0498ed9f0a08fc9/23/e9f94d5207592cbc2b663e',0,1795325263295);
CREATE TABLE persona_versions (
    agent_id   TEXT NOT NULL REFERENCES agents (id),
    version    INTEGER NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('draft', 'published')),
    digest     TEXT,
    author     TEXT,
    message    TEXT,
    created_at INTEGER NOT NULL,
    persona    TEXT NOT NULL,
    PRIMARY KEY (agent_id, version)
);
INSERT INTO "persona_versions" VALUES('base0001_agent',1,'published','49e9fcfb5617aad332d56d58ffd0c7020d29ec1d0d0a03b7d7c47f268820acf3','owner',NULL,1795312301292,'"one"');
INSERT INTO "persona_versions" VALUES('base0001_agent',2,'published','1d08297bf0d2657c90053cf7ca3c63a0cda345a58e99d06c885423ffe708a89b','owner',NULL,1795312301306,'{"base":"two","voice":"v"}');
INSERT INTO "persona_versions" VALUES('base0001_agent',3,'draft','097a4dfb7f430ff3e44aa2399549a038c1f29465540d1e18701e8b5cd3fd2ccb','owner','an idea',1795312301317,'"three"');
CREATE TABLE primitives (
    agent_id TEXT NOT NULL REFERENCES agents (id),
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (agent_id, kind, id),
    UNIQUE (agent_id, kind, name)
);
INSERT INTO "primitives" VALUES('base0001_agent','skill','skill_c3b2490726f5e57aee0da0ae','s','{"name":"s","description":"d"}');
CREATE TABLE projects (
    id         TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL, description TEXT NOT NULL DEFAULT '',
    UNIQUE (org_id, name)
);
INSERT INTO "projects" VALUES('project_9bb1efc1a0498ed9f0a08fc9','org_0001','shop',1795320250591,'');
CREATE TABLE replaced_runs (
    id         TEXT NOT NULL,
    project_id TEXT NOT NULL,
    run        INTEGER NOT NULL REFERENCES runs (number),
    PRIMARY KEY (id, project_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE run_batches (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    project_id    TEXT NOT NULL REFERENCES projects (id),
    bundle_id     TEXT NOT NULL REFERENCES bundles (id),
    -- The name that the client gave it; some give none, and are recognised by their runs.
    experiment_id TEXT,
    status        TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'abandoned')),
    started_at    INTEGER,
    completed_at  INTEGER,
    created_at    INTEGER NOT NULL,
    -- When something last came in: what is silent for too long is abandoned.
    heard_at      INTEGER NOT NULL,
    -- When a client first said that it is over; what it then announces too late does not run.
    reported_at   INTEGER,
    running       INTEGER NOT NULL DEFAULT 0,
    completed     INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    error         INTEGER NOT NULL DEFAULT 0,
    timeout       INTEGER NOT NULL DEFAULT 0,
    skipped       INTEGER NOT NULL DEFAULT 0,
    abandoned     INTEGER NOT NULL DEFAULT 0,
    -- Of those that are completed, how many no judge failed.
    passed        INTEGER NOT NULL DEFAULT 0,
    details       TEXT NOT NULL DEFAULT '{}'
) STRICT;
INSERT INTO "run_batches" VALUES(1,'experiment_57821f1b7439a152f0e6c264','project_9bb1efc1a0498ed9f0a08fc9','bundle_97ee29354249d467e9d14688','exp_1','failed',1795312301000,1795312302000,1795325263223,1795325263223,1795325263223,0,1,1,0,0,0,0,1,'{"execution_target":"local"}');
CREATE TABLE run_results (
    run        INTEGER PRIMARY KEY REFERENCES runs (number),
    metrics    TEXT NOT NULL DEFAULT '{}',
    evaluation TEXT NOT NULL DEFAULT '{}',
    transcript TEXT NOT NULL DEFAULT '[]'
) STRICT;
INSERT INTO "run_results" VALUES(1,'{"duration_ms":7.5}','{"verdict":"pass"}','[{"role":"user","content":"Where is my order?"}]');
CREATE TABLE runs (
    number        INTEGER PRIMARY KEY,
    batch         INTEGER NOT NULL REFERENCES run_batches (number),
    project_id    TEXT NOT NULL,
    id            TEXT NOT NULL,
    input_item_id TEXT,
    -- An id or a name, as it was sent.
    persona       TEXT,
    iteration     INTEGER NOT NULL DEFAULT 0,
    status        TEXT NOT NULL
        CHECK (status IN ('running', 'completed', 'failed', 'error', 'timeout', 'skipped', 'abandoned')),
    verdict       TEXT,
    duration_ms   REAL,
    error         TEXT,
    input         TEXT NOT NULL DEFAULT '',
    output        TEXT NOT NULL DEFAULT '',
    UNIQUE (id, project_id)
) STRICT;
INSERT INTO "runs" VALUES(1,1,'project_9bb1efc1a0498ed9f0a08fc9','run_1','first',NULL,0,'completed','pass',7.5,NULL,'Where is my order?','On its way');
INSERT INTO "runs" VALUES(2,1,'project_9bb1efc1a0498ed9f0a08fc9','run_2','item_2add6d29a10fe1e4172f860c',NULL,0,'failed',NULL,NULL,'not_reported','Cancel it, please','');
CREATE TABLE scenarios (
    id              TEXT PRIMARY KEY,
    project_id      TEXT NOT NULL REFERENCES projects (id),
    name            TEXT NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    config_snapshot TEXT NOT NULL DEFAULT '{}',
    created_at      INTEGER NOT NULL,
    UNIQUE (project_id, name)
);
INSERT INTO "scenarios" VALUES('scenario_f7b2f7456325bbfc24197e2d','project_9bb1efc1a0498ed9f0a08fc9','orders','Where is it?','{"goal":"g"}',1795320322811);
CREATE TABLE sessions (
    hash       TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id),
    csrf       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO "settings" VALUES('address_secret','0000000000000000000000000000000000000000000000000000000000000000');
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
INSERT INTO "stored_files" VALUES('file_0001','project_9bb1efc1a0498ed9f0a08fc9','run_1','summary','summary.json','application/json','blob_cf9780ad14db5bae1722f8b3',1795325263295);
CREATE TABLE test_personas (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name       TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, name)
);
INSERT INTO "test_personas" VALUES('persona_cd65a36abe00c3c4f6ebf2ba','project_9bb1efc1a0498ed9f0a08fc9','novice','{"description":"New"}',1795320322811);
CREATE TABLE turns (
    run         INTEGER NOT NULL REFERENCES runs (number),
    turn_id     TEXT NOT NULL,
    sequence    INTEGER NOT NULL,
    role        TEXT NOT NULL,
    -- The time as it was sent.
    said_at     TEXT,
    duration_ms REAL,
    warnings    TEXT NOT NULL DEFAULT '[]',
    content     TEXT NOT NULL,
    PRIMARY KEY (run, turn_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "turns" VALUES(1,'t1',1,'user','2026-11-22T05:00:00Z',5.0,'[]','Where is my order?');
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
INSERT INTO "upload_files" VALUES(1,0,'traces','traces.jsonl',NULL,12,'a3f646d0dce56be06f1e38db3e6671755d903ce6d56acb34634434b56953e15f','37f5f1749eb3584193f45061cb5ab164accb7a1c6924eb5f838a46d09e34a302');
CREATE TABLE upload_parts (
    upload   INTEGER NOT NULL REFERENCES uploads (number),
    file     INTEGER NOT NULL,
    start    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    size     INTEGER NOT NULL,
    PRIMARY KEY (upload, file, start)
) STRICT, WITHOUT ROWID;
INSERT INTO "upload_parts" VALUES(1,0,0,0,'8b9ab2d6d25df341f25f107f461a908784d65e2bfdc9e73df26bd2ef8db42f9a',6);
INSERT INTO "upload_parts" VALUES(1,0,6,1,'4cf743dfb4f2912c07b6e519484c35825b33164a474d5b31a7aa2b8e6d27e0fa',6);
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
INSERT INTO "uploads" VALUES(1,'upload_27b86166ecd7196cd7fd00ee','project_9bb1efc1a0498ed9f0a08fc9','bundle_97ee29354249d467e9d14688','exp_2','a0bf7f40a39b5229591b60385e45e9715dfdc1e97cfacd6185738989f42e0063',1795325263246,NULL,NULL,NULL);
CREATE TABLE users (
    id         TEXT PRIMARY KEY,
    org_id     TEXT NOT NULL REFERENCES organisations (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    created_at INTEGER NOT NULL
);
INSERT INTO "users" VALUES('user_9a07be0389f69d58bf79a09a','org_0001','Grace','editor',1795325263302);
CREATE TABLE wrong_codes (
    user_id TEXT NOT NULL REFERENCES users (id),
    at      INTEGER NOT NULL
);
CREATE INDEX keys_of_organisation ON keys (org_id);
CREATE INDEX users_of_organisation ON users (org_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX agents_of_organisation ON agents (org_id, name, id);
CREATE INDEX persona_versions_by_status ON persona_versions (agent_id, status, version);
CREATE INDEX answers_by_time ON answers (at);
CREATE INDEX input_sets_by_digest ON input_sets (scenario_id, digest);
CREATE INDEX bundles_of_scenario ON bundles (scenario_id, sequence);
CREATE TRIGGER published_bundles_never_change BEFORE UPDATE ON bundles WHEN OLD.status = 'published'
BEGIN
    SELECT RAISE(ABORT, 'a published bundle never changes');
END;
CREATE INDEX run_batches_of_project ON run_batches (project_id, experiment_id);
CREATE INDEX run_batches_in_order ON run_batches (project_id);
CREATE INDEX run_batches_of_bundle ON run_batches (bundle_id);
CREATE INDEX run_batches_that_run ON run_batches (heard_at) WHERE running > 0;
CREATE INDEX runs_of_batch ON runs (batch);
CREATE INDEX runs_by_status ON runs (batch, status);
CREATE INDEX runs_by_persona ON runs (batch, persona);
CREATE INDEX runs_that_run ON runs (batch, input_item_id) WHERE status = 'running';
CREATE INDEX replaced_runs_by_run ON replaced_runs (run);
CREATE INDEX early_turns_by_time ON early_turns (heard_at);
CREATE UNIQUE INDEX artifacts_once ON artifacts (batch, coalesce(run, 0), type, name, blob_id);
CREATE INDEX artifacts_of_run ON artifacts (run);
CREATE INDEX artifacts_of_blob ON artifacts (blob_id);
CREATE INDEX parts_of_object ON parts (object);
CREATE INDEX parts_by_use ON parts (used_at);
CREATE INDEX blobs_by_content ON blobs (project_id, sha256) WHERE proven;
CREATE INDEX blob_parts_by_part ON blob_parts (part);
CREATE UNIQUE INDEX open_uploads ON uploads (project_id, digest) WHERE batch_id IS NULL;
CREATE INDEX uploads_by_time ON uploads (offered_at);
CREATE INDEX upload_parts_by_content ON upload_parts (upload, sha256, size);
CREATE INDEX stored_files_of_blob ON stored_files (blob_id);
CREATE INDEX device_logins_of_user ON device_logins (user_id, status);
CREATE INDEX device_logins_waiting ON device_logins (status, address);
CREATE INDEX login_keys_of_login ON login_keys (login_id, expires_at);
CREATE INDEX wrong_codes_of_user ON wrong_codes (user_id, at);
CREATE INDEX runs_by_duration ON runs (batch, duration_ms) WHERE duration_ms NOT NULL;
CREATE INDEX runs_not_passed ON runs (batch)
    WHERE status IN ('failed', 'error', 'timeout') OR (status = 'completed' AND verdict IN ('fail', 'failed'));
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('agent_revisions',6);
COMMIT;
