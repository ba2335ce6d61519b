-- What an export of the audit log says about the ledger that it comes from.

-- +goose Up

ALTER TABLE ledger.instance ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();
COMMENT ON COLUMN ledger.instance.id IS 'names the ledger in what is exported from it';

CREATE TABLE ledger.audit_keys (
    public_key text        PRIMARY KEY CHECK (public_key <> ''),
    since      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  ledger.audit_keys            IS 'every key that exports were ever signed with, so that those signed by an older one can still be checked';
COMMENT ON COLUMN ledger.audit_keys.public_key IS 'Ed25519, base64url; the private one is never in the database';
COMMENT ON COLUMN ledger.audit_keys.since      IS 'when a process first came with it';

-- +goose Down

DROP TABLE ledger.audit_keys;
ALTER TABLE ledger.instance DROP COLUMN id;
