-- Who created a key, by an id that stays when the person gets another name: of a person, of another key, or of whoever runs the server.
ALTER TABLE keys ADD COLUMN creator_id TEXT COLLATE "C";
CREATE INDEX keys_by_creator ON keys (creator_id);
