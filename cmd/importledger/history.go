package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// finalEvents are those that nothing follows in an import's history.
var finalEvents = []string{"ImportCompleted", "ImportCanceled", "ImportFailed"}

type historyEvent struct {
	Revision uint64 `json:"revision"`
	Type     string `json:"type"`
	At       int64  `json:"at"`
	Summary  string `json:"summary"`
}

func (p *program) newHistoryCommand() *cobra.Command {
	var at int64
	var follow, asJSON bool
	cmd := &cobra.Command{
		Use:   "history ID",
		Short: "Print the events of an import, or the import as it stood",
		Long: `Print the events of an import, each as a sentence, read from the log itself.

--at prints the import as it stood right after one of them, folded from the log.`,
		Example: `  importledger history 01JD8Z0Q4T9M3W5X7Y9A1B2C3D
  importledger history 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --follow
  importledger history 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --at 1`,
		Args: importID,
		RunE: func(cmd *cobra.Command, args []string) error {
			asItStood := cmd.Flags().Changed("at")
			if asItStood && (follow || at < 0) {
				return &usageError{"--at takes a revision, from 0, and does not go with --follow"}
			}
			return p.withServer(cmd.Context(), func(c *client) error {
				if asItStood {
					return p.printImportAt(cmd.Context(), c, args[0], at, asJSON)
				}
				return p.printHistory(cmd.Context(), c, args[0], follow, asJSON)
			})
		},
	}
	cmd.Flags().Int64Var(&at, "at", 0, "print the import as it stood at this `REVISION`")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the import has ended")
	addJSONFlag(cmd, &asJSON, "one event a line, or with --at the import")
	return cmd
}

func (p *program) printImportAt(ctx context.Context, c *client, id string, revision int64, asJSON bool) error {
	var i importObject
	if _, err := c.get(ctx, importPath(id, "/at/"+strconv.FormatInt(revision, 10)), &i); err != nil {
		return err
	}
	return p.printImport(ctx, c, i, asJSON)
}

func (p *program) printHistory(ctx context.Context, c *client, id string, follow, asJSON bool) error {
	h := &historyPrinter{term: p.term, asJSON: asJSON}
	if !asJSON {
		h.table = p.term.newTable("REVISION", "TIME", "EVENT").numbers(0)
	}
	for {
		ended, err := h.printFrom(ctx, c, id)
		if follow && errors.Is(err, context.Canceled) {
			return nil // whoever follows leaves by an interrupt
		}
		if err != nil || ended || !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * p.pollEvery):
		}
	}
}

// historyPrinter prints events in the order of the log, and knows which is next.
type historyPrinter struct {
	term   *terminal
	table  *table // nil: JSON
	asJSON bool
	next   uint64
}

// printFrom prints the events from the next one on; ended tells that none can follow.
func (h *historyPrinter) printFrom(ctx context.Context, c *client, id string) (ended bool, err error) {
	query := url.Values{"from": {strconv.FormatUint(h.next, 10)}}
	response, err := c.do(ctx, call{method: http.MethodGet, path: importPath(id, "/history?"+query.Encode()), accept: "application/x-ndjson", repeat: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	lines := json.NewDecoder(response.Body)
	for {
		var raw json.RawMessage
		if err := lines.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return false, fmt.Errorf("the history cannot be read on after event %d: %w", h.next, err)
		}
		var e historyEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			return false, fmt.Errorf("the history has an event that cannot be read: %w", err)
		}
		h.next = e.Revision + 1
		ended = slices.Contains(finalEvents, e.Type)
		if h.asJSON {
			if err := h.term.printJSON(raw); err != nil {
				return false, err
			}
			continue
		}
		h.table.row(number(int64(e.Revision)), localTime(e.At), e.Summary)
	}
	if h.table != nil {
		return ended, h.table.flush()
	}
	return ended, nil
}
