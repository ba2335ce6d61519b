-- Doors that files come in through by themselves.

-- +goose Up

CREATE TABLE ledger.connectors (
    id            text        PRIMARY KEY CHECK (id <> ''),
    name          text        NOT NULL CHECK (name <> ''),
    protocol      text        NOT NULL CHECK (protocol IN ('sftp', 'ftps')),
    username      text        NOT NULL CHECK (username <> ''),
    password_hash text,
    public_keys   text[]      NOT NULL,
    template      jsonb       NOT NULL,
    enabled       boolean     NOT NULL,
    access        integer     NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    created_by    text        NOT NULL,
    removed_at    timestamptz
);
CREATE UNIQUE INDEX connectors_username ON ledger.connectors (username) WHERE removed_at IS NULL;
COMMENT ON TABLE  ledger.connectors               IS 'who may drop files by SFTP or FTPS, and what becomes of them; a row is never removed, since the log names it';
COMMENT ON COLUMN ledger.connectors.id            IS 'ULID; imports of the connector''s files have it as their user';
COMMENT ON COLUMN ledger.connectors.name          IS 'what people call the connector';
COMMENT ON COLUMN ledger.connectors.protocol      IS 'the door it comes through: sftp, ftps';
COMMENT ON COLUMN ledger.connectors.username      IS 'what it signs in with';
COMMENT ON COLUMN ledger.connectors.password_hash IS 'argon2id hash of the password, with its parameters and salt; null: it has none';
COMMENT ON COLUMN ledger.connectors.public_keys   IS 'SSH keys it may sign in with, as in authorized_keys';
COMMENT ON COLUMN ledger.connectors.template      IS 'header, separator, mapping, importMode, eventName and segment of its files';
COMMENT ON COLUMN ledger.connectors.enabled       IS 'false: it cannot sign in, and its sessions are cut';
COMMENT ON COLUMN ledger.connectors.access        IS 'rises when who may come in changes: sessions that began with a lower one are cut';
COMMENT ON COLUMN ledger.connectors.created_at    IS 'when it was made';
COMMENT ON COLUMN ledger.connectors.created_by    IS 'id of the user or API client who made it';
COMMENT ON COLUMN ledger.connectors.removed_at    IS 'since when it is gone for everybody; files it had closed before are still imported';

CREATE TABLE ledger.connector_files (
    import_id    text        PRIMARY KEY CHECK (import_id <> ''),
    connector_id text        NOT NULL REFERENCES ledger.connectors,
    name         text        NOT NULL CHECK (name <> ''),
    shown        text        NOT NULL CHECK (shown <> ''),
    size         bigint      NOT NULL,
    sha256       text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('storing', 'held', 'waiting', 'importing', 'done', 'sweeping')),
    outcome      text        CHECK (outcome IN ('imported', 'failed', 'quarantined')),
    reason_code  text,
    reason       text,
    attempts     integer     NOT NULL DEFAULT 0,
    hidden       boolean     NOT NULL DEFAULT false,
    received_at  timestamptz NOT NULL,
    ended_at     timestamptz,
    CHECK ((state = 'done') = (outcome IS NOT NULL)),
    CHECK ((state = 'done') = (ended_at IS NOT NULL))
);
CREATE INDEX connector_files_open ON ledger.connector_files (connector_id, received_at, import_id) WHERE state <> 'done';
CREATE INDEX connector_files_newest ON ledger.connector_files (connector_id, received_at DESC, import_id DESC);
CREATE UNIQUE INDEX connector_files_shown ON ledger.connector_files (connector_id, (outcome = 'imported'), shown) WHERE state = 'done' AND NOT hidden;
COMMENT ON TABLE  ledger.connector_files              IS 'what connectors have dropped; the bytes are in the blob store under import_id';
COMMENT ON COLUMN ledger.connector_files.import_id    IS 'ULID of the import that the file becomes, chosen when it was received: taking it again is the same import';
COMMENT ON COLUMN ledger.connector_files.connector_id IS 'whose file it is';
COMMENT ON COLUMN ledger.connector_files.name         IS 'what the client called it';
COMMENT ON COLUMN ledger.connector_files.shown        IS 'its name in the folder it is in; an older file makes room for a newer one of its name';
COMMENT ON COLUMN ledger.connector_files.size         IS 'bytes received';
COMMENT ON COLUMN ledger.connector_files.sha256       IS 'hex, of the bytes as received; empty: it was refused while it came in and nothing was stored';
COMMENT ON COLUMN ledger.connector_files.state        IS 'storing: its bytes are on their way into the blob store; held: under a temporary name; waiting: closed, to be imported; importing; done; sweeping: bytes and row are being removed';
COMMENT ON COLUMN ledger.connector_files.outcome      IS 'of a file that is done; imported ones are shown in /processed, others in /failed';
COMMENT ON COLUMN ledger.connector_files.reason_code  IS 'why it was not imported: the code; set before the import for a file that was refused while it came in';
COMMENT ON COLUMN ledger.connector_files.reason       IS 'why, as a sentence';
COMMENT ON COLUMN ledger.connector_files.attempts     IS 'how often its import could not be started for no reason of its own';
COMMENT ON COLUMN ledger.connector_files.hidden       IS 'the client removed it from /processed or /failed; the import keeps its bytes';
COMMENT ON COLUMN ledger.connector_files.received_at  IS 'when the client closed it, or gave it its final name';
COMMENT ON COLUMN ledger.connector_files.ended_at     IS 'when its outcome was known';

CREATE TABLE ledger.connector_activity (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connector_id text        NOT NULL REFERENCES ledger.connectors,
    at           timestamptz NOT NULL,
    action       text        NOT NULL CHECK (action <> ''),
    file         text,
    import_id    text,
    detail       text,
    network      text,
    times        integer     NOT NULL DEFAULT 1 CHECK (times > 0)
);
CREATE INDEX connector_activity_newest ON ledger.connector_activity (connector_id, id);
CREATE INDEX connector_activity_at ON ledger.connector_activity (at);
COMMENT ON TABLE  ledger.connector_activity              IS 'logins, files and refusals of connectors; rows leave by age';
COMMENT ON COLUMN ledger.connector_activity.id           IS 'rises with every entry';
COMMENT ON COLUMN ledger.connector_activity.connector_id IS 'whose activity it is';
COMMENT ON COLUMN ledger.connector_activity.at           IS 'when it happened, the last time where it did several times';
COMMENT ON COLUMN ledger.connector_activity.action       IS 'what happened: login, refused, received, …';
COMMENT ON COLUMN ledger.connector_activity.file         IS 'the file it was about, as the client called it';
COMMENT ON COLUMN ledger.connector_activity.import_id    IS 'the import it was about';
COMMENT ON COLUMN ledger.connector_activity.detail       IS 'what else there is to say, mostly a code';
COMMENT ON COLUMN ledger.connector_activity.network      IS 'where it came from: the /24 or /48 that the address is in';
COMMENT ON COLUMN ledger.connector_activity.times        IS 'how often it happened: like refusals of one minute are one entry';

CREATE UNLOGGED TABLE ledger.connector_attempts (
    key          bytea       PRIMARY KEY,
    failures     integer     NOT NULL,
    last_at      timestamptz NOT NULL,
    banned_until timestamptz
);
CREATE INDEX connector_attempts_last_at ON ledger.connector_attempts (last_at);
COMMENT ON TABLE  ledger.connector_attempts              IS 'wrong passwords of late; unlogged: after a crash of Postgres everybody starts afresh';
COMMENT ON COLUMN ledger.connector_attempts.key          IS 'keyed digest of the address that tried, with or without the username that it tried';
COMMENT ON COLUMN ledger.connector_attempts.failures     IS 'wrong passwords since the last right one';
COMMENT ON COLUMN ledger.connector_attempts.last_at      IS 'when the last wrong one was tried';
COMMENT ON COLUMN ledger.connector_attempts.banned_until IS 'no password is looked at before; null: not banned so far';

-- +goose Down

DROP TABLE ledger.connector_attempts;
DROP TABLE ledger.connector_activity;
DROP TABLE ledger.connector_files;
DROP TABLE ledger.connectors;
