package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/google/uuid"
	"github.com/oklog/ulid/v2"

	"importledger/adapters/blob"
	"importledger/adapters/csvfile"
	"importledger/adapters/ingest"
	"importledger/adapters/postgres"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// ingestDeps fits the other adapters to what ingest asks for.
func (l *ledger) ingestDeps(s *settings) ingest.Deps {
	limits := csvfile.DefaultLimits()
	limits.MaxBytes, limits.MaxRows, limits.MaxColumns = s.MaxBytes, s.MaxRows, s.MaxColumns
	limits.MaxField, limits.MaxRecord = s.MaxField, s.MaxRecord
	return ingest.Deps{
		Log:         l.streams,
		Continue:    l.traces.Continue,
		NewUpload:   func(ctx context.Context) (ingest.Upload, error) { return l.blobs.Create(ctx) },
		OpenBlob:    l.blobs.Open,
		BlobMissing: func(err error) bool { return errors.Is(err, blob.ErrNotFound) },
		Inspect: func(r io.Reader, as commands.Reading) (events.File, error) {
			options := csvfile.Options{Encoding: as.Encoding, Limits: limits}
			if as.Separator != "" {
				options.Separator = as.Separator[0]
			}
			facts, err := csvfile.Inspect(r, options)
			return facts.File(), err
		},
		OpenRows:    func(r io.Reader, file events.File) (ingest.Rows, error) { return csvfile.Reopen(r, file) },
		NewCSV:      newCSV,
		Harmless:    csvfile.Harmless,
		Account:     l.account.KeyIdentifier,
		Attributes:  l.attributes,
		LastMapping: l.lastMapping,
		WithErrors: func(ctx context.Context, header []string) ([]string, error) {
			return projections.ImportsWithErrors(ctx, l.pool, header)
		},
		RowsInError: func(ctx context.Context, importID string) iter.Seq2[projections.RejectedRow, error] {
			return projections.RejectedRows(ctx, l.pool, importID)
		},
		RowsOfContact: func(ctx context.Context, contact uuid.UUID, before int64, limit int) ([]projections.ContactRow, error) {
			return projections.RowsOfContact(ctx, l.pool, contact, before, limit)
		},
		Claim:    postgres.NewIdempotencyKeys(l.pool).Claim,
		Identity: l.identity,
		MaxBytes: s.MaxBytes,
		Now:      time.Now,
		NewID:    func() string { return ulid.Make().String() },
		Logger:   l.logger,
	}
}

func newCSV(w io.Writer, separator string, bom bool) ingest.CSVWriter {
	out := csvfile.NewWriter(w, separator[0])
	if bom {
		out.Mark()
	}
	return out
}

// lastMapping finds how the newest file with the same columns was mapped.
func (l *ledger) lastMapping(ctx context.Context, header []string, mode events.Mode) (*aggregate.LastUsed, error) {
	last, err := projections.LastMapping(ctx, l.pool, header, mode)
	if ok, err := isThere(err); !ok {
		return nil, err
	}
	return &aggregate.LastUsed{ImportID: last.ID, Name: last.Name, At: last.CreatedAt, EventName: last.EventName, Columns: last.Mapping}, nil
}

func isThere(err error) (bool, error) {
	if errors.Is(err, projections.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// attributes are all that the account's contacts can have.
func (l *ledger) attributes(ctx context.Context) ([]events.Attribute, error) {
	custom, err := projections.CustomAttributes(ctx, l.pool)
	if err != nil {
		return nil, err
	}
	all := append([]events.Attribute{}, events.Reserved...)
	for _, a := range custom {
		all = append(all, events.Attribute{Name: a.Name, Type: a.Type})
	}
	return all, nil
}

// identify finds the contact that an identifier means: its nxId, or the value of
// the account's key identifier.
func (l *ledger) identify(ctx context.Context, identifier string) (uuid.UUID, bool, error) {
	if id, err := uuid.Parse(identifier); err == nil {
		return id, true, nil
	}
	key, err := l.account.KeyIdentifier(ctx)
	if err != nil {
		return uuid.Nil, false, err
	}
	id, ok := l.identity.Find(key, identifier, "")
	return id, ok, nil
}

// derive makes the key of one purpose from the instance's secret (HKDF, RFC 5869).
func derive(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "importledger/"+purpose, 32)
	if err != nil {
		panic("derive a key: " + err.Error()) // only for a length that SHA-256 cannot give
	}
	return key
}
