-- Counts the commits that changed anything: who has read something and finds the same number later has read what is still true.
-- It is a row and no sequence, so that nobody can see the number before what it counts.
CREATE TABLE change_number (number INTEGER NOT NULL) STRICT;
INSERT INTO change_number (number) VALUES (1);
