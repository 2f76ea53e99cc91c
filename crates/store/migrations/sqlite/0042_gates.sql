-- What the experiments of a scenario must hold, as JSON.
CREATE TABLE scenario_gates (
    scenario_id TEXT NOT NULL PRIMARY KEY REFERENCES scenarios (id) ON DELETE CASCADE,
    gate        TEXT NOT NULL,
    changed_by  TEXT NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;

-- What came of it in an experiment, with the gate as it was when the experiment ended. `state` is null until that is checked. `baseline` is
-- the id of the experiment that it was compared with, `first_run` that of the run that failed first.
CREATE TABLE experiment_gates (
    batch     INTEGER PRIMARY KEY REFERENCES stored_batches (number) ON DELETE CASCADE,
    gate      TEXT NOT NULL,
    state     TEXT CHECK (state IN ('passed', 'failed', 'undecided')),
    reason    TEXT NOT NULL DEFAULT '',
    baseline  TEXT,
    first_run TEXT,
    seen_by   TEXT,
    seen_at   INTEGER
) STRICT;
