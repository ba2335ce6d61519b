package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8/decor"
)

func (p *program) newRebuildCommand() *cobra.Command {
	var asJSON, detach bool
	cmd := &cobra.Command{
		Use:   "rebuild NAME…",
		Short: "Rebuild read models from the log",
		Long: `Rebuild read models from the start of the log, all of them by the name all. The old
rows serve until the new ones are complete. Whoever leaves does not end it: the server
goes on with it, also after a restart.`,
		Example: "  importledger projections rebuild contact_state segment_members\n  importledger projections rebuild all\n  importledger projections rebuild all --detach",
		Args: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return &usageError{"name the read models to rebuild, or all"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withServer(cmd.Context(), func(c *client) error { return p.rebuild(cmd.Context(), c, names, asJSON, detach) })
		},
	}
	cmd.Flags().BoolVar(&detach, "detach", false, "ask for it and leave; the server goes on")
	addJSONFlag(cmd, &asJSON, "the read models as they are afterwards; with --detach, as they are now")
	return cmd
}

func (p *program) rebuild(ctx context.Context, c *client, names []string, asJSON, detach bool) error {
	before, err := c.projections(ctx)
	if err != nil {
		return err
	}
	all := slices.Contains(names, allModels)
	if names, err = chooseModels(names, before); err != nil {
		return err
	}
	asked := names
	if all {
		asked = []string{allModels}
	}
	if !p.term.animated {
		p.term.say("Rebuilding %s …", strings.Join(names, ", "))
	}
	for _, name := range asked {
		if err := c.askOf(ctx, name, "rebuild"); err != nil {
			return err
		}
	}
	if detach {
		p.term.say("The server goes on with it. `importledger projections` shows how far it is.")
		if !asJSON {
			return nil
		}
		now, err := c.projections(ctx)
		if err != nil {
			return err
		}
		return p.term.printJSON(slices.DeleteFunc(now, func(s projectionStatus) bool { return !slices.Contains(names, s.Name) }))
	}
	return p.awaitRebuilds(ctx, c, names, before, "Rebuilt", asJSON)
}

// askOf asks something of a read model.
func (c *client) askOf(ctx context.Context, name, what string) error {
	_, err := c.send(ctx, call{method: http.MethodPost, path: "/ops/projections/" + url.PathEscape(name) + "/" + what}, nil, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// awaitRebuilds shows rebuilds until they have ended, and says what became of them.
func (p *program) awaitRebuilds(ctx context.Context, c *client, names []string, before []projectionStatus, done string, asJSON bool) error {
	began := time.Now()
	after, err := p.watchRebuilds(ctx, c, names)
	if err != nil {
		return err
	}
	for _, s := range after {
		if s.replacedAt() == replacedAt(before, s.Name) {
			return fmt.Errorf("%s: somebody has canceled it; the rows of before go on serving", s.Name)
		}
	}
	if asJSON {
		return p.term.printJSON(after)
	}
	_, err = fmt.Fprintf(p.term.out, "%s %s · %s\n", done, strings.Join(names, ", "), took(time.Since(began)))
	return err
}

// replacedAt tells one swap from another.
func (s projectionStatus) replacedAt() int64 {
	if s.Previous == nil {
		return 0
	}
	return s.Previous.ReplacedAt
}

func replacedAt(all []projectionStatus, name string) int64 {
	for _, s := range all {
		if s.Name == name {
			return s.replacedAt()
		}
	}
	return 0
}

// watchRebuilds returns when none of the named read models is being rebuilt.
func (p *program) watchRebuilds(ctx context.Context, c *client, names []string) ([]projectionStatus, error) {
	show := p.newRebuildView(names)
	defer show.end()
	for {
		all, err := c.projections(ctx)
		if err != nil {
			return nil, err
		}
		named := slices.DeleteFunc(all, func(s projectionStatus) bool { return !slices.Contains(names, s.Name) })
		show.update(named)
		busy := false
		for _, s := range named {
			switch {
			case s.Rebuild != nil && s.Rebuild.State == "failed":
				return nil, fmt.Errorf("the rebuild of %s has failed, and the rows of before go on serving: %s", s.Name, s.problem())
			case s.Rebuild != nil:
				busy = true
			case s.State == "stopped":
				return nil, fmt.Errorf("%s is stopped: %s", s.Name, deref(s.LastError))
			}
		}
		if !busy {
			return named, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("left; the server goes on, and a restart does too: %w", ctx.Err())
		case <-time.After(p.pollEvery):
		}
	}
}

// rebuildView shows rebuilds: a bar for each on a terminal, elsewhere a line whenever
// a good deal has changed.
type rebuildView struct {
	term    *terminal
	drawing *progress
	lines   map[string]bar
	said    string // the last line, without what changes all the time

	mu    sync.Mutex
	notes map[string]string
}

func (p *program) newRebuildView(names []string) *rebuildView {
	v := &rebuildView{term: p.term, drawing: p.term.newProgress(rebuildLayout), lines: map[string]bar{}, notes: map[string]string{}}
	for _, name := range names {
		v.lines[name] = v.drawing.add(name, 1000, func(decor.Statistics) string {
			v.mu.Lock()
			defer v.mu.Unlock()
			return v.notes[name]
		})
	}
	return v
}

func (v *rebuildView) update(all []projectionStatus) {
	v.mu.Lock()
	for _, s := range all {
		v.notes[s.Name] = "done"
		if s.Rebuild != nil {
			v.notes[s.Name] = s.Rebuild.words()
		}
	}
	v.mu.Unlock()
	for _, s := range all {
		if s.Rebuild == nil {
			v.lines[s.Name].set(1000)
		} else {
			v.lines[s.Name].set(int64(s.Rebuild.Percent * 10))
		}
	}
	if !v.term.animated {
		v.sayLines(all)
	}
}

// sayLines writes how those stand that are furthest behind: they read together.
func (v *rebuildView) sayLines(all []projectionStatus) {
	var behind *projectionStatus
	for i, s := range all {
		if s.Rebuild != nil && (behind == nil || s.Rebuild.Percent < behind.Rebuild.Percent) {
			behind = &all[i]
		}
	}
	if behind == nil {
		return
	}
	r := behind.Rebuild
	step := fmt.Sprint(int(r.Percent)/10, r.State, r.Stage)
	if step == v.said || v.said == "" && r.Percent < 10 && r.State != "paused" {
		return
	}
	v.said = step
	v.term.say("%s: %s", behind.Name, r.words())
}

func (v *rebuildView) end() {
	for _, line := range v.lines {
		line.end()
	}
	v.drawing.close()
}
