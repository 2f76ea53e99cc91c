-- What a client has set for a project, as the JSON object that it sent: its language, for one.
ALTER TABLE projects ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
