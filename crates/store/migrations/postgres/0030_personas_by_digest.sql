-- Which version says what a check has seen, or what a review is of.
CREATE INDEX persona_versions_by_digest ON persona_versions (agent_id, digest, version);
