-- How each input of an experiment ended, so that those of a thousand experiments are read in one go. What was counted before is counted again,
-- a bounded number at a time; it is shown meanwhile.
ALTER TABLE kept_cases ADD COLUMN outcomes BLOB;
UPDATE stored_batches SET is_counted = 0 WHERE is_counted = 1;
