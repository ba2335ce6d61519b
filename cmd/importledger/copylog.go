package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"importledger/adapters/eventstore"
)

// Variables that name logs whose addresses have passwords in them.
const (
	copyFromVariable = "IMPORTLEDGER_COPY_FROM"
	copyToVariable   = "IMPORTLEDGER_COPY_TO"
)

// copyWish is what copy-log is asked for.
type copyWish struct {
	from, to   string
	verifyOnly bool
	asJSON     bool
}

func (p *program) newCopyLogCommand() *cobra.Command {
	var w copyWish
	cmd := &cobra.Command{
		Use:   "copy-log --from LOG --to LOG",
		Short: "Copy the event log to another event store, and prove that both are equal",
		Long: `copy-log copies all events of the ledger: the same streams, revisions, ids, types, data
and metadata, in the same order. It follows each stream's chain on the way, and in the
end compares all of both logs. Exit status 0 says that the target holds all that the
source held when it began, and nothing else.

A LOG is esdb://… of an EventStoreDB or of ` + "`importledger node`" + `, or the data directory of
an embedded one that nothing runs on. An address with a password is not for a flag:
set ` + copyFromVariable + ` and ` + copyToVariable + `.

Killed or interrupted at any moment, the same command goes on where the target stands.
A target that holds anything else is refused, and left as it is. Nothing may write to
the target meanwhile; what is written to the source is copied by the next run.`,
		Example: `  importledger copy-log --from ./importledger-data --to 'esdb://127.0.0.1:2113?tls=false'
  importledger copy-log --from ./importledger-data --to 'esdb://127.0.0.1:2113?tls=false' --verify-only --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.copyLog(cmd.Context(), w) },
	}
	cmd.Flags().StringVar(&w.from, "from", "", "`LOG` to read (or "+copyFromVariable+")")
	cmd.Flags().StringVar(&w.to, "to", "", "`LOG` to write to (or "+copyToVariable+")")
	cmd.Flags().BoolVar(&w.verifyOnly, "verify-only", false, "compare the two, and copy nothing")
	addJSONFlag(cmd, &w.asJSON, "what both logs hold")
	return cmd
}

// copied is what copy-log prints as JSON.
type copied struct {
	Equal   bool               `json:"equal"`  // up to where the target ends
	WentOn  bool               `json:"wentOn"` // the source has more by now
	Copied  uint64             `json:"copied"` // by this run
	Seconds float64            `json:"seconds"`
	Source  eventstore.Content `json:"source"`
	Target  eventstore.Content `json:"target"`
}

func (p *program) copyLog(ctx context.Context, w copyWish) (err error) {
	from, err := p.copyPlace("--from", w.from, copyFromVariable)
	if err != nil {
		return err
	}
	to, err := p.copyPlace("--to", w.to, copyToVariable)
	if err != nil {
		return err
	}
	if from == to {
		return &usageError{"--from and --to are the same log"}
	}
	logger := newLogger(p.term.err, max(p.settings.LogLevel, slog.LevelWarn))
	source, closeSource, err := openCopied(ctx, from, "--from", w.verifyOnly, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeSource()) }()
	target, closeTarget, err := openCopied(ctx, to, "--to", w.verifyOnly, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeTarget()) }()

	began := time.Now()
	watching := p.newCopyWatch()
	c := eventstore.Copy{From: source, To: target, Report: watching.see}
	do := c.Run
	if w.verifyOnly {
		do = c.Verify
	}
	result, err := do(ctx)
	watching.close()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("left; the same command goes on where the target stands: %w", err)
	}
	said := p.printCopied(w, copied{Equal: err == nil, WentOn: result.WentOn, Copied: result.Copied, Seconds: time.Since(began).Seconds(), Source: result.Source, Target: result.Target})
	return errors.Join(err, said)
}

func (p *program) printCopied(w copyWish, c copied) error {
	if w.asJSON {
		return p.term.printJSON(c)
	}
	if !c.Equal {
		return nil // the error says all
	}
	if !w.verifyOnly {
		p.term.say("Copied %s · %s", plural(int64(c.Copied), "event"), took(time.Duration(c.Seconds*float64(time.Second))))
	}
	if c.WentOn {
		p.term.say("The source has gone on meanwhile: the next run copies the rest.")
	}
	_, err := fmt.Fprintf(p.term.out, "The logs are equal: %s in %s.\n", plural(int64(c.Source.Events), "event"), plural(int64(c.Source.Streams), "stream"))
	if err == nil && c.Source.Unchained > 0 {
		_, err = fmt.Fprintf(p.term.out, "%s of them from before there were chains.\n", number(int64(c.Source.Unchained)))
	}
	if err == nil {
		_, err = fmt.Fprintf(p.term.out, "SHA-256 %s source\nSHA-256 %s target\n", c.Source.Digest, c.Target.Digest)
	}
	return err
}

// copyPlace is a log as it was named, by flag or variable.
func (p *program) copyPlace(flag, named, variable string) (string, error) {
	if named == "" {
		if named = p.env.get(variable); named == "" {
			return "", &usageError{flag + " names a log: esdb://… or a data directory"}
		}
	} else if maskURL(named) != named {
		return "", &usageError{flag + " has a password in it, which others on this machine could see: set " + variable + " instead"}
	}
	if isLogURL(named) {
		return named, nil
	}
	if path, ok := strings.CutPrefix(named, "file://"); ok {
		named = path
	}
	if strings.Contains(named, "://") {
		return "", &usageError{flag + " is neither esdb://… nor a data directory"}
	}
	return filepath.Abs(named)
}

func isLogURL(v string) bool {
	scheme, _, ok := strings.Cut(v, "://")
	return ok && (strings.HasPrefix(scheme, "esdb") || strings.HasPrefix(scheme, "kurrentdb"))
}

// openCopied opens a log by its address, or serves that of a data directory to this
// process. One that is read must be there.
func openCopied(ctx context.Context, place, flag string, readOnly bool, logger *slog.Logger) (_ *eventstore.Log, closeLog func() error, err error) {
	connect := place
	closeNode := func() error { return nil }
	if !isLogURL(place) {
		if _, err := os.Stat(filepath.Join(place, logFolder)); err != nil && (readOnly || flag == "--from") {
			return nil, nil, fmt.Errorf("%s holds no log (%w): correct %s", place, cause(err), flag)
		}
		if connect, closeNode, err = serveFolder(place, logger); err != nil {
			return nil, nil, err
		}
	}
	log, err := eventstore.Open(ctx, connect, eventstore.Config{Logger: logger})
	if err != nil {
		if isLogURL(place) {
			what, mend := explainEventStore(err, place)
			err = fmt.Errorf("%w: %s", what, strings.ReplaceAll(mend, "IMPORTLEDGER_EVENTSTORE_URL", flag))
		}
		return nil, nil, errors.Join(err, closeNode())
	}
	return log, func() error { log.Close(); return closeNode() }, nil
}

// serveFolder serves the log of a data directory that nothing runs on.
func serveFolder(path string, logger *slog.Logger) (connect string, closeNode func() error, err error) {
	dir, err := openDataDir(path, "copy-log")
	if err != nil {
		return "", nil, err
	}
	n, err := startNode(dir, logger)
	if err != nil {
		return "", nil, errors.Join(err, dir.close())
	}
	return n.ConnectionString(), func() error { return errors.Join(n.Close(), dir.close()) }, nil
}
