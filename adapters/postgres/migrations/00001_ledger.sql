-- The tables that cannot be rebuilt from the log.

-- +goose Up

CREATE TABLE ledger.api_clients (
    id          text        PRIMARY KEY CHECK (id <> ''),
    name        text        NOT NULL,
    secret_hash text        NOT NULL,
    scopes      text[]      NOT NULL,
    origin      text        NOT NULL CHECK (origin IN ('bootstrap', 'managed')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);
COMMENT ON TABLE  ledger.api_clients             IS 'who may ask for API tokens';
COMMENT ON COLUMN ledger.api_clients.id          IS 'the client_id of OAuth 2.0';
COMMENT ON COLUMN ledger.api_clients.name        IS 'what people call the client';
COMMENT ON COLUMN ledger.api_clients.secret_hash IS 'argon2id hash of the client_secret, with its parameters and salt';
COMMENT ON COLUMN ledger.api_clients.scopes      IS 'the scopes that a token of the client may have';
COMMENT ON COLUMN ledger.api_clients.origin      IS 'bootstrap: from the environment at start; managed: made by an operator';
COMMENT ON COLUMN ledger.api_clients.created_at  IS 'when the client was made';
COMMENT ON COLUMN ledger.api_clients.disabled_at IS 'since when the client gets no tokens; null while it does';

CREATE TABLE ledger.idempotency_keys (
    client_id   text        NOT NULL,
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    import_id   text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, key)
);
CREATE INDEX idempotency_keys_created_at ON ledger.idempotency_keys (created_at);
COMMENT ON TABLE  ledger.idempotency_keys             IS 'the Idempotency-Keys of POST /people/imports';
COMMENT ON COLUMN ledger.idempotency_keys.client_id   IS 'the API client or user who sent the key; keys of different ones do not meet';
COMMENT ON COLUMN ledger.idempotency_keys.key         IS 'the header as sent';
COMMENT ON COLUMN ledger.idempotency_keys.fingerprint IS 'digest of the request, to tell a repeat from another request with the same key';
COMMENT ON COLUMN ledger.idempotency_keys.import_id   IS 'the import that the first request started';
COMMENT ON COLUMN ledger.idempotency_keys.created_at  IS 'when the key was first seen; old keys are removed by it';

-- +goose Down

DROP TABLE ledger.idempotency_keys;
DROP TABLE ledger.api_clients;
