CREATE TABLE imports (
    id               text   PRIMARY KEY,
    name             text   NOT NULL,
    description      text   NOT NULL,
    type             text   NOT NULL,
    file             jsonb  NOT NULL,
    search_name      text   NOT NULL,
    header_hash      bytea  NOT NULL,
    default_country  text   NOT NULL,
    blank_cells      text   NOT NULL,
    corrects         text   NOT NULL,
    import_mode      text   NOT NULL,
    key_identifier   text   NOT NULL,
    rows_to_import   bigint NOT NULL,
    user_id          text   NOT NULL,
    created_at       bigint NOT NULL,
    state            text   NOT NULL,
    event_name       text   NOT NULL,
    segment_id       text   NOT NULL,
    segment_name     text   NOT NULL,
    mapping          jsonb  NOT NULL,
    rows_imported    bigint NOT NULL,
    rows_in_error    bigint NOT NULL,
    failed_reason    text   NOT NULL,
    failed_message   text   NOT NULL,
    modified_at      bigint NOT NULL,
    revision         bigint NOT NULL,
    position_commit  bigint NOT NULL,
    position_prepare bigint NOT NULL
);
COMMENT ON TABLE  imports                  IS 'every import as it stands; texts are empty where there is nothing to say';
COMMENT ON COLUMN imports.id               IS 'ULID of the import';
COMMENT ON COLUMN imports.name             IS 'what people call the import';
COMMENT ON COLUMN imports.description      IS 'what the import is for';
COMMENT ON COLUMN imports.type             IS 'which door the file came through: manual, ftp-template';
COMMENT ON COLUMN imports.file             IS 'what was received: name, size, sha256, separator, encoding, header, rows';
COMMENT ON COLUMN imports.search_name      IS 'the file''s name in lower case, at most 255 characters, to be searched';
COMMENT ON COLUMN imports.header_hash      IS 'SHA-256 of the file''s column names in alphabetical order, without those that say what was wrong with a row';
COMMENT ON COLUMN imports.default_country  IS 'country of national phone numbers, ISO 3166-1 alpha-2';
COMMENT ON COLUMN imports.blank_cells      IS 'what a blank cell does to the contact''s attribute: keep, clear';
COMMENT ON COLUMN imports.corrects         IS 'the import whose rejected rows this one has, mended';
COMMENT ON COLUMN imports.import_mode      IS 'what a row is: contacts, events';
COMMENT ON COLUMN imports.key_identifier   IS 'the attribute that says which contact a row is about';
COMMENT ON COLUMN imports.rows_to_import   IS 'rows in the file, below the header';
COMMENT ON COLUMN imports.user_id          IS 'who started the import: id of a user or API client';
COMMENT ON COLUMN imports.created_at       IS 'when the import was started, Unix epoch in milliseconds';
COMMENT ON COLUMN imports.state            IS 'preparing, importing, imported, canceled or failed';
COMMENT ON COLUMN imports.event_name       IS 'in mode events: what the rows'' events are called';
COMMENT ON COLUMN imports.segment_id       IS 'the segment that accepted contacts are put in';
COMMENT ON COLUMN imports.segment_name     IS 'name of that segment when the columns were mapped';
COMMENT ON COLUMN imports.mapping          IS 'what each column means, in the file''s order; an empty array until it is decided';
COMMENT ON COLUMN imports.rows_imported    IS 'rows accepted so far';
COMMENT ON COLUMN imports.rows_in_error    IS 'rows rejected so far';
COMMENT ON COLUMN imports.failed_reason    IS 'in state failed: code of the reason';
COMMENT ON COLUMN imports.failed_message   IS 'in state failed: the reason as a sentence';
COMMENT ON COLUMN imports.modified_at      IS 'when the last event was decided, Unix epoch in milliseconds';
COMMENT ON COLUMN imports.revision         IS 'number of the last event in the import''s stream, from 0';
COMMENT ON COLUMN imports.position_commit  IS 'commit position of the last event in the log';
COMMENT ON COLUMN imports.position_prepare IS 'prepare position of the last event in the log';

CREATE TABLE totals (
    state   text   NOT NULL,
    type    text   NOT NULL,
    imports bigint NOT NULL,
    PRIMARY KEY (state, type)
);
COMMENT ON TABLE  totals         IS 'how many imports there are, so that a page of the list need not count them';
COMMENT ON COLUMN totals.state   IS 'as in imports';
COMMENT ON COLUMN totals.type    IS 'as in imports';
COMMENT ON COLUMN totals.imports IS 'imports with this state and type, never 0';

-- indexes

-- search_name is in the first one so that a search by name reads nothing else.
CREATE INDEX imports_newest    ON imports (created_at, id) INCLUDE (search_name, state, type);
CREATE INDEX imports_state     ON imports (state, created_at, id);
CREATE INDEX imports_type      ON imports (type, created_at, id);
CREATE INDEX imports_by_header ON imports (header_hash, import_mode, created_at, id) WHERE mapping <> '[]';
CREATE INDEX imports_corrects  ON imports (corrects, created_at, id) WHERE corrects <> '';
CREATE INDEX imports_ended     ON imports (position_commit, position_prepare) WHERE state IN ('imported', 'canceled', 'failed');
