CREATE TABLE checkpoint (
    single      boolean     PRIMARY KEY DEFAULT true CHECK (single),
    log_commit  bigint      NOT NULL DEFAULT 0,
    log_prepare bigint      NOT NULL DEFAULT 0,
    applied     bigint      NOT NULL DEFAULT 0,
    last_event  jsonb,
    stopped     jsonb,
    version     text        NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  checkpoint             IS 'how far the log is in the tables beside it, a single row that commits with them';
COMMENT ON COLUMN checkpoint.single      IS 'always true: keeps the table to one row';
COMMENT ON COLUMN checkpoint.log_commit  IS 'commit position in the log up to which events are in the tables';
COMMENT ON COLUMN checkpoint.log_prepare IS 'prepare position that belongs to log_commit';
COMMENT ON COLUMN checkpoint.applied     IS 'how many events of the ledger lie up to there';
COMMENT ON COLUMN checkpoint.last_event  IS 'the last of these events: stream, revision, id and position; by it the log is known again';
COMMENT ON COLUMN checkpoint.stopped     IS 'the event that cannot be applied and why; null while the read model goes on';
COMMENT ON COLUMN checkpoint.version     IS 'digest of the tables and the version of the fold that filled them';
COMMENT ON COLUMN checkpoint.updated_at  IS 'when the row was last written, by the clock of Postgres';
