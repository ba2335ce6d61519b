-- Who is told that an import has ended, and what became of it.

-- +goose Up

CREATE TABLE ledger.notifications (
    number     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id  text        NOT NULL UNIQUE CHECK (import_id <> ''),
    ending     jsonb       NOT NULL,
    ended_at   timestamptz NOT NULL,
    noticed_at timestamptz NOT NULL
);
COMMENT ON TABLE  ledger.notifications            IS 'the outbox: a row for each import whose end was noticed, written once and never again, whatever is rebuilt';
COMMENT ON COLUMN ledger.notifications.number     IS 'rises with every row, in the order of the log';
COMMENT ON COLUMN ledger.notifications.import_id  IS 'ULID of the import';
COMMENT ON COLUMN ledger.notifications.ending     IS 'name, type, state, counts, times and who started it, as they were at its end; no rows';
COMMENT ON COLUMN ledger.notifications.ended_at   IS 'when the import ended';
COMMENT ON COLUMN ledger.notifications.noticed_at IS 'when the row was written';

CREATE TABLE ledger.notified (
    single      boolean     PRIMARY KEY DEFAULT true CHECK (single),
    log_commit  bigint      NOT NULL,
    log_prepare bigint      NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE  ledger.notified             IS 'how far the log is in notifications, a single row';
COMMENT ON COLUMN ledger.notified.single      IS 'always true: keeps the table to one row';
COMMENT ON COLUMN ledger.notified.log_commit  IS 'commit position: imports that ended up to it are noticed, and never looked at again';
COMMENT ON COLUMN ledger.notified.log_prepare IS 'prepare position that goes with it';
COMMENT ON COLUMN ledger.notified.updated_at  IS 'when it was moved';

CREATE TABLE ledger.user_notices (
    user_id    text   PRIMARY KEY REFERENCES ledger.users ON DELETE CASCADE,
    mail_when  text   CHECK (mail_when IN ('mine', 'any', 'never')),
    address    text   CHECK (address <> ''),
    read_until bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE  ledger.user_notices            IS 'what users want to be told, and have read; no row: nothing was said or read yet';
COMMENT ON COLUMN ledger.user_notices.user_id    IS 'whose wishes they are';
COMMENT ON COLUMN ledger.user_notices.mail_when  IS 'mine: mail when an import of theirs ends; any; never; null: not said, which means mine';
COMMENT ON COLUMN ledger.user_notices.address    IS 'where mail goes; null: to their name, where that is an address';
COMMENT ON COLUMN ledger.user_notices.read_until IS 'number of the last notification they have read';

CREATE TABLE ledger.webhooks (
    id             text        PRIMARY KEY CHECK (id <> ''),
    name           text        NOT NULL,
    url            text        NOT NULL CHECK (url <> ''),
    enabled        boolean     NOT NULL DEFAULT true,
    generation     integer     NOT NULL DEFAULT 1,
    previous_until timestamptz,
    created_at     timestamptz NOT NULL,
    created_by     text        NOT NULL
);
COMMENT ON TABLE  ledger.webhooks                IS 'addresses that are called when an import has ended';
COMMENT ON COLUMN ledger.webhooks.id             IS 'ULID';
COMMENT ON COLUMN ledger.webhooks.name           IS 'what people call it; may be empty';
COMMENT ON COLUMN ledger.webhooks.url            IS 'what is called';
COMMENT ON COLUMN ledger.webhooks.enabled        IS 'false: is not called';
COMMENT ON COLUMN ledger.webhooks.generation     IS 'counts secrets: each is derived from the ledger''s key, the id and this number, and stored nowhere';
COMMENT ON COLUMN ledger.webhooks.previous_until IS 'until when the secret before is signed with too; null: there is none';
COMMENT ON COLUMN ledger.webhooks.created_at     IS 'when it was made';
COMMENT ON COLUMN ledger.webhooks.created_by     IS 'id of the user or API client who made it';

CREATE TABLE ledger.deliveries (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id  text        NOT NULL REFERENCES ledger.notifications (import_id),
    webhook_id text        REFERENCES ledger.webhooks ON DELETE CASCADE,
    user_id    text        REFERENCES ledger.users ON DELETE CASCADE,
    state      text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed', 'dropped')),
    created_at timestamptz NOT NULL,
    next_at    timestamptz,
    ended_at   timestamptz,
    UNIQUE (import_id, webhook_id),
    UNIQUE (import_id, user_id),
    CHECK ((webhook_id IS NULL) <> (user_id IS NULL)),
    CHECK ((state = 'waiting') = (ended_at IS NULL))
);
CREATE INDEX deliveries_webhook ON ledger.deliveries (webhook_id, id);
CREATE INDEX deliveries_user ON ledger.deliveries (user_id);
COMMENT ON TABLE  ledger.deliveries            IS 'one message to one receiver about one import; each has one job in the queue';
COMMENT ON COLUMN ledger.deliveries.id         IS 'rises with every row';
COMMENT ON COLUMN ledger.deliveries.import_id  IS 'the import that ended';
COMMENT ON COLUMN ledger.deliveries.webhook_id IS 'the webhook that is called; null: it is a mail';
COMMENT ON COLUMN ledger.deliveries.user_id    IS 'the user who gets a mail; null: it is a webhook';
COMMENT ON COLUMN ledger.deliveries.state      IS 'waiting: not delivered yet; delivered; failed: given up; dropped: not wanted any more';
COMMENT ON COLUMN ledger.deliveries.created_at IS 'when it was queued';
COMMENT ON COLUMN ledger.deliveries.next_at    IS 'when it is tried again; null: it is not, or was not tried yet';
COMMENT ON COLUMN ledger.deliveries.ended_at   IS 'when it was delivered, given up or dropped';

CREATE TABLE ledger.delivery_attempts (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id bigint      NOT NULL REFERENCES ledger.deliveries ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    took_ms     integer     NOT NULL,
    status      integer,
    problem     text,
    by_hand     boolean     NOT NULL
);
CREATE INDEX delivery_attempts_delivery ON ledger.delivery_attempts (delivery_id, id);
COMMENT ON TABLE  ledger.delivery_attempts             IS 'each time that a message was sent or could not be';
COMMENT ON COLUMN ledger.delivery_attempts.id          IS 'rises with every attempt';
COMMENT ON COLUMN ledger.delivery_attempts.delivery_id IS 'what was tried';
COMMENT ON COLUMN ledger.delivery_attempts.at          IS 'when it began';
COMMENT ON COLUMN ledger.delivery_attempts.took_ms     IS 'how long it took, milliseconds';
COMMENT ON COLUMN ledger.delivery_attempts.status      IS 'HTTP status or SMTP reply; null: there was no answer';
COMMENT ON COLUMN ledger.delivery_attempts.problem     IS 'why it failed, in our words; null: it was delivered';
COMMENT ON COLUMN ledger.delivery_attempts.by_hand     IS 'somebody asked for it';

-- +goose Down

DROP TABLE ledger.delivery_attempts;
DROP TABLE ledger.deliveries;
DROP TABLE ledger.webhooks;
DROP TABLE ledger.user_notices;
DROP TABLE ledger.notified;
DROP TABLE ledger.notifications;
