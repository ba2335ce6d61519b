package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// actor is who row events are recorded as decided by: the ledger itself. Who asked
// for the import is told by its first events.
const actor = "importledger"

// Codes of an import that failed while its rows were worked off.
const (
	SourceMissing = "source-missing"
	SourceChanged = "source-changed"
)

// run works one import off: rows are read, decided and encoded in chunks while the
// chunk before is being appended.
type run struct {
	deps   Deps
	id     string
	logger *slog.Logger
	trace  string // traceparent of what it records
	ended  func() // called when the log says that the import has; may be nil
}

// toTheEnd goes on until the import has ended, whoever ended it. An error means
// that it could not go on and may be tried again; nothing is lost by that.
func (r run) toTheEnd(ctx context.Context) error {
	for {
		imp, err := aggregate.Load(ctx, r.deps.Log, r.id)
		if err != nil || imp.State != events.Importing {
			if err == nil && imp.State.Final() {
				r.tellEnded()
			}
			return err
		}
		if err = r.keyIdentifier(ctx, imp); err == nil {
			err = r.traced(ctx, imp)
		}
		var end failure
		switch {
		case err == nil:
			r.tellEnded()
			return nil
		case errors.Is(err, aggregate.ErrOvertaken):
			// Somebody canceled it, or works on it too: the log says which.
			r.logger.Info("another append came first; reading on")
		case errors.As(err, &end):
			r.logger.Error("the import failed", "code", end.Code)
			_, err = aggregate.Execute(ctx, r.deps.Log, r.id, r.meta(imp), end.Fail)
			return err
		default:
			return err
		}
	}
}

func (r run) tellEnded() {
	if r.ended != nil {
		r.ended()
	}
}

// keyIdentifier makes sure, before the first contact, that the account's key
// identifier is the import's and stays so.
func (r run) keyIdentifier(ctx context.Context, imp aggregate.Import) error {
	if imp.Accepted > 0 {
		return nil
	}
	err := aggregate.UseKeyIdentifier(ctx, r.deps.Log, r.meta(imp), imp)
	if why, ok := errors.AsType[*commands.Refusal](err); ok {
		return broken(why.Code, why.Message)
	}
	return err
}

// traced works off what an import has left, as a part of its trace.
func (r run) traced(ctx context.Context, imp aggregate.Import) error {
	if r.deps.Continue == nil {
		return r.rows(ctx, imp)
	}
	ctx, carried, end := r.deps.Continue(ctx, imp.TraceParent, "import rows")
	r.trace = carried
	err := r.rows(ctx, imp)
	end(err)
	return err
}

// rows works off what an import has left.
func (r run) rows(ctx context.Context, imp aggregate.Import) (err error) {
	blob, err := r.deps.OpenBlob(ctx, r.id)
	if err != nil {
		if r.deps.BlobMissing(err) {
			return broken(SourceMissing, "The stored file is gone.")
		}
		return fmt.Errorf("stored file: %w", err)
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	source := newSource(blob)
	rows, err := r.deps.OpenRows(source, imp.File())
	if err != nil {
		return r.unreadable(err)
	}
	if err := rows.Skip(imp.NextRow() - 1); err != nil {
		return r.unreadable(err)
	}
	rules, err := aggregate.NewRules(imp.Started, *imp.Mapped, imp.CreatedAt, r.deps.Identity)
	if err != nil {
		return fmt.Errorf("mapping of the import: %w", err)
	}

	chunks := make(chan chunk, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(chunks)
		d := decider{run: r, imp: imp, rules: rules, rows: rows, source: source}
		return d.decide(ctx, chunks)
	})
	group.Go(func() error { return r.append(ctx, imp.Events, chunks) })
	return group.Wait()
}

// append records chunks one after the other, each on the one before. An append
// that has begun is not given up when ctx ends: the run stops at a chunk's end.
func (r run) append(ctx context.Context, expected uint64, chunks <-chan chunk) error {
	for c := range chunks {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := r.deps.Log.Append(context.WithoutCancel(ctx), events.ImportStream(r.id), expected, c); err != nil {
			return fmt.Errorf("append rows: %w", err)
		}
		expected += uint64(len(c))
	}
	return nil
}

func (r run) meta(imp aggregate.Import) events.Meta {
	return events.Meta{At: r.deps.Now().UnixMilli(), Actor: actor, CorrelationID: imp.CorrelationID, CausationID: imp.MappedBy.String(), TraceParent: r.trace}
}

// unreadable tells a file that is not what was received from storage that is away.
func (r run) unreadable(err error) error {
	var refusal *commands.Refusal
	if errors.As(err, &refusal) && commands.IsFileRule(refusal.Code) {
		return broken(SourceChanged, "The stored file is not the one that was received: "+refusal.Message)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken(SourceChanged, "The stored file ends before its last row.")
	}
	return fmt.Errorf("stored file: %w", err)
}

// failure is a reason to end the import as failed.
type failure struct{ commands.Fail }

func (f failure) Error() string { return f.Code + ": " + f.Message }

func broken(code, message string) error {
	return failure{commands.Fail{Code: code, Message: message}}
}
