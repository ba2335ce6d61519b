package connectors

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/commands"
	"importledger/events"
)

const (
	// lookEvery is how often files are looked for that no session of this process has
	// told of.
	lookEvery = 2 * time.Second
	// seats is how many connectors' files are seen to at once.
	seats = 16
	// A file whose import cannot be started, though nothing is away, is tried again
	// after ever longer pauses, then put aside.
	maxAttempts = 10
	firstPause  = 500 * time.Millisecond
	longPause   = time.Minute
	// How often an import is asked whether it has ended.
	firstAsk = 50 * time.Millisecond
	slowAsk  = time.Second
)

// taker turns closed files into imports: those of one connector one after the
// other, in the order in which they were closed.
type taker struct {
	*Connectors
	all   sync.WaitGroup
	seats chan struct{}

	mu      sync.Mutex
	running map[string]bool
}

// take works until ctx ends.
func (c *Connectors) take(ctx context.Context) {
	t := &taker{Connectors: c, seats: make(chan struct{}, seats), running: map[string]bool{}}
	defer t.all.Wait()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		t.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-look.C:
		}
	}
}

// look begins with every connector that has files to be imported.
func (t *taker) look(ctx context.Context) {
	rows, err := t.deps.DB.Query(ctx, "SELECT DISTINCT connector_id FROM ledger.connector_files WHERE state IN ('waiting', 'importing')")
	var ids []string
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil && ctx.Err() == nil {
		t.deps.Logger.Warn("cannot look for files to import; trying again", "error", err)
	}
	for _, id := range ids {
		t.begin(ctx, id)
	}
}

func (t *taker) begin(ctx context.Context, connectorID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[connectorID] {
		return
	}
	select {
	case t.seats <- struct{}{}:
	default:
		return // the next look comes back to it
	}
	t.running[connectorID] = true
	t.all.Go(func() {
		t.work(ctx, connectorID)
		t.mu.Lock()
		delete(t.running, connectorID)
		t.mu.Unlock()
		<-t.seats
		t.tell() // a file may have come between the last look and here
	})
}

// work claims a connector's files for this process and imports them.
func (t *taker) work(ctx context.Context, connectorID string) {
	release, lost, ok, err := t.deps.TryLock(ctx, connectorID)
	if err != nil {
		t.pause(ctx, firstPause, "cannot claim the files of a connector; trying again", connectorID, err)
		return
	}
	if !ok {
		t.pause(ctx, firstPause, "", connectorID, nil) // another process does it
		return
	}
	defer release()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-lost:
			stop()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		f, ok, err := t.next(ctx, connectorID)
		if err == nil && !ok {
			return
		}
		if err == nil {
			err = t.importFile(ctx, f)
		}
		if err != nil && ctx.Err() == nil {
			t.failedAttempt(ctx, f, err)
		}
	}
}

// next gives the oldest file that is to be imported, and marks it: from then on its
// client cannot change it.
func (t *taker) next(ctx context.Context, connectorID string) (stored, bool, error) {
	rows, err := t.deps.DB.Query(ctx, `
		UPDATE ledger.connector_files SET state = 'importing' WHERE import_id = (
			SELECT import_id FROM ledger.connector_files WHERE connector_id = $1 AND state IN ('waiting', 'importing')
			ORDER BY state, received_at, import_id LIMIT 1) AND state IN ('waiting', 'importing')
		RETURNING `+fileColumns, connectorID)
	var f stored
	if err == nil {
		f, err = pgx.CollectExactlyOneRow(rows, scanFile)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return f, false, nil
	}
	if err != nil {
		return f, false, fmt.Errorf("next file of a connector: %w", err)
	}
	return f, true, nil
}

// importFile starts a file's import, waits for its end, and puts the file where it
// belongs then.
func (t *taker) importFile(ctx context.Context, f stored) error {
	template, err := t.template(ctx, f.connectorID)
	if err != nil {
		return err
	}
	var refused *commands.Refusal
	if f.reasonCode != "" {
		refused = refuse(commands.Unacceptable, f.reasonCode, f.reason)
	}
	meta := events.Meta{Actor: f.connectorID, CorrelationID: f.importID}
	file := events.File{Name: f.name, Size: f.size, SHA256: f.sha256}
	if err := t.drop(func() error {
		_, err := t.deps.Imports.Drop(ctx, f.importID, meta, file, refused, template)
		return err
	}); err != nil {
		return err
	}
	end, err := t.end(ctx, f.importID)
	if err != nil {
		return err
	}
	f.outcome = Failed
	switch end := end.(type) {
	case events.ImportCompleted:
		f.outcome = Imported
	case events.ImportFailed:
		f.reasonCode, f.reason = end.Code, end.Message
	case events.ImportCanceled:
		f.reasonCode, f.reason = "canceled", "The import was canceled. Rows that it had imported by then stay."
	}
	return t.finish(ctx, f)
}

// errPanicked is what is said of a file that broke the program.
var errPanicked = errors.New("starting the import panicked")

func (t *taker) drop(start func() error) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			t.deps.Logger.Error("starting the import of a file panicked", "panic", fmt.Sprintf("%T", broken), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return start()
}

// end waits until an import has ended.
func (t *taker) end(ctx context.Context, importID string) (events.Event, error) {
	for ask := firstAsk; ; ask = min(2*ask, slowAsk) {
		end, err := t.deps.Imports.Ending(ctx, importID)
		if err != nil || end != nil {
			return end, err
		}
		if err := wait(ctx, ask); err != nil {
			return nil, err
		}
	}
}

// finish shows a file in the folder of its outcome. An older file there makes room.
func (t *taker) finish(ctx context.Context, f stored) error {
	now := t.deps.Now()
	err := pgx.BeginFunc(ctx, t.deps.DB, func(tx pgx.Tx) error {
		older, err := queryFiles(ctx, tx, `connector_id = $1 AND state = 'done' AND NOT hidden AND (outcome = 'imported') = $2 AND shown = $3`,
			f.connectorID, f.outcome == Imported, f.shown)
		if err != nil {
			return err
		}
		for _, o := range older {
			if _, err := tx.Exec(ctx, "UPDATE ledger.connector_files SET shown = $2 WHERE import_id = $1", o.importID, makingRoom(o.shown, o.importID)); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `
			UPDATE ledger.connector_files
			SET state = 'done', outcome = $2, reason_code = nullif($3, ''), reason = nullif($4, ''), ended_at = $5
			WHERE import_id = $1 AND state = 'importing'`, f.importID, f.outcome, f.reasonCode, f.reason, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("file of import %s: %w", f.importID, err)
	}
	t.note(ctx, f.connectorID, activity{action: fileEnded[f.outcome], file: f.name, importID: f.importID, detail: f.reasonCode})
	return nil
}

// failedAttempt pauses before a file is tried again; one that does not come through
// for no reason that passes is put aside, so that those behind it do.
func (t *taker) failedAttempt(ctx context.Context, f stored, err error) {
	pause := firstPause
	if f.importID != "" && !t.deps.IsTransient(err) {
		pause = min(firstPause<<min(f.attempts, 10), longPause)
		if f.attempts+1 >= maxAttempts {
			t.deps.Logger.Error("a file is put aside: its import could not be started", "import", f.importID, "error", err)
			f.outcome, f.reasonCode = Quarantined, "internal"
			f.reason = "The file could not be imported for a reason of our own. Tell whoever runs the service; the file is kept."
			err = t.finish(ctx, f)
		} else if _, countErr := t.deps.DB.Exec(ctx, "UPDATE ledger.connector_files SET attempts = attempts + 1 WHERE import_id = $1", f.importID); countErr != nil {
			err = errors.Join(err, countErr)
		}
	}
	if err != nil {
		t.pause(ctx, pause, "a file could not be imported yet; trying again", f.connectorID, err)
	}
}

func (t *taker) pause(ctx context.Context, d time.Duration, what, connectorID string, err error) {
	if ctx.Err() == nil && what != "" {
		t.deps.Logger.Warn(what, "connector", connectorID, "error", err)
	}
	if t.rest(ctx, d) != nil {
		return // the program ends, which the caller sees too
	}
}

// wait returns after a while, or with ctx's error.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
