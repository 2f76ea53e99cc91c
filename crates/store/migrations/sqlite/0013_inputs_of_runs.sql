-- Where a required criterion was not judged: of those that are completed, neither passed nor not.
ALTER TABLE run_batches ADD COLUMN not_judged INTEGER NOT NULL DEFAULT 0;

-- How an input did in the experiments before.
CREATE INDEX runs_of_input ON runs (project_id, input_item_id, number) WHERE input_item_id NOT NULL;
