CREATE TABLE errors (
    import_id   text   NOT NULL,
    row         bigint NOT NULL,
    seq         int    NOT NULL,
    line        bigint NOT NULL,
    column_name text   NOT NULL,
    code        text   NOT NULL,
    message     text   NOT NULL,
    value       text   NOT NULL,
    PRIMARY KEY (import_id, row, seq)
);
COMMENT ON TABLE  errors             IS 'every reason for which a row was rejected';
COMMENT ON COLUMN errors.import_id   IS 'the import';
COMMENT ON COLUMN errors.row         IS 'the row, from 1 below the header';
COMMENT ON COLUMN errors.seq         IS 'number of the reason among the row''s, from 0';
COMMENT ON COLUMN errors.line        IS 'line of the file where the row begins';
COMMENT ON COLUMN errors.column_name IS 'header of the cell; empty: the row as a whole';
COMMENT ON COLUMN errors.code        IS 'code of the rule that the row breaks';
COMMENT ON COLUMN errors.message     IS 'the reason as a sentence';
COMMENT ON COLUMN errors.value       IS 'the cell as it was, shortened';

-- indexes
