-- The items of a set as a pull sends them: 500 in a row, in their order. One page behind another is the inside of a JSON
-- array, so all but the first begin with a comma. A set never changes, so neither do its pages.
CREATE TABLE input_pages (
    input_set_id TEXT NOT NULL REFERENCES input_sets (id),
    number       INTEGER NOT NULL,
    items        TEXT NOT NULL,
    PRIMARY KEY (input_set_id, number)
);
INSERT INTO input_pages (input_set_id, number, items)
    SELECT input_set_id, position / 500, iif(position < 500, '', ',') || group_concat(document, ',' ORDER BY position)
    FROM input_items GROUP BY input_set_id, position / 500;
