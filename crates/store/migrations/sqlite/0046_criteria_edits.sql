-- The draft of a scenario's criteria: how its packs differ from those that were published last. `document` is null where a pack is deleted,
-- `base` is what it was made from and null where the pack is new. `number` is the order in which they came.
CREATE TABLE criteria_edits (
    number       INTEGER PRIMARY KEY,
    scenario_id  TEXT NOT NULL REFERENCES scenarios (id),
    criterion_id TEXT NOT NULL,
    document     TEXT,
    base         TEXT,
    edited_by    TEXT NOT NULL,
    edited_at    INTEGER NOT NULL,
    UNIQUE (scenario_id, criterion_id)
) STRICT;
