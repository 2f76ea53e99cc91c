-- The cases of an experiment as they are compared, packed: kept when it is counted, and true for as long as it counts as counted.
CREATE TABLE kept_cases (
    batch INTEGER PRIMARY KEY REFERENCES stored_batches (number) ON DELETE CASCADE,
    cases BLOB NOT NULL
) STRICT;
