package aggregate_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

func cancel(t *testing.T, l aggregate.Streams) (aggregate.Import, error) {
	t.Helper()
	return aggregate.Cancel(t.Context(), l, importID, meta, commands.Cancel{Reason: "the wrong file"})
}

func TestACancelIsTheSameAsAnyCommand(t *testing.T) {
	for name, c := range map[string]struct {
		before []commands.Command
		err    error
		events uint64
	}{
		"of nothing":           {nil, aggregate.ErrNotFound, 0},
		"while preparing":      {[]commands.Command{start}, nil, 2},
		"before the first row": {[]commands.Command{start, mapColumns}, nil, 3},
		"among rows":           {[]commands.Command{start, mapColumns, commands.RowAccepted(accepted(1))}, nil, 4},
		"again":                {[]commands.Command{start, commands.Cancel{Reason: "the wrong file"}}, nil, 2},
		"after its end":        {[]commands.Command{start, commands.Fail{Code: "source-missing", Message: "Gone."}}, aggregate.ErrEnded, 2},
	} {
		t.Run(name, func(t *testing.T) {
			l := &streams{recorded: map[string][]events.Recorded{}}
			run(t, l, c.before...)
			s, err := cancel(t, l)
			if !errors.Is(err, c.err) || uint64(len(l.recorded[events.ImportStream(importID)])) != c.events {
				t.Fatalf("%v, %d events; want %v, %d", err, len(l.recorded[events.ImportStream(importID)]), c.err, c.events)
			}
			loaded, loadErr := aggregate.Load(t.Context(), l, importID)
			if loadErr != nil {
				t.Fatal(loadErr)
			}
			if err == nil && (s.State != events.Canceled || s.Events != loaded.Events || s.Accepted != loaded.Accepted || s.Position != loaded.Position) {
				t.Errorf("answered %+v, the log has %+v", s, loaded)
			}
		})
	}
}

// readOnly counts what is read forwards until the cancel is recorded.
type readOnly struct {
	*streams
	read int
}

func (r *readOnly) Read(ctx context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	all := r.recorded[stream]
	if all[len(all)-1].Type != "ImportCanceled" {
		r.read++
	}
	return r.streams.Read(ctx, stream, from)
}

func TestACancelReadsNoRowsBeforeItIsRecorded(t *testing.T) {
	l := &readOnly{streams: &streams{recorded: map[string][]events.Recorded{}}}
	run(t, l.streams, start, mapColumns)
	row, times := 1, 3
	var overtake func(string)
	overtake = func(string) {
		if l.before = nil; row <= times {
			run(t, l.streams, commands.RowAccepted(accepted(row)))
			row++
			l.before = overtake
		}
	}
	l.before = overtake
	s, err := cancel(t, l)
	if err != nil || s.State != events.Canceled || s.Accepted != times || s.Events != uint64(2+times+1) {
		t.Fatalf("got %+v, %v", s, err)
	}
	if l.read > 0 {
		t.Errorf("rows were read %d times while a worker went on", l.read)
	}
}

func TestACancelEndsWithItsContextAndWithTheLog(t *testing.T) {
	l := &streams{recorded: map[string][]events.Recorded{}}
	run(t, l, start)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := aggregate.Cancel(ctx, l, importID, meta, commands.Cancel{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	l.fail = aggregate.ErrLogUnavailable
	if _, err := cancel(t, l); !errors.Is(err, aggregate.ErrLogUnavailable) {
		t.Errorf("log away: %v", err)
	}
}
