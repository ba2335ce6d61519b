package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"importledger/adapters/postgres"
)

// company keeps processes off one database that would take each other's parts of
// the ledger for lost. Whoever keeps the log or the files in his data directory has
// the database to himself; those who name them all share it.
type company struct {
	locks  *postgres.Locks
	alone  bool
	logger *slog.Logger

	lost  <-chan struct{}
	leave func() // gives the database back
}

const (
	companyEvery = 200 * time.Millisecond
	// companyPatience is for the lock of a process that was just killed.
	companyPatience = 5 * time.Second
)

// joinCompany takes the database alone or with others, or says what is in the way.
func joinCompany(ctx context.Context, st *storage, s *settings, logger *slog.Logger) (*company, error) {
	c := &company{locks: postgres.NewLocks(st.pool, "company", logger), alone: st.node != nil || s.BlobURL == "", logger: logger}
	for giveUp := time.Now().Add(companyPatience); ; {
		joined, err := c.join(ctx)
		switch {
		case joined:
			return c, nil
		case err != nil:
			return nil, err
		case time.Now().After(giveUp):
			return nil, c.inTheWay()
		}
		select {
		case <-time.After(companyEvery):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *company) join(ctx context.Context) (joined bool, err error) {
	try := c.locks.TryShare
	if c.alone {
		try = c.locks.TryLock
	}
	leave, lost, joined, err := try(ctx, "ledger")
	if joined {
		c.leave, c.lost = leave, lost
	}
	return joined, err
}

func (c *company) inTheWay() error {
	const mend = "name the log and the files of all processes with IMPORTLEDGER_EVENTSTORE_URL and IMPORTLEDGER_BLOB_URL, or give each ledger a database of its own"
	if c.alone {
		return fmt.Errorf("another process uses this database, and this one keeps its log or files in its own data directory: %s", mend)
	}
	return errors.New("a process uses this database that keeps its log or files in its own data directory: " + mend)
}

// stay takes the database again whenever Postgres was away, and leaves when ctx ends.
func (c *company) stay(ctx context.Context) {
	defer func() { c.leave() }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.lost:
		}
		for said := false; ; {
			joined, err := c.join(ctx)
			if joined {
				break
			}
			if err == nil && !said {
				said = true
				c.logger.Error("this process must end or the other one", "error", c.inTheWay())
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return
			}
		}
	}
}
