-- Why a bundle version was published, by whom and when. Null for versions of before.
ALTER TABLE bundles ADD COLUMN message TEXT;
ALTER TABLE bundles ADD COLUMN published_by TEXT;
ALTER TABLE bundles ADD COLUMN published_at BIGINT;

-- Who got a bundle version, and when: the key or the device, under the name that it had, and the program.
CREATE TABLE bundle_pulls (
    bundle_id  TEXT COLLATE "C" NOT NULL REFERENCES bundles (id),
    puller_id  TEXT COLLATE "C" NOT NULL,
    puller     TEXT NOT NULL,
    program    TEXT NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (bundle_id, puller_id)
);
