-- What the items of a set are found by, in small letters. A set that was made before has no rows here, and is searched as it is stored.
CREATE TABLE input_words (
    input_set_id TEXT NOT NULL REFERENCES input_sets (id),
    position     INTEGER NOT NULL,
    words        TEXT NOT NULL,
    PRIMARY KEY (input_set_id, position)
) STRICT, WITHOUT ROWID;

-- The draft of a scenario's inputs: how they differ from those of the bundle version that was published last. `document` is null where an
-- input is deleted, `base` is what it was made from and null where the input is new. `number` is the order in which they came.
CREATE TABLE input_edits (
    number      INTEGER PRIMARY KEY,
    scenario_id TEXT NOT NULL REFERENCES scenarios (id),
    input_id    TEXT NOT NULL,
    document    TEXT,
    base        TEXT,
    words       TEXT NOT NULL,
    edited_by   TEXT NOT NULL,
    edited_at   INTEGER NOT NULL,
    UNIQUE (scenario_id, input_id)
) STRICT;
