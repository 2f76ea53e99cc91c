-- The digest of the persona that was tested, to the letter: what the code had, or, as older clients say it, what both sides had.
ALTER TABLE stored_batches ADD COLUMN tested_persona TEXT AS (
    coalesce(details ->> '$.code_persona_digest',
             iif(details ->> '$.persona_modified' = 0, details ->> '$.persona_digest', NULL)));
CREATE INDEX run_batches_by_tested_persona ON stored_batches (tested_persona);
