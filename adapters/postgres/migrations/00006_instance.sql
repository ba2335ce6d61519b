-- What every process of a ledger must agree on.

-- +goose Up

CREATE TABLE ledger.instance (
    single          boolean     PRIMARY KEY DEFAULT true CHECK (single),
    key_fingerprint text        NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  ledger.instance                 IS 'this ledger as a whole, a single row';
COMMENT ON COLUMN ledger.instance.single          IS 'always true: keeps the table to one row';
COMMENT ON COLUMN ledger.instance.key_fingerprint IS 'tells whether a process has the secret key that contact ids are derived from; the key cannot be computed from it';
COMMENT ON COLUMN ledger.instance.made_at         IS 'when the first process came to this database';

-- +goose Down

DROP TABLE ledger.instance;
