package main

import (
	"context"
	"sync/atomic"
	"time"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// account is what the ledger's one account has set, as the log says it.
type account struct {
	log aggregate.Streams
	db  projections.Querier

	fixed atomic.Pointer[string] // the key identifier, once it can never change
}

// setUpAccount gives a new ledger its key identifier; an older one keeps its own.
func (l *ledger) setUpAccount(ctx context.Context, s *settings) error {
	l.account = &account{log: l.streams, db: l.pool}
	meta := events.Meta{At: time.Now().UnixMilli(), Actor: "importledger"}
	set, err := aggregate.SetUpAccount(ctx, l.streams, meta, s.KeyIdentifier)
	if err == nil && set.KeyIdentifier != s.KeyIdentifier && !s.isDefault("key-identifier") {
		l.logger.Warn("the ledger keeps the key identifier it was made with", "in force", set.KeyIdentifier, "asked", s.KeyIdentifier)
	}
	return err
}

// KeyIdentifier gives the attribute that tells contacts apart. Once there are
// contacts it cannot change, and the log is not asked any more.
func (a *account) KeyIdentifier(ctx context.Context) (string, error) {
	if key := a.fixed.Load(); key != nil {
		return *key, nil
	}
	contacts, err := projections.CountContacts(ctx, a.db)
	if err != nil {
		return "", err
	}
	set, err := aggregate.LoadAccount(ctx, a.log)
	if err == nil && contacts > 0 {
		a.fixed.Store(&set.KeyIdentifier)
	}
	return set.KeyIdentifier, err
}

// SetKeyIdentifier changes it while there are no contacts.
func (a *account) SetKeyIdentifier(ctx context.Context, meta events.Meta, identifier string) (events.Position, error) {
	set, err := aggregate.SetKeyIdentifier(ctx, a.log, meta, identifier)
	return set.Position, err
}
