-- Narrow on purpose: what a row said stands in the log, and what the file said in the
-- file. This only says which rows are about a contact.
CREATE TABLE rows (
    nx_id     uuid   NOT NULL,
    number    bigint NOT NULL,
    import_id text   NOT NULL,
    row       bigint NOT NULL
);
COMMENT ON TABLE  rows           IS 'every accepted row, by the contact that it is about';
COMMENT ON COLUMN rows.nx_id     IS 'the contact';
COMMENT ON COLUMN rows.number    IS 'rises with every accepted row of the ledger, in the order of the log';
COMMENT ON COLUMN rows.import_id IS 'the import';
COMMENT ON COLUMN rows.row       IS 'the row, from 1 below the header';

CREATE TABLE totals (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    rows   bigint  NOT NULL
);
COMMENT ON TABLE  totals        IS 'how many there are; a single row';
COMMENT ON COLUMN totals.single IS 'always true: keeps the table to one row';
COMMENT ON COLUMN totals.rows   IS 'rows in rows, and so the number of the next one';
INSERT INTO totals (rows) VALUES (0);

-- indexes

ALTER TABLE rows ADD PRIMARY KEY (nx_id, number);
