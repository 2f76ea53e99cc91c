-- The items of a set as a pull sends them, packed: each page is one zstd frame (RFC 8878) of whole items, about 256 KiB of text. The texts one behind another are the inside of a JSON array, so all but the first begin with a comma. A set never
-- changes, so neither do its pages.
--
-- SQL cannot pack. What input_pages holds is packed when the database is opened next, set by set, and goes from there; nothing new gets
-- into it. The truth about the items is in input_items.
CREATE TABLE packed_inputs (
    input_set_id TEXT NOT NULL REFERENCES input_sets (id),
    number       INTEGER NOT NULL,
    item_count   INTEGER NOT NULL,
    packed       BLOB NOT NULL,
    PRIMARY KEY (input_set_id, number)
);
