-- What the pages of an experiment ask for, however many runs it has: how long its runs took, and the next one that did
-- not pass. The condition stands in the query in the same words, so that the index is used.
CREATE INDEX runs_by_duration ON runs (batch, duration_ms) WHERE duration_ms NOT NULL;
CREATE INDEX runs_not_passed ON runs (batch)
    WHERE status IN ('failed', 'error', 'timeout') OR (status = 'completed' AND verdict IN ('fail', 'failed'));
