package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// message is a delivery with all that is needed to send it.
type message struct {
	id       int64
	number   int64
	state    string
	made     time.Time
	ending   Ending
	webhook  *receivingHook // nil: it is a mail
	user     *reader
	unwanted bool // who would get it does not want it any more
}

// outcome is what came of an attempt. The zero outcome is success.
type outcome struct {
	status  int    // HTTP status or SMTP reply; 0: none
	problem string // empty: delivered. In our own words: what a receiver says may be personal
	final   bool   // trying again would not help
	gone    bool   // the webhook wants nothing any more
}

// work sends one message and writes down what came of it. Its error makes the queue
// try again.
func (n *Notifier) work(ctx context.Context, job *river.Job[deliver]) error {
	m, err := n.load(ctx, job.Args.Delivery)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // the receiver was removed, and its deliveries with it
	}
	if err != nil {
		return err
	}
	if m.state != "waiting" && !job.Args.ByHand {
		return nil // sent before the process could tell the queue
	}
	if m.unwanted {
		return n.drop(ctx, m)
	}
	if err := n.at("sending"); err != nil {
		return err
	}
	began := n.Now()
	sending, cancel := context.WithTimeout(ctx, sendWithin)
	o := n.send(sending, m)
	cancel()
	if err := n.at("sent"); err != nil {
		return err
	}
	return n.record(ctx, job, m, began, o)
}

func (n *Notifier) send(ctx context.Context, m message) outcome {
	if m.webhook != nil {
		return n.call(ctx, m)
	}
	return n.mail(ctx, m)
}

func (n *Notifier) load(ctx context.Context, id int64) (message, error) {
	m := message{id: id}
	var ending []byte
	var hook receivingHook
	var who reader
	var hookID, url, userID, name, address, mailWhen *string
	var enabled, disabled *bool
	var generation *int
	err := n.DB.QueryRow(ctx, `
		SELECT n.number, d.state, d.created_at, n.ending, w.id, w.url, w.enabled, w.generation, w.previous_until,
		       u.id, u.name, u.disabled_at IS NOT NULL, s.address, s.mail_when
		FROM ledger.deliveries d
		JOIN ledger.notifications n ON n.import_id = d.import_id
		LEFT JOIN ledger.webhooks w ON w.id = d.webhook_id
		LEFT JOIN ledger.users u ON u.id = d.user_id
		LEFT JOIN ledger.user_notices s ON s.user_id = d.user_id
		WHERE d.id = $1`, id).
		Scan(&m.number, &m.state, &m.made, &ending, &hookID, &url, &enabled, &generation, &hook.previousUntil,
			&userID, &name, &disabled, &address, &mailWhen)
	if err != nil {
		return message{}, fmt.Errorf("delivery: %w", err)
	}
	if err := json.Unmarshal(ending, &m.ending); err != nil {
		return message{}, fmt.Errorf("delivery: %w", err)
	}
	if hookID != nil {
		hook.id, hook.url, hook.generation = *hookID, *url, *generation
		m.webhook, m.unwanted = &hook, !*enabled
		return m, nil
	}
	who.id, who.wish = *userID, wishOf(*name, address, mailWhen)
	m.user = &who
	m.unwanted = *disabled || who.wish.Address == "" || who.wish.When == Never || who.wish.When == Mine && m.ending.UserID != who.id
	return m, nil
}

func (n *Notifier) drop(ctx context.Context, m message) error {
	_, err := n.DB.Exec(ctx, "UPDATE ledger.deliveries SET state = 'dropped', ended_at = $2, next_at = NULL WHERE id = $1 AND state = 'waiting'", m.id, n.Now())
	if err != nil {
		return fmt.Errorf("delivery: %w", err)
	}
	return nil
}

// record writes down an attempt and, in the same transaction, what it means for the
// job: no crash makes a message that was recorded as delivered go out again.
func (n *Notifier) record(ctx context.Context, job *river.Job[deliver], m message, began time.Time, o outcome) error {
	// The message is out: what came of it is written even when the process is to end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	last := job.Attempt >= job.MaxAttempts || n.Now().Sub(m.made) >= patience
	err := pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO ledger.delivery_attempts (delivery_id, at, took_ms, status, problem, by_hand)
			SELECT id, $2, $3, nullif($4, 0), nullif($5, ''), $6 FROM ledger.deliveries WHERE id = $1`,
			m.id, began, n.Now().Sub(began).Milliseconds(), o.status, o.problem, job.Args.ByHand)
		if err != nil {
			return err
		}
		if o.gone {
			if _, err := tx.Exec(ctx, "UPDATE ledger.webhooks SET enabled = false WHERE id = $1", m.webhook.id); err != nil {
				return err
			}
		}
		switch {
		case o.problem == "":
			_, err = tx.Exec(ctx, "UPDATE ledger.deliveries SET state = 'delivered', ended_at = $2, next_at = NULL WHERE id = $1 AND state <> 'delivered'", m.id, n.Now())
		case job.Args.ByHand: // the delivery stays what it was
		case o.final || last:
			_, err = tx.Exec(ctx, "UPDATE ledger.deliveries SET state = 'failed', ended_at = $2, next_at = NULL WHERE id = $1 AND state = 'waiting'", m.id, n.Now())
		default:
			_, err = tx.Exec(ctx, "UPDATE ledger.deliveries SET next_at = $2 WHERE id = $1 AND state = 'waiting'", m.id, n.nextTry(job))
		}
		if err != nil {
			return err
		}
		if o.problem == "" || o.final || last || job.Args.ByHand {
			if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job); err != nil {
				return err
			}
		}
		return n.at("recording")
	})
	if err != nil {
		return fmt.Errorf("what came of a delivery: %w", err)
	}
	if o.problem == "" || o.final || last || job.Args.ByHand {
		return nil
	}
	return errors.New(o.problem)
}
