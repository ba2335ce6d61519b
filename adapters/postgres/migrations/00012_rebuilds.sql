-- Rebuilds of read models that are asked for, and what they have replaced.

-- +goose Up

CREATE TABLE ledger.rebuilds (
    model             text             PRIMARY KEY CHECK (model <> ''),
    back              boolean          NOT NULL DEFAULT false,
    version           text             NOT NULL,
    paused            boolean          NOT NULL DEFAULT false,
    canceled          boolean          NOT NULL DEFAULT false,
    failed            jsonb,
    stage             text             NOT NULL DEFAULT 'waiting' CHECK (stage IN ('waiting', 'reading', 'indexing', 'swapping')),
    events_per_second double precision NOT NULL DEFAULT 0,
    trouble           text,
    asked_at          timestamptz      NOT NULL DEFAULT now()
);
COMMENT ON TABLE  ledger.rebuilds                   IS 'read models that are to be rebuilt or rolled back; a row goes with the swap, in one transaction';
COMMENT ON COLUMN ledger.rebuilds.model             IS 'the read model';
COMMENT ON COLUMN ledger.rebuilds.back              IS 'true: the tables that the last rebuild replaced are to be brought up and put back; false: new ones are filled from the log''s beginning';
COMMENT ON COLUMN ledger.rebuilds.version           IS 'digest of the tables and the fold of the program that was asked: another version leaves the row to it';
COMMENT ON COLUMN ledger.rebuilds.paused            IS 'nobody goes on with it until it is resumed';
COMMENT ON COLUMN ledger.rebuilds.canceled          IS 'what was filled is to be dropped, and the row with it';
COMMENT ON COLUMN ledger.rebuilds.failed            IS 'the event that cannot be applied and why; null: none so far';
COMMENT ON COLUMN ledger.rebuilds.stage             IS 'waiting for its turn, reading the log, indexing its tables, swapping them in; while nobody works on it: the last of these';
COMMENT ON COLUMN ledger.rebuilds.events_per_second IS 'how fast it goes on, lately';
COMMENT ON COLUMN ledger.rebuilds.trouble           IS 'why it does not go on at the moment, though it is tried again; null: it does';
COMMENT ON COLUMN ledger.rebuilds.asked_at          IS 'when it was asked for';

CREATE TABLE ledger.rebuild_limit (
    single            boolean PRIMARY KEY DEFAULT true CHECK (single),
    events_per_second integer CHECK (events_per_second > 0)
);
COMMENT ON TABLE  ledger.rebuild_limit                   IS 'how fast rebuilds may read the log, a single row';
COMMENT ON COLUMN ledger.rebuild_limit.single            IS 'always true: keeps the table to one row';
COMMENT ON COLUMN ledger.rebuild_limit.events_per_second IS 'of all rebuilds together; null: as fast as they can';
INSERT INTO ledger.rebuild_limit DEFAULT VALUES;

CREATE TABLE ledger.replaced_models (
    model       text        PRIMARY KEY CHECK (model <> ''),
    version     text        NOT NULL,
    replaced_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  ledger.replaced_models             IS 'read models whose tables before the last swap are still there, in schema MODEL_old';
COMMENT ON COLUMN ledger.replaced_models.model       IS 'the read model';
COMMENT ON COLUMN ledger.replaced_models.version     IS 'digest of the tables and the fold that filled them';
COMMENT ON COLUMN ledger.replaced_models.replaced_at IS 'when they were replaced; a day later they are dropped';

-- +goose Down

DROP TABLE ledger.replaced_models;
DROP TABLE ledger.rebuild_limit;
DROP TABLE ledger.rebuilds;
