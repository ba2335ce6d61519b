package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8/decor"

	"importledger/adapters/connectors"
	"importledger/adapters/eventstore"
	"importledger/adapters/notify"
	"importledger/adapters/postgres"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

func (p *program) newAcceptLogCommand() *cobra.Command {
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "accept-log",
		Short: "Let the database go on with an event log that it was not made from",
		Long: `A server refuses to start where the event log is not the one that its database was made
from: after a move by copy-log, or after a restore of an older log. accept-log shows what
of the database the log does not have, asks, and makes the database go on with the log as
it is: read models are rebuilt, notifications go on behind what was told, and files of
connectors whose imports are lost are imported again.

Stop every importledger that uses the database first.`,
		Example: `  importledger accept-log
  IMPORTLEDGER_EVENTSTORE_URL=esdb://… IMPORTLEDGER_DATABASE_URL=postgres://… importledger accept-log --yes`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.acceptLog(cmd.Context(), yes, asJSON) },
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	addJSONFlag(cmd, &asJSON, "what was wrong, and what was lost")
	return cmd
}

// accepted is what accept-log prints as JSON.
type accepted struct {
	Reason     string               `json:"reason"`   // code; empty: the log is the database's own
	Message    string               `json:"message"`  // the same for people
	Accepted   bool                 `json:"accepted"` // by this run
	Lost       []projections.Beyond `json:"lost"`     // imports that the database knows more of than the log has; null: cannot be told
	TakenAgain int64                `json:"takenAgain"`

	head  events.Position      // of the log
	known []projections.Beyond // the imports of before; nil: the database does not tell
}

func (p *program) acceptLog(ctx context.Context, yes, asJSON bool) (err error) {
	logger := newLogger(p.term.err, max(p.settings.LogLevel, slog.LevelWarn))
	dir, err := openDataDir(p.settings.Data, "accept-log")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.close()) }()
	st, err := openStorage(ctx, p.settings, dir, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close(context.WithoutCancel(ctx))) }()
	leave, _, alone, err := postgres.NewLocks(st.pool, "company", logger).TryLock(ctx, "ledger")
	switch {
	case err != nil:
		return err
	case !alone:
		return errors.New("an importledger uses this database: stop all that do, and run accept-log again")
	}
	defer leave()

	a := acceptance{storage: st, guard: logGuard{log: st.log, pool: st.pool}, logger: logger}
	found, err := a.look(ctx)
	if err != nil {
		return err
	}
	if found.Reason == "" {
		return p.printAccepted(found, asJSON)
	}
	var shown []projections.Beyond
	if !yes {
		agreed, err := p.agreeTo(ctx, found)
		if !agreed && asJSON {
			err = errors.Join(p.term.printJSON(found), err)
		}
		if err != nil {
			return err
		}
		if !agreed {
			return &statusError{status: exitCanceled}
		}
		shown = found.Lost
	}
	see, end := p.watchRebuild(found.head)
	err = a.accept(ctx, &found, see)
	end()
	if err != nil {
		return err
	}
	if !asJSON && !slices.Equal(shown, found.Lost) {
		p.printLost(found.Lost)
	}
	return p.printAccepted(found, asJSON)
}

// agreeTo says what is wrong and what is lost, and asks.
func (p *program) agreeTo(ctx context.Context, found accepted) (bool, error) {
	p.term.say("%s: %s.", found.Reason, found.Message)
	switch {
	case found.Lost != nil:
		p.printLost(found.Lost)
	case found.known != nil:
		p.term.say("What is lost can be told when the read models are rebuilt.")
	default:
		p.term.say("What is lost cannot be told: the database does not list the imports of before.")
	}
	if !p.term.asks {
		return false, &usageError{"nobody is here to be asked: add --yes to make the database go on with this log"}
	}
	return p.term.confirm(ctx, "Go on with this log?")
}

// mostLost is how many lost imports are named.
const mostLost = 20

func (p *program) printLost(lost []projections.Beyond) {
	if len(lost) == 0 {
		return
	}
	p.term.say("The log lacks the last events of %s that the database knows:", plural(len(lost), "import"))
	for _, i := range lost[:min(len(lost), mostLost)] {
		p.term.say("  %s  %s, %s", i.ID, printable(i.Name), i.State)
	}
	if len(lost) > mostLost {
		p.term.say("  … and %s more; --json lists all", number(len(lost)-mostLost))
	}
}

func (p *program) printAccepted(found accepted, asJSON bool) error {
	if asJSON {
		return p.term.printJSON(found)
	}
	if found.Reason == "" {
		_, err := fmt.Fprintln(p.term.out, "The log is the database's own: there is nothing to do.")
		return err
	}
	if found.TakenAgain > 0 {
		p.term.say("%s of connectors will be imported again.", plural(found.TakenAgain, "file"))
	}
	lost := "what is lost cannot be told"
	if found.Lost != nil {
		lost = plural(len(found.Lost), "import") + " lost"
	}
	_, err := fmt.Fprintf(p.term.out, "The database goes on with this log (%s); read models are rebuilt, %s.\n", found.Reason, lost)
	return err
}

// watchRebuild shows how far the read models have come; see is told of each batch.
func (p *program) watchRebuild(head events.Position) (see func(projections.Progress), end func()) {
	if !p.term.animated {
		p.term.say("Rebuilding the read models …")
	}
	drawing := p.term.newProgress(rebuildLayout)
	lines := map[string]bar{}
	see = func(now projections.Progress) {
		line, known := lines[now.Name]
		if !known {
			line = drawing.add(now.Name, int64(head.Commit), func(decor.Statistics) string { return plural(int64(now.Applied), "event") })
			lines[now.Name] = line
		}
		line.set(int64(now.Position.Commit))
	}
	return see, func() {
		for _, line := range lines {
			line.end()
		}
		drawing.close()
	}
}

// acceptance makes a database go on with a log.
type acceptance struct {
	*storage
	guard  logGuard
	logger *slog.Logger
}

// look tells what is wrong with the log, and what it lacks as far as can be told before
// the read models are made from it.
func (a acceptance) look(ctx context.Context) (found accepted, err error) {
	err = a.guard.compare(ctx)
	refused, ok := errors.AsType[*commands.Refusal](err)
	switch {
	case err == nil:
		return accepted{Lost: []projections.Beyond{}}, nil
	case !ok:
		return found, err
	}
	found = accepted{Reason: refused.Code, Message: refused.Message}
	if found.head, err = a.log.Head(ctx); err != nil || errors.Is(refused, errHalfAccepted) {
		return found, err // the list is gone, or of the new log
	}
	if found.known, err = a.knownImports(ctx); err != nil {
		return found, err
	}
	switch {
	case errors.Is(refused, eventstore.ErrLogMoved):
		found.Lost = []projections.Beyond{} // all that was read of it is there
	case errors.Is(refused, eventstore.ErrLogBehind): // of another log positions say nothing
		found.Lost, err = projections.ImportsBeyond(ctx, a.pool, found.head)
		if len(found.Lost) == 0 { // it lacks something, and has grown past it
			found.Lost = nil
		}
	}
	return found, err
}

// knownImports are all that the database lists; nil where it has no list.
func (a acceptance) knownImports(ctx context.Context) ([]projections.Beyond, error) {
	marks, err := projections.Marks(ctx, a.pool)
	if err != nil || !slices.ContainsFunc(marks, func(r projections.Reached) bool { return r.Name == projections.ImportsList }) {
		return nil, err
	}
	all, err := projections.ImportsBeyond(ctx, a.pool, events.Position{})
	return append([]projections.Beyond{}, all...), err
}

// accept may be ended at any moment: nobody serves the database before it has been run
// to its end.
func (a acceptance) accept(ctx context.Context, found *accepted, see func(projections.Progress)) error {
	after, last, err := a.toldUntil(ctx)
	if err != nil {
		return err
	}
	if err := postgres.TieLog(ctx, a.pool, beingAccepted); err != nil {
		return err
	}
	if err := notify.GoOn(ctx, a.pool, after, last); err != nil {
		return err
	}
	projector := newProjector(a.storage, nil, a.logger)
	if err := projector.Discard(ctx); err != nil {
		return err
	}
	if _, err := projector.Ensure(ctx); err != nil {
		return err
	}
	if err := projector.Rebuild(ctx, nil, see); err != nil {
		return err
	}
	if found.Lost, err = a.lost(ctx, *found); err != nil {
		return err
	}
	if found.TakenAgain, err = a.takeAgain(ctx); err != nil {
		return err
	}
	if err := a.guard.tie(ctx); err != nil {
		return err
	}
	found.Accepted = true
	return nil
}

// lost are the imports of before that the log does not have, or was seen to have less
// of; nil: nobody knows which there were.
func (a acceptance) lost(ctx context.Context, found accepted) ([]projections.Beyond, error) {
	if found.known == nil {
		return nil, nil
	}
	less := map[string]bool{}
	for _, i := range found.Lost {
		less[i.ID] = true
	}
	ids := make([]string, len(found.known))
	for n, i := range found.known {
		ids[n] = i.ID
	}
	missing, err := projections.MissingImports(ctx, a.pool, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range missing {
		less[id] = true
	}
	lost := []projections.Beyond{}
	for _, i := range found.known {
		if less[i.ID] {
			lost = append(lost, i)
		}
	}
	return lost, nil
}

// toldUntil is where telling of ended imports goes on: behind the same event where the
// log has it, else at the log's end, since what this log has was told of.
func (a acceptance) toldUntil(ctx context.Context) (events.Position, *events.Mark, error) {
	_, last, err := notify.Reached(ctx, a.pool)
	if err != nil {
		return events.Position{}, nil, err
	}
	if last != nil {
		for e, err := range a.log.Read(ctx, last.Stream, last.Revision) {
			switch {
			case errors.Is(err, aggregate.ErrStreamNotFound):
			case err != nil:
				return events.Position{}, nil, err
			case e.ID == last.ID:
				moved := e.Mark()
				return e.Position, &moved, nil
			}
			break
		}
	}
	head, err := a.log.Head(ctx)
	return head, nil, err
}

// takeAgain puts files of connectors back in line whose imports the log has lost.
func (a acceptance) takeAgain(ctx context.Context) (int64, error) {
	done, err := connectors.Done(ctx, a.pool)
	if err != nil {
		return 0, err
	}
	lost, err := projections.MissingImports(ctx, a.pool, done)
	if err != nil || len(lost) == 0 {
		return 0, err
	}
	return connectors.TakeAgain(ctx, a.pool, lost)
}
