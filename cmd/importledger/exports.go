package main

import (
	"context"
	"io"
	"time"

	"importledger/adapters/api"
	"importledger/adapters/postgres"
	"importledger/adapters/proof"
	"importledger/events"
)

// exports are proofs of imports, in the name of the ledger.
type exports struct {
	exporter proof.Exporter
	ledger   *ledger
	keys     *postgres.AuditKeys
}

// openExports makes this process's key one of the ledger's. Keys are published for
// ever, so that whoever signed last year is still believed.
func openExports(ctx context.Context, s *settings, dir *dataDir, l *ledger) (*exports, error) {
	seed, err := dir.auditKey(s.AuditKey)
	if err != nil {
		return nil, err
	}
	key, err := proof.NewKey(seed)
	if err != nil {
		return nil, err
	}
	x := &exports{ledger: l, keys: postgres.NewAuditKeys(l.pool), exporter: proof.Exporter{Key: key, Program: readVersion().Version, Now: time.Now}}
	if x.exporter.Instance, err = postgres.InstanceID(ctx, l.pool); err != nil {
		return nil, err
	}
	return x, x.keys.Add(ctx, key.Public().String())
}

// Export implements api.Exports.
func (x *exports) Export(ctx context.Context, importID string, w io.Writer) error {
	return x.exporter.Export(importID, x.ledger.streams.Read(ctx, events.ImportStream(importID), 0), w)
}

// Keys implements api.Exports.
func (x *exports) Keys(ctx context.Context) (string, []api.ExportKey, error) {
	known, err := x.keys.List(ctx)
	var all []api.ExportKey
	for _, k := range known {
		var public proof.PublicKey
		if err := public.UnmarshalText([]byte(k.Public)); err != nil {
			return "", nil, err
		}
		all = append(all, api.ExportKey{ID: public.ID(), X: k.Public, Since: k.Since, Current: public == x.exporter.Key.Public()})
	}
	return x.exporter.Instance, all, err
}
