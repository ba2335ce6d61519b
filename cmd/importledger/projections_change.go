package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) newRollbackCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rollback NAME",
		Short: "Put the tables of before the last rebuild back",
		Long: `Put the tables of a read model back that the last rebuild has replaced. They are kept
for a day, brought to the log's end first, and then swapped in; those that serve now
are kept in their place, so that it can be undone.`,
		Example: "  importledger projections rollback contact_state",
		Args:    oneModel,
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				before, err := c.projections(cmd.Context())
				if err != nil {
					return err
				}
				if names, err = chooseModels(names, before); err != nil {
					return err
				}
				if err := c.askOf(cmd.Context(), names[0], "rollback"); err != nil {
					return err
				}
				return p.awaitRebuilds(cmd.Context(), c, names, before, "Rolled back", asJSON)
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "the read model as it is afterwards")
	return cmd
}

func (p *program) newPauseCommand() *cobra.Command {
	return p.newChangeCommand("pause", "rebuild/pause", "Pause rebuilds",
		"Pause the rebuilds of read models, or all. They stay paused, also when servers start\nanew, until they are resumed.", "Paused")
}

func (p *program) newResumeCommand() *cobra.Command {
	return p.newChangeCommand("resume", "rebuild/resume", "Go on with rebuilds that are paused or have failed",
		"Go on with the rebuilds of read models, or all, where they were.", "Resumed")
}

func (p *program) newCancelRebuildCommand() *cobra.Command {
	return p.newChangeCommand("cancel", "rebuild/cancel", "Cancel rebuilds",
		"Cancel the rebuilds of read models, or all. What was filled is dropped; the rows of\nbefore go on serving.", "Canceled")
}

func (p *program) newChangeCommand(use, what, short, long, done string) *cobra.Command {
	return &cobra.Command{
		Use: use + " NAME…", Short: short, Long: long,
		Example: "  importledger projections " + use + " contact_state\n  importledger projections " + use + " all",
		Args: func(_ *cobra.Command, names []string) error {
			if len(names) == 0 {
				return &usageError{"name the read models, or all"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				all, err := c.projections(cmd.Context())
				if err != nil {
					return err
				}
				chosen, err := chooseModels(names, all)
				if err != nil {
					return err
				}
				if len(chosen) == len(all) {
					chosen = []string{allModels}
				}
				for _, name := range chosen {
					if err := c.askOf(cmd.Context(), name, what); err != nil {
						return err
					}
				}
				p.term.say("%s: %s.", done, strings.Join(names, ", "))
				return nil
			})
		},
	}
}

func oneModel(_ *cobra.Command, names []string) error {
	if len(names) != 1 || names[0] == allModels {
		return &usageError{"name one read model"}
	}
	return nil
}

type rebuildLimit struct {
	EventsPerSecond *int64 `json:"eventsPerSecond"`
}

func (p *program) newLimitCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "limit [EVENTS-PER-SECOND | off]",
		Short: "Say how fast rebuilds may go, or see it",
		Long: `Say how many events a second all rebuilds together may read, so that imports keep
their speed. It holds at once, also for a rebuild that is under way, and until it is
said otherwise. A limit below what imports bring keeps a rebuild from ever ending.`,
		Example: "  importledger projections limit 5000\n  importledger projections limit off\n  importledger projections limit",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{"say one limit, or off"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := limitOf(args)
			if err != nil {
				return err
			}
			return p.withServer(cmd.Context(), func(c *client) error {
				r := call{method: http.MethodGet, path: "/ops/rebuild-limit", repeat: true}
				var body any
				if len(args) > 0 {
					r.method, body = http.MethodPut, wanted
				}
				var raw json.RawMessage
				if _, err := c.send(cmd.Context(), r, body, &raw); err != nil {
					return err
				}
				if asJSON {
					return p.term.printJSON(raw)
				}
				var is rebuildLimit
				if err := c.understand(raw, &is); err != nil {
					return err
				}
				return p.printLimit(is)
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "the limit")
	return cmd
}

func limitOf(args []string) (limit rebuildLimit, err error) {
	if len(args) == 0 || args[0] == "off" {
		return limit, nil
	}
	n, err := strconv.ParseInt(args[0], 10, 32)
	if err != nil || n < 1 {
		return limit, &usageError{fmt.Sprintf("%q is no limit: say a whole number of events a second, or off", args[0])}
	}
	limit.EventsPerSecond = &n
	return limit, nil
}

func (p *program) printLimit(is rebuildLimit) error {
	text := "Rebuilds go as fast as they can."
	if is.EventsPerSecond != nil {
		text = fmt.Sprintf("Rebuilds may read %s events a second, all together.", number(*is.EventsPerSecond))
	}
	_, err := fmt.Fprintln(p.term.out, text)
	return err
}

func (p *program) newRetryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "retry NAME",
		Short: "Try the event again at which a read model has stopped",
		Long: `Try the event again at which a read model has stopped, when what kept it from being
applied is mended. A server of another version tries by itself when it starts.`,
		Example: "  importledger projections retry contact_state",
		Args:    oneModel,
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				if err := c.askOf(cmd.Context(), names[0], "retry"); err != nil {
					return err
				}
				p.term.say("%s tries the event again; `importledger projections` shows what becomes of it.", names[0])
				return nil
			})
		},
	}
}

type stoppedEvent struct {
	Cause    string       `json:"cause"`
	Stream   string       `json:"stream"`
	Revision int64        `json:"revision"`
	Position string       `json:"position"`
	Type     string       `json:"type"`
	Data     stoppedBytes `json:"data"`
	Metadata stoppedBytes `json:"metadata"`
}

type stoppedBytes struct {
	Encoding  string `json:"encoding"`
	Content   string `json:"content"`
	Size      int64  `json:"size"`
	Truncated bool   `json:"truncated"`
}

func (b stoppedBytes) String() string {
	text := printable(b.Content)
	if b.Encoding != "utf-8" {
		text = b.Encoding + " " + text
	}
	if b.Truncated {
		text += fmt.Sprintf(" … (%s in all)", byteSize(b.Size))
	}
	return text
}

func (p *program) newStoppedEventCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "event NAME",
		Short:   "Show the event at which a read model, or its rebuild, has stopped",
		Long:    "Show the event at which a read model, or its rebuild, has stopped, with its bytes as\nthey were recorded. They may hold what a file said about people.",
		Example: "  importledger projections event contact_state",
		Args:    oneModel,
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withServer(cmd.Context(), func(c *client) error { return p.printStoppedEvent(cmd.Context(), c, names[0], asJSON) })
		},
	}
	addJSONFlag(cmd, &asJSON, "the event")
	return cmd
}

func (p *program) printStoppedEvent(ctx context.Context, c *client, name string, asJSON bool) error {
	var raw json.RawMessage
	if _, err := c.get(ctx, "/ops/projections/"+url.PathEscape(name)+"/event", &raw); err != nil {
		return err
	}
	if asJSON {
		return p.term.printJSON(raw)
	}
	var e stoppedEvent
	if err := c.understand(raw, &e); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.term.out, "event     %s, %d@%s, position %s\ncause     %s\ndata      %s\nmetadata  %s\n",
		e.Type, e.Revision, e.Stream, e.Position, printable(e.Cause), e.Data, e.Metadata)
	return err
}
