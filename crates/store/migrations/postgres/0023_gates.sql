-- What the experiments of a scenario must hold, as JSON.
CREATE TABLE scenario_gates (
    scenario_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES scenarios (id) ON DELETE CASCADE,
    gate        TEXT NOT NULL,
    changed_by  TEXT NOT NULL,
    changed_at  BIGINT NOT NULL
);
