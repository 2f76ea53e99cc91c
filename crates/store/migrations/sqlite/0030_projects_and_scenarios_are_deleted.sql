-- The agent that a project tests.
ALTER TABLE projects ADD COLUMN agent_id TEXT REFERENCES agents (id);
-- What is deleted is hidden, and keeps everything until it is restored. Its name is free meanwhile: `name` is one that nothing else has.
ALTER TABLE projects ADD COLUMN deleted_at INTEGER;
ALTER TABLE projects ADD COLUMN deleted_by TEXT;
ALTER TABLE projects ADD COLUMN deleted_name TEXT;
ALTER TABLE scenarios ADD COLUMN deleted_at INTEGER;
ALTER TABLE scenarios ADD COLUMN deleted_by TEXT;
ALTER TABLE scenarios ADD COLUMN deleted_name TEXT;
