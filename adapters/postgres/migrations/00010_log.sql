-- Which log this database belongs to.

-- +goose Up

ALTER TABLE ledger.instance ADD log_id text;
COMMENT ON COLUMN ledger.instance.log_id IS 'id of the log''s first event of the ledger: another log has another one; null: not seen yet';

ALTER TABLE ledger.notified ADD last_event jsonb;
COMMENT ON COLUMN ledger.notified.last_event IS 'the last event up to there that is known: stream, revision, id and position; by it the log is known again';

-- +goose Down

ALTER TABLE ledger.notified DROP last_event;
ALTER TABLE ledger.instance DROP log_id;
