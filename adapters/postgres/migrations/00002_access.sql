-- Who may come in, and what they did.

-- +goose Up

ALTER TABLE ledger.api_clients ADD generation integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN ledger.api_clients.generation IS 'counts secrets and revocations: a token is good for the generation that it was issued in';
COMMENT ON COLUMN ledger.api_clients.disabled_at IS 'since when the client is revoked; null while it is not';

CREATE TABLE ledger.users (
    id                   text        PRIMARY KEY CHECK (id <> ''),
    name                 text        NOT NULL CHECK (name <> ''),
    role                 text        NOT NULL CHECK (role IN ('admin', 'editor', 'auditor', 'viewer')),
    password_hash        text,
    must_change_password boolean     NOT NULL DEFAULT false,
    created_at           timestamptz NOT NULL,
    signed_in_at         timestamptz,
    disabled_at          timestamptz
);
CREATE UNIQUE INDEX users_name ON ledger.users (lower(name));
COMMENT ON TABLE  ledger.users                      IS 'people who sign in; a row is never removed, since the log and the audit log name it';
COMMENT ON COLUMN ledger.users.id                   IS 'what the log and the audit log call the user: a ULID, no personal data';
COMMENT ON COLUMN ledger.users.name                 IS 'what the user signs in with, perhaps a mail address; ASCII, unique whatever its case';
COMMENT ON COLUMN ledger.users.role                 IS 'what the user may do; the program knows the scopes of each role';
COMMENT ON COLUMN ledger.users.password_hash        IS 'argon2id hash of the password, with its parameters and salt; null until an invited user has chosen one';
COMMENT ON COLUMN ledger.users.must_change_password IS 'somebody else knows the password: the user may do nothing but choose another';
COMMENT ON COLUMN ledger.users.created_at           IS 'when the user was made or invited';
COMMENT ON COLUMN ledger.users.signed_in_at         IS 'when the user last signed in; null: never';
COMMENT ON COLUMN ledger.users.disabled_at          IS 'since when the user cannot sign in; null while they can';

CREATE TABLE ledger.user_links (
    user_id    text        PRIMARY KEY REFERENCES ledger.users ON DELETE CASCADE,
    token_hash bytea       NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE  ledger.user_links            IS 'links that let a user choose a password once, by invitation or after a reset; a new one replaces the old';
COMMENT ON COLUMN ledger.user_links.user_id    IS 'whose link it is';
COMMENT ON COLUMN ledger.user_links.token_hash IS 'SHA-256 of the 256 random bits in the link';
COMMENT ON COLUMN ledger.user_links.expires_at IS 'when the link stops working, used or not';

CREATE TABLE ledger.sessions (
    id           text        PRIMARY KEY CHECK (id <> ''),
    token_hash   bytea       NOT NULL UNIQUE,
    user_id      text        NOT NULL REFERENCES ledger.users ON DELETE CASCADE,
    agent        text        NOT NULL,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_user ON ledger.sessions (user_id);
CREATE INDEX sessions_expires_at ON ledger.sessions (expires_at);
COMMENT ON TABLE  ledger.sessions              IS 'browsers that are signed in; a row is removed when its session ends';
COMMENT ON COLUMN ledger.sessions.id           IS 'names the session where it is listed and revoked; is no secret and opens nothing';
COMMENT ON COLUMN ledger.sessions.token_hash   IS 'SHA-256 of the 256 random bits in the cookie';
COMMENT ON COLUMN ledger.sessions.user_id      IS 'who is signed in';
COMMENT ON COLUMN ledger.sessions.agent        IS 'the browser, as it called itself, so that people know their sessions apart';
COMMENT ON COLUMN ledger.sessions.created_at   IS 'when the user signed in';
COMMENT ON COLUMN ledger.sessions.last_seen_at IS 'when the session was last used, to the minute';
COMMENT ON COLUMN ledger.sessions.expires_at   IS 'when the session ends however much it is used';

CREATE UNLOGGED TABLE ledger.secret_attempts (
    key      bytea            PRIMARY KEY,
    failures double precision NOT NULL,
    last_at  timestamptz      NOT NULL,
    next_at  timestamptz      NOT NULL
);
CREATE INDEX secret_attempts_last_at ON ledger.secret_attempts (last_at);
COMMENT ON TABLE  ledger.secret_attempts          IS 'wrong passwords and secrets of late; unlogged: after a crash of Postgres everybody starts afresh';
COMMENT ON COLUMN ledger.secret_attempts.key      IS 'keyed digest of the name or client that was tried, the address it came from, or both';
COMMENT ON COLUMN ledger.secret_attempts.failures IS 'attempts since the last success, less what time has forgiven';
COMMENT ON COLUMN ledger.secret_attempts.last_at  IS 'when the last attempt was made';
COMMENT ON COLUMN ledger.secret_attempts.next_at  IS 'no attempt is looked at before';

CREATE UNLOGGED TABLE ledger.rate_windows (
    key     bytea       PRIMARY KEY,
    started timestamptz NOT NULL,
    used    bigint      NOT NULL
);
CREATE INDEX rate_windows_started ON ledger.rate_windows (started);
COMMENT ON TABLE  ledger.rate_windows         IS 'requests of those who send many, in parts that processes take in advance';
COMMENT ON COLUMN ledger.rate_windows.key     IS 'keyed digest of the client, user or address';
COMMENT ON COLUMN ledger.rate_windows.started IS 'beginning of the window that used counts in';
COMMENT ON COLUMN ledger.rate_windows.used    IS 'requests that processes have taken in that window';

CREATE TABLE ledger.audit_log (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    action  text        NOT NULL CHECK (action <> ''),
    actor   text,
    target  text,
    times   integer     NOT NULL DEFAULT 1 CHECK (times > 0),
    detail  text,
    network text,
    request text
);
CREATE INDEX audit_log_at ON ledger.audit_log (at);
CREATE INDEX audit_log_actor ON ledger.audit_log (actor, id);
CREATE INDEX audit_log_target ON ledger.audit_log (target, id);
COMMENT ON TABLE  ledger.audit_log         IS 'sign-ins, refusals and administrative changes; rows are only ever added, and leave by age';
COMMENT ON COLUMN ledger.audit_log.id      IS 'rises with every entry';
COMMENT ON COLUMN ledger.audit_log.at      IS 'when it happened';
COMMENT ON COLUMN ledger.audit_log.action  IS 'what happened: user.signed-in, client.created, …';
COMMENT ON COLUMN ledger.audit_log.actor   IS 'id of the user or API client who did it; null: nobody known, or the program itself';
COMMENT ON COLUMN ledger.audit_log.target  IS 'id of the user, API client or session it was done to, or the route that was refused';
COMMENT ON COLUMN ledger.audit_log.times   IS 'how often it happened: like refusals of one minute are one entry';
COMMENT ON COLUMN ledger.audit_log.detail  IS 'what else there is to say, in a few words without personal data';
COMMENT ON COLUMN ledger.audit_log.network IS 'where it came from: the /24 or /48 that the address is in';
COMMENT ON COLUMN ledger.audit_log.request IS 'id of the request, which the program''s own log has too';

-- +goose StatementBegin
CREATE FUNCTION ledger.audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '30 days' THEN
        RETURN OLD; -- expired
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON ledger.audit_log
    FOR EACH ROW EXECUTE FUNCTION ledger.audit_log_is_append_only();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON ledger.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.audit_log_is_append_only();

-- +goose Down

DROP TABLE ledger.audit_log;
DROP FUNCTION ledger.audit_log_is_append_only;
DROP TABLE ledger.rate_windows;
DROP TABLE ledger.secret_attempts;
DROP TABLE ledger.sessions;
DROP TABLE ledger.user_links;
DROP TABLE ledger.users;
ALTER TABLE ledger.api_clients DROP generation;
