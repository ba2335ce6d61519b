package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/eventstore"
	"importledger/adapters/notify"
	"importledger/adapters/postgres"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// logGuard keeps a process from serving a database with a log that it was not made from,
// or with an older one: read models and notifications go on behind a position, and what
// stands before it in such a log would silently be left out.
type logGuard struct {
	log  *eventstore.Log
	pool *pgxpool.Pool
}

// beingAccepted is what a ledger is tied to while accept-log is at work.
const beingAccepted = "being accepted"

var errHalfAccepted = &commands.Refusal{Kind: commands.Conflict, Code: "log-half-accepted",
	Message: "accept-log has begun to make this database go on with another event log, and did not end: run `importledger accept-log` again"}

// mendLog is what to do about a log that is not the database's.
var mendLog = map[string]string{
	eventstore.ErrLogBehind.Code: "restore the newest event log that there is, or a database that is as old as this one; if what is missing is lost, `importledger accept-log` shows what that is and makes the database go on with this log",
	eventstore.ErrLogOther.Code:  "correct IMPORTLEDGER_EVENTSTORE_URL, IMPORTLEDGER_DATABASE_URL or the data directory; if this log is to be the ledger from now on, run `importledger accept-log`",
	eventstore.ErrLogMoved.Code:  "after a move by copy-log run `importledger accept-log`, which makes the database go on with it; otherwise correct IMPORTLEDGER_EVENTSTORE_URL",
}

// check returns a refusal that says what to do where the log is not the database's own;
// other errors say that it cannot be told.
func (g logGuard) check(ctx context.Context) error {
	err := g.compare(ctx)
	if refused, ok := errors.AsType[*commands.Refusal](err); ok && mendLog[refused.Code] != "" {
		told := *refused
		told.Message += ": " + mendLog[refused.Code]
		return &told
	}
	return err
}

func (g logGuard) compare(ctx context.Context) error {
	tied, err := postgres.LogID(ctx, g.pool)
	switch {
	case err != nil:
		return err
	case tied == beingAccepted:
		return errHalfAccepted
	case tied != "":
		id, err := g.id(ctx)
		switch {
		case err != nil:
			return err
		case id == "":
			return eventstore.ErrLogBehind
		case id != tied:
			return eventstore.ErrLogOther
		}
	}
	// First the database, then the log: what is in the one was in the other before.
	reached, err := g.reached(ctx)
	if err != nil {
		return err
	}
	head, err := g.log.Head(ctx)
	if err != nil {
		return err
	}
	seen := map[events.Mark]bool{}
	for _, r := range reached {
		if r.Last != nil && !seen[*r.Last] {
			seen[*r.Last] = true
			if err := g.log.Recognize(ctx, *r.Last); err != nil {
				return err
			}
		}
		if head.Before(r.Position) {
			return eventstore.ErrLogBehind
		}
	}
	return nil
}

// reached gives all that goes on behind a position of the log.
func (g logGuard) reached(ctx context.Context) ([]projections.Reached, error) {
	all, err := projections.Marks(ctx, g.pool)
	if err != nil {
		return nil, err
	}
	at, last, err := notify.Reached(ctx, g.pool)
	return append(all, projections.Reached{Name: "notifications", Position: at, Last: last}), err
}

// id gives the id of the log: that of the first event of the ledger, which every ledger
// writes before anything else; empty: there is none.
func (g logGuard) id(ctx context.Context) (string, error) {
	for first, err := range g.log.Read(ctx, events.AccountStream, 0) {
		if errors.Is(err, aggregate.ErrStreamNotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return first.ID.String(), nil
	}
	return "", nil
}

// tie makes the log that is there the database's own.
func (g logGuard) tie(ctx context.Context) error {
	id, err := g.id(ctx)
	if err != nil {
		return fmt.Errorf("id of the log: %w", err)
	}
	return postgres.TieLog(ctx, g.pool, id)
}

// logWatchedEvery is how often a process makes sure that nobody has put another log or
// database in the place of its own.
const logWatchedEvery = 5 * time.Second

// watch returns what is wrong as soon as the log is not the database's any more; nil when
// ctx ends.
func (g logGuard) watch(ctx context.Context, logger *slog.Logger) error {
	look := time.NewTicker(logWatchedEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		err := g.check(ctx)
		if _, refused := errors.AsType[*commands.Refusal](err); refused && ctx.Err() == nil {
			return err
		}
		if err != nil && ctx.Err() == nil {
			logger.Debug("the log cannot be compared with the database at the moment", "error", err)
		}
	}
}

// logOfDatabase asks both, where both are named: what is embedded is looked at by
// whoever opens it.
func (d *doctor) logOfDatabase(ctx context.Context) finding {
	if d.settings.EventStoreURL == "" || d.settings.DatabaseURL == "" {
		return allWell("compared whenever the ledger is opened")
	}
	pool, err := postgres.Open(ctx, d.settings.DatabaseURL, postgres.PoolConfig{MaxConns: 1})
	if err != nil {
		return worthKnowing("", "not compared: the database does not answer")
	}
	defer pool.Close()
	log, err := eventstore.Open(ctx, d.settings.EventStoreURL, eventstore.Config{Timeout: patienceOfDoctor / 2})
	if err != nil {
		return worthKnowing("", "not compared: the event store does not answer")
	}
	defer log.Close()
	var made bool
	if err := pool.QueryRow(ctx, "SELECT to_regclass('ledger.instance') IS NOT NULL").Scan(&made); err == nil && !made {
		return allWell("the database is new")
	}
	err = logGuard{log: log, pool: pool}.compare(ctx)
	if refused, ok := errors.AsType[*commands.Refusal](err); ok {
		return mustMend(mendLog[refused.Code], "%v", refused)
	}
	if err != nil {
		return worthKnowing("start this version of importledger once: it brings the database up to date", "not compared (%v)", err)
	}
	return allWell("the database was made from this log")
}
