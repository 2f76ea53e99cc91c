-- What somebody brought to the inputs of a scenario and looks at before it is added: its text, how it is read, and at the end what became of
-- it, in place of the text. It is kept for a day.
CREATE TABLE input_sheets (
    id          TEXT PRIMARY KEY,
    scenario_id TEXT NOT NULL REFERENCES scenarios (id),
    user_id     TEXT NOT NULL,
    name        TEXT NOT NULL,
    text        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    reading     TEXT NOT NULL,
    outcome     TEXT,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX input_sheets_by_user ON input_sheets (user_id, created_at);
CREATE INDEX input_sheets_by_age ON input_sheets (created_at);

-- What the columns were the last time, for the next one.
CREATE TABLE input_columns (
    scenario_id TEXT PRIMARY KEY REFERENCES scenarios (id),
    columns     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
