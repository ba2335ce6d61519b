-- Rows of up to 8 kB stay whole and uncompressed: compressing the attributes of
-- a wide contact costs more than everything else about it.
CREATE TABLE contacts (
    nx_id        uuid   NOT NULL,
    attributes   jsonb  NOT NULL,
    created_at   bigint NOT NULL,
    modified_at  bigint NOT NULL,
    first_import text   NOT NULL,
    last_import  text   NOT NULL,
    created      bigint NOT NULL GENERATED ALWAYS AS (
        CASE WHEN jsonb_typeof(attributes->'createdAt') = 'number' THEN (attributes->'createdAt')::bigint ELSE created_at END) STORED
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE  contacts              IS 'every contact as it stands';
COMMENT ON COLUMN contacts.nx_id        IS 'id of the contact, derived from its key identifier';
COMMENT ON COLUMN contacts.attributes   IS 'attributes by name: strings, numbers, booleans; never null';
COMMENT ON COLUMN contacts.created_at   IS 'when its first row was accepted, Unix epoch in milliseconds';
COMMENT ON COLUMN contacts.modified_at  IS 'when its last row was accepted, Unix epoch in milliseconds';
COMMENT ON COLUMN contacts.first_import IS 'import of its first row';
COMMENT ON COLUMN contacts.last_import  IS 'import of its last row';
COMMENT ON COLUMN contacts.created      IS 'when the contact came to be, Unix epoch in milliseconds: what its rows say, else created_at';

CREATE TABLE events (
    id         uuid   NOT NULL,
    nx_id      uuid   NOT NULL,
    name       text   NOT NULL,
    at         bigint NOT NULL,
    properties jsonb  NOT NULL,
    import_id  text   NOT NULL
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE  events            IS 'what happened to contacts, each once, however often it was imported';
COMMENT ON COLUMN events.id         IS 'derived from contact, name, time and properties';
COMMENT ON COLUMN events.nx_id      IS 'the contact';
COMMENT ON COLUMN events.name       IS 'what the event is called';
COMMENT ON COLUMN events.at         IS 'when it happened, Unix epoch in milliseconds';
COMMENT ON COLUMN events.properties IS 'properties by name: strings, numbers, booleans';
COMMENT ON COLUMN events.import_id  IS 'the import that brought it first';

CREATE TABLE attributes (
    name       text   PRIMARY KEY,
    type       text   NOT NULL,
    import_id  text   NOT NULL,
    created_at bigint NOT NULL
);
COMMENT ON TABLE  attributes            IS 'attributes of contacts beside the reserved ones';
COMMENT ON COLUMN attributes.name       IS 'name, case-sensitive';
COMMENT ON COLUMN attributes.type       IS 'string, number or boolean';
COMMENT ON COLUMN attributes.import_id  IS 'the import whose mapping created it; empty: somebody did by hand';
COMMENT ON COLUMN attributes.created_at IS 'when it was created, Unix epoch in milliseconds';

CREATE TABLE totals (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    contacts bigint  NOT NULL
);
COMMENT ON TABLE  totals          IS 'how many there are, so that a page need not count them; a single row';
COMMENT ON COLUMN totals.single   IS 'always true: keeps the table to one row';
COMMENT ON COLUMN totals.contacts IS 'rows in contacts';
INSERT INTO totals (contacts) VALUES (0);

-- indexes

ALTER TABLE contacts ADD PRIMARY KEY (nx_id);
ALTER TABLE events   ADD PRIMARY KEY (id);
CREATE INDEX contacts_created  ON contacts (created, nx_id);
CREATE INDEX events_of_contact ON events (nx_id, at, id);
CREATE INDEX events_by_name    ON events (name, at) INCLUDE (nx_id);
