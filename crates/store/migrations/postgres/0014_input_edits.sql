-- What the items of a set are found by, in small letters. A set that was made before has no rows here, and is searched as it is stored.
CREATE TABLE input_words (
    input_set_id TEXT COLLATE "C" NOT NULL REFERENCES input_sets (id),
    position     BIGINT NOT NULL,
    words        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (input_set_id, position)
);

-- The draft of a scenario's inputs: how they differ from those of the bundle version that was published last. `document` is null where an
-- input is deleted, `base` is what it was made from and null where the input is new. `number` is the order in which they came.
CREATE TABLE input_edits (
    number      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scenario_id TEXT COLLATE "C" NOT NULL REFERENCES scenarios (id),
    input_id    TEXT COLLATE "C" NOT NULL,
    document    TEXT,
    base        TEXT,
    words       TEXT COLLATE "C" NOT NULL,
    edited_by   TEXT NOT NULL,
    edited_at   BIGINT NOT NULL,
    UNIQUE (scenario_id, input_id)
);
