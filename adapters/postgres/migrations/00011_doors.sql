-- What doors of several processes share.

-- +goose Up

ALTER TABLE ledger.connector_attempts ADD turn_until timestamptz;
COMMENT ON COLUMN ledger.connector_attempts.turn_until IS 'by the clock of Postgres, until when a process looks at a password or lets a wrong one wait; null: nobody does';

CREATE UNLOGGED TABLE ledger.connector_sessions (
    id           text        PRIMARY KEY CHECK (id <> ''),
    connector_id text        NOT NULL REFERENCES ledger.connectors,
    seen_at      timestamptz NOT NULL
);
CREATE INDEX connector_sessions_connector ON ledger.connector_sessions (connector_id);
COMMENT ON TABLE  ledger.connector_sessions              IS 'open sessions of connectors in all processes, so that they are bounded together; unlogged: after a crash of Postgres processes write theirs anew';
COMMENT ON COLUMN ledger.connector_sessions.id           IS 'ULID of the session';
COMMENT ON COLUMN ledger.connector_sessions.connector_id IS 'whose session it is';
COMMENT ON COLUMN ledger.connector_sessions.seen_at      IS 'by the clock of Postgres, when its process last said that it is open; one that is silent does not count';

-- +goose Down

DROP TABLE ledger.connector_sessions;
ALTER TABLE ledger.connector_attempts DROP turn_until;
