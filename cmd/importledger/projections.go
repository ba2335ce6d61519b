package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const allModels = "all"

type projectionStatus struct {
	Name            string          `json:"name"`
	State           string          `json:"state"`
	Lag             int64           `json:"lag"`
	EventsPerSecond float64         `json:"eventsPerSecond"`
	LastError       *string         `json:"lastError"`
	Rebuild         *rebuildStatus  `json:"rebuild"`
	Previous        *previousTables `json:"previous"`
}

type rebuildStatus struct {
	Percent         float64 `json:"percent"`
	State           string  `json:"state"`
	Stage           string  `json:"stage"`
	Rollback        bool    `json:"rollback"`
	Events          int64   `json:"events"`
	EventsPerSecond float64 `json:"eventsPerSecond"`
	SecondsLeft     *int64  `json:"secondsLeft"`
	LastError       *string `json:"lastError"`
}

type previousTables struct {
	ReplacedAt int64 `json:"replacedAt"`
	Until      int64 `json:"until"`
	Usable     bool  `json:"usable"`
}

// words say how a rebuild stands, as "40 % · 41,250 events/s · 8 s left".
func (r *rebuildStatus) words() string {
	parts := []string{fmt.Sprintf("%.0f %%", r.Percent)}
	switch {
	case r.State != "running":
		parts = append(parts, r.State)
	case r.Stage == "indexing" || r.Stage == "swapping":
		parts = append(parts, r.Stage)
	default:
		if r.EventsPerSecond > 0 {
			parts = append(parts, number(int64(r.EventsPerSecond))+" events/s")
		}
		if r.SecondsLeft != nil {
			parts = append(parts, (time.Duration(*r.SecondsLeft)*time.Second).String()+" left")
		}
	}
	return strings.Join(parts, " · ")
}

func (p *program) newProjectionsCommand() *cobra.Command {
	list := p.newProjectionsListCommand()
	cmd := &cobra.Command{
		Use:   "projections",
		Short: "List the read models, rebuild them, or verify them against the log",
		Long: `Read models are what lists, contacts and errors are read from. They can be rebuilt
from the log at any time, and compared with it. Without a command they are listed.

A rebuild outlives whoever asked for it: it can be paused, resumed and canceled, and
a server that starts goes on with it. For a day the tables of before are kept, and
rollback puts them back.`,
		Example: `  importledger projections
  importledger projections rebuild contact_state
  importledger projections limit 5000
  importledger projections verify`,
		Args: noArgs,
		RunE: list.RunE,
	}
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, p.newRebuildCommand(), p.newRollbackCommand(), p.newPauseCommand(), p.newResumeCommand(), p.newCancelRebuildCommand(),
		p.newLimitCommand(), p.newRetryCommand(), p.newStoppedEventCommand(), p.newVerifyCommand())
	return cmd
}

func (p *program) newProjectionsListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the read models",
		Example: "  importledger projections list --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				var raw json.RawMessage
				if _, err := c.get(cmd.Context(), "/ops/projections", &raw); err != nil {
					return err
				}
				if asJSON {
					return p.term.printJSON(raw)
				}
				var all []projectionStatus
				if err := json.Unmarshal(raw, &all); err != nil {
					return fmt.Errorf("the list of read models cannot be read: %w", err)
				}
				return p.printProjections(all)
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "a list of read models")
	return cmd
}

func (p *program) printProjections(all []projectionStatus) error {
	t := p.term.newTable("READ MODEL", "STATE", "BEHIND", "EVENTS/S", "PROBLEM").numbers(2, 3)
	for _, s := range all {
		state := s.State
		if s.Rebuild != nil {
			state += " " + s.Rebuild.words()
		}
		behind := "current"
		if s.Lag > 0 {
			behind = plural(s.Lag, "event")
		}
		t.row(s.Name, state, behind, number(int64(s.EventsPerSecond)), s.problem())
	}
	return t.flush()
}

// problem is why a read model, or its rebuild, does not go on.
func (s projectionStatus) problem() string {
	if s.LastError == nil && s.Rebuild != nil && s.Rebuild.LastError != nil {
		return "rebuild: " + *s.Rebuild.LastError
	}
	return deref(s.LastError)
}

func (c *client) projections(ctx context.Context) (all []projectionStatus, err error) {
	_, err = c.get(ctx, "/ops/projections", &all)
	return all, err
}

// chooseModels turns what was named into names of read models that exist.
func chooseModels(names []string, all []projectionStatus) ([]string, error) {
	var known []string
	for _, s := range all {
		known = append(known, s.Name)
	}
	if slices.Contains(names, allModels) {
		return known, nil
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, &usageError{fmt.Sprintf("there is no read model %q; there are %s", name, strings.Join(known, ", "))}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names))), nil
}
