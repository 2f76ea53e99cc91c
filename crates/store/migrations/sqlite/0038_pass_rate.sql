-- The pass rate by which experiments are sorted is the one that is shown: of all cases that were tried, the abandoned ones included, and
-- of none while some go on.
DROP INDEX run_batches_by_rate;
ALTER TABLE stored_batches DROP COLUMN pass_rate;
ALTER TABLE stored_batches ADD COLUMN pass_rate REAL AS (
    iif(running = 0, CAST(passed AS REAL) / nullif(completed + failed + error + timeout - not_judged + abandoned, 0), NULL));
CREATE INDEX run_batches_by_rate ON stored_batches (project_id, pass_rate);
