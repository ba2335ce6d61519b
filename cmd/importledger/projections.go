package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8/decor"
)

const allModels = "all"

type projectionStatus struct {
	Name            string  `json:"name"`
	State           string  `json:"state"`
	Lag             int64   `json:"lag"`
	EventsPerSecond float64 `json:"eventsPerSecond"`
	LastError       *string `json:"lastError"`
	Rebuild         *struct {
		Percent float64 `json:"percent"`
	} `json:"rebuild"`
}

func (p *program) newProjectionsCommand() *cobra.Command {
	list := p.newProjectionsListCommand()
	cmd := &cobra.Command{
		Use:   "projections",
		Short: "List the read models, rebuild them, or verify them against the log",
		Long: `Read models are what lists, contacts and errors are read from. They can be rebuilt
from the log at any time, and compared with it. Without a command they are listed.`,
		Example: `  importledger projections
  importledger projections rebuild contact_state
  importledger projections verify`,
		Args: noArgs,
		RunE: list.RunE,
	}
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, p.newRebuildCommand(), p.newVerifyCommand())
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
			state += fmt.Sprintf(" %.0f %%", s.Rebuild.Percent)
		}
		behind := "current"
		if s.Lag > 0 {
			behind = plural(s.Lag, "event")
		}
		t.row(s.Name, state, behind, number(int64(s.EventsPerSecond)), deref(s.LastError))
	}
	return t.flush()
}

func (p *program) newRebuildCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rebuild NAME…",
		Short: "Rebuild read models from the log",
		Long: `Rebuild read models from the start of the log, all of them by the name all. The old
rows serve until the new ones are complete.`,
		Example: "  importledger projections rebuild contact_state segment_members\n  importledger projections rebuild all",
		Args: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return &usageError{"name the read models to rebuild, or all"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withServer(cmd.Context(), func(c *client) error { return p.rebuild(cmd.Context(), c, names, asJSON) })
		},
	}
	addJSONFlag(cmd, &asJSON, "the read models as they are afterwards")
	return cmd
}

func (p *program) rebuild(ctx context.Context, c *client, names []string, asJSON bool) error {
	began := time.Now()
	all, err := c.projections(ctx)
	if err != nil {
		return err
	}
	asked := []string{allModels} // at once: the server reads the log once for all of them
	if !slices.Contains(names, allModels) {
		asked = names
	}
	if names, err = chooseModels(names, all); err != nil {
		return err
	}
	if !p.term.animated {
		p.term.say("Rebuilding %s …", strings.Join(names, ", "))
	}
	for _, name := range asked {
		_, err := c.send(ctx, call{method: http.MethodPost, path: "/ops/projections/" + url.PathEscape(name) + "/rebuild"}, nil, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	after, err := p.watchRebuilds(ctx, c, names)
	if err != nil {
		return err
	}
	if asJSON {
		err = p.term.printJSON(after)
	} else {
		_, err = fmt.Fprintf(p.term.out, "Rebuilt %s · %s\n", strings.Join(names, ", "), took(time.Since(began)))
	}
	return err
}

// watchRebuilds returns when none of the named read models is being rebuilt.
func (p *program) watchRebuilds(ctx context.Context, c *client, names []string) ([]projectionStatus, error) {
	drawing := p.term.newProgress(rebuildLayout)
	defer drawing.close()
	lines := map[string]bar{}
	for _, name := range names {
		lines[name] = drawing.add(name, 1000, func(s decor.Statistics) string {
			return fmt.Sprintf("%.0f %%", float64(s.Current)/10)
		})
		defer lines[name].end()
	}
	for {
		all, err := c.projections(ctx)
		if err != nil {
			return nil, err
		}
		named := slices.DeleteFunc(all, func(s projectionStatus) bool { return !slices.Contains(names, s.Name) })
		busy := false
		for _, s := range named {
			switch {
			case s.Rebuild != nil:
				busy = true
				lines[s.Name].set(int64(s.Rebuild.Percent * 10))
			case s.State == "stopped":
				return nil, fmt.Errorf("%s is stopped: %s", s.Name, deref(s.LastError))
			default:
				lines[s.Name].set(1000)
			}
		}
		if !busy {
			return named, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("left; the server goes on rebuilding: %w", ctx.Err())
		case <-time.After(p.pollEvery):
		}
	}
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

type verification struct {
	Projections []verified `json:"projections"`
	Imports     struct {
		Checked         int64 `json:"checked"`
		RowsUnaccounted int64 `json:"rowsUnaccounted"`
	} `json:"imports"`
}

type verified struct {
	Name        string `json:"name"`
	Rows        int64  `json:"rows"`
	Differences int64  `json:"differences"`
}

func (p *program) newVerifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [NAME…]",
		Short: "Compare read models with the log",
		Long: `Compare read models with what a rebuild would make of the log, and see that every row
of every import has its outcome. Named ones only are judged. Exit status 1 tells of
differences.`,
		Example: "  importledger projections verify\n  importledger projections verify contact_state --json",
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withServer(cmd.Context(), func(c *client) error { return p.verify(cmd.Context(), c, names, asJSON) })
		},
	}
	addJSONFlag(cmd, &asJSON, "what was compared, and how many rows differ")
	return cmd
}

func (p *program) verify(ctx context.Context, c *client, names []string, asJSON bool) error {
	if len(names) > 0 {
		all, err := c.projections(ctx)
		if err != nil {
			return err
		}
		if names, err = chooseModels(names, all); err != nil {
			return err
		}
	}
	var found verification
	if _, err := c.send(ctx, call{method: http.MethodPost, path: "/ops/projections/verify", repeat: true}, nil, &found); err != nil {
		return err
	}
	if len(names) > 0 {
		found.Projections = slices.DeleteFunc(found.Projections, func(m verified) bool { return !slices.Contains(names, m.Name) })
	}
	differs := found.Imports.RowsUnaccounted > 0
	t := p.term.newTable("READ MODEL", "ROWS", "DIFFERENCES").numbers(1, 2)
	for _, m := range found.Projections {
		differs = differs || m.Differences > 0
		t.row(m.Name, number(m.Rows), number(m.Differences))
	}
	if asJSON {
		if err := p.term.printJSON(found); err != nil {
			return err
		}
	} else {
		if err := t.flush(); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(p.term.out, "\n%s checked, %s without an outcome.\n", plural(found.Imports.Checked, "import"), plural(found.Imports.RowsUnaccounted, "row")); err != nil {
			return err
		}
	}
	if differs {
		return &statusError{exitFailed, errors.New("the read models differ from the log: mend them with `importledger projections rebuild all`")}
	}
	return nil
}
