-- Personas for tests are deleted as projects and scenarios are: hidden, with what they were called, by whom and when.
ALTER TABLE test_personas ADD COLUMN deleted_name TEXT COLLATE "C";
ALTER TABLE test_personas ADD COLUMN deleted_at BIGINT;
ALTER TABLE test_personas ADD COLUMN deleted_by TEXT;
