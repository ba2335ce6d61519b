-- Files that connectors are made from.

-- +goose Up

CREATE TABLE ledger.connector_samples (
    id           text        PRIMARY KEY CHECK (id <> ''),
    connector_id text        REFERENCES ledger.connectors,
    made_by      text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('storing', 'kept', 'sweeping')),
    started      jsonb       NOT NULL,
    choices      jsonb       NOT NULL,
    saved_at     timestamptz NOT NULL
);
CREATE INDEX connector_samples_saved_at ON ledger.connector_samples (saved_at);
CREATE INDEX connector_samples_made_by ON ledger.connector_samples (made_by, saved_at);
COMMENT ON TABLE  ledger.connector_samples              IS 'files like those that will come, with what was chosen so far of the template that is made from each; no imports, and kept for days only; the bytes are in the blob store under sample- and the id';
COMMENT ON COLUMN ledger.connector_samples.id           IS 'ULID; the connector that is made from the sample has it too, so that it is made once';
COMMENT ON COLUMN ledger.connector_samples.connector_id IS 'the connector that gets another template; null: a new one is made';
COMMENT ON COLUMN ledger.connector_samples.made_by      IS 'id of the user who brought the file, and who alone sees it';
COMMENT ON COLUMN ledger.connector_samples.state        IS 'storing: its bytes are on their way into the blob store; kept; sweeping: bytes and row are being removed';
COMMENT ON COLUMN ledger.connector_samples.started      IS 'what the file is, as an import of it would begin';
COMMENT ON COLUMN ledger.connector_samples.choices      IS 'the choices, in the form that the web interface gives them';
COMMENT ON COLUMN ledger.connector_samples.saved_at     IS 'when somebody last chose: it leaves by that';

-- +goose Down

DROP TABLE ledger.connector_samples;
