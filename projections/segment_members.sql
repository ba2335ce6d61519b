CREATE TABLE segments (
    id          text   PRIMARY KEY,
    name        text   NOT NULL,
    description text   NOT NULL,
    type        text   NOT NULL,
    created_at  bigint NOT NULL,
    modified_at bigint NOT NULL,
    modified_by text   NOT NULL,
    members     bigint NOT NULL
);
COMMENT ON TABLE  segments             IS 'every segment';
COMMENT ON COLUMN segments.id          IS 'id of the segment';
COMMENT ON COLUMN segments.name        IS 'what people call the segment';
COMMENT ON COLUMN segments.description IS 'what the segment is for; may be empty';
COMMENT ON COLUMN segments.type        IS 'manual: contacts are put in one by one or by imports';
COMMENT ON COLUMN segments.created_at  IS 'when the segment was created, Unix epoch in milliseconds';
COMMENT ON COLUMN segments.modified_at IS 'when its name or description last changed, Unix epoch in milliseconds';
COMMENT ON COLUMN segments.modified_by IS 'who did that: id of a user or API client';
COMMENT ON COLUMN segments.members     IS 'rows in members, so that they need not be counted';

CREATE TABLE members (
    nx_id      uuid   NOT NULL,
    segment_id text   NOT NULL,
    added_at   bigint NOT NULL,
    import_id  text   NOT NULL
);
COMMENT ON TABLE  members            IS 'which contacts are in which segment';
COMMENT ON COLUMN members.nx_id      IS 'the contact';
COMMENT ON COLUMN members.segment_id IS 'the segment';
COMMENT ON COLUMN members.added_at   IS 'when the contact came into the segment, Unix epoch in milliseconds';
COMMENT ON COLUMN members.import_id  IS 'the import that put it there; empty: somebody did by hand';

CREATE TABLE import_segments (
    import_id  text PRIMARY KEY,
    segment_id text NOT NULL
);
COMMENT ON TABLE  import_segments            IS 'which segment the rows of an import go into';
COMMENT ON COLUMN import_segments.import_id  IS 'the import';
COMMENT ON COLUMN import_segments.segment_id IS 'the segment';

CREATE TABLE removed_segments (
    segment_id text PRIMARY KEY
);
COMMENT ON TABLE  removed_segments            IS 'segments that were removed: what imports still put into them goes nowhere';
COMMENT ON COLUMN removed_segments.segment_id IS 'the segment';

CREATE TABLE history (
    segment_id text   NOT NULL,
    day        date   NOT NULL,
    added      bigint NOT NULL,
    removed    bigint NOT NULL,
    PRIMARY KEY (segment_id, day)
);
COMMENT ON TABLE  history            IS 'how a segment grew and shrank, day by day';
COMMENT ON COLUMN history.segment_id IS 'the segment';
COMMENT ON COLUMN history.day        IS 'the day, in UTC';
COMMENT ON COLUMN history.added      IS 'contacts that came into the segment that day';
COMMENT ON COLUMN history.removed    IS 'contacts that left the segment that day';

-- indexes

ALTER TABLE members ADD PRIMARY KEY (nx_id, segment_id);
CREATE INDEX members_of_segment ON members (segment_id, added_at, nx_id);
CREATE INDEX segments_by_name   ON segments (name);
CREATE INDEX imports_of_segment ON import_segments (segment_id);
