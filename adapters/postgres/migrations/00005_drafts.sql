-- What people have chosen for imports that are not importing yet.

-- +goose Up

CREATE TABLE ledger.import_drafts (
    import_id text        PRIMARY KEY,
    draft     jsonb       NOT NULL,
    saved_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  ledger.import_drafts           IS 'what was chosen so far for imports that wait for their mapping';
COMMENT ON COLUMN ledger.import_drafts.import_id IS 'the import, a ULID';
COMMENT ON COLUMN ledger.import_drafts.draft     IS 'the choices, in the form that the web interface gives them';
COMMENT ON COLUMN ledger.import_drafts.saved_at  IS 'when somebody last chose';

-- +goose Down

DROP TABLE ledger.import_drafts;
