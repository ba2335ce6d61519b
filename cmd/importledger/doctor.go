package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// finding is what one check of the installation found.
type finding struct {
	Check  string  `json:"check"`
	State  verdict `json:"state"`
	Detail string  `json:"detail"`
	Mend   string  `json:"mend,omitempty"` // what to do about it
}

type verdict string

const (
	verdictOK     verdict = "ok"
	verdictNote   verdict = "note" // works, and worth knowing
	verdictFailed verdict = "failed"
)

func allWell(detail string, args ...any) finding {
	return finding{State: verdictOK, Detail: fmt.Sprintf(detail, args...)}
}

func worthKnowing(mend, detail string, args ...any) finding {
	return finding{State: verdictNote, Detail: fmt.Sprintf(detail, args...), Mend: mend}
}

func mustMend(mend, detail string, args ...any) finding {
	return finding{State: verdictFailed, Detail: fmt.Sprintf(detail, args...), Mend: mend}
}

// patienceOfDoctor bounds each check.
const patienceOfDoctor = 10 * time.Second

type check struct {
	name string
	run  func(context.Context) finding
}

func (p *program) newDoctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the installation, and say what mends it",
		Long: `Check the installation, and print for each failure what mends it. Nothing is changed.
With --server only that server is checked. Exit status 1 tells of a failure.`,
		Example: "  importledger doctor\n  importledger doctor --server https://ledger.example.org --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.examine(cmd.Context(), p.checks(cmd.Context()), asJSON)
		},
	}
	addJSONFlag(cmd, &asJSON, "a list of findings")
	return cmd
}

func (p *program) checks(ctx context.Context) []check {
	d := &doctor{program: p}
	if p.settings.Server != "" {
		return []check{{"server", d.server}, {"credentials", d.credentials}}
	}
	d.running = d.findServer(ctx)
	return []check{
		{"settings", d.settingsFile},
		{"data directory", d.dataDirectory},
		{"disk space", d.diskSpace},
		{"secret key", d.secretKey},
		{"audit key", d.auditKey},
		{"event store", d.eventStore},
		{"database", d.database},
		{"log of database", d.logOfDatabase},
		{"stored files", d.storedFiles},
		{"mail", d.mail},
		{"addresses", d.addresses},
		{"SFTP door", d.sftpDoor},
		{"FTPS door", d.ftpsDoor},
		{"server", d.server},
	}
}

func (p *program) examine(ctx context.Context, checks []check, asJSON bool) error {
	width := 0
	for _, c := range checks {
		width = max(width, len(c.name))
	}
	var found []finding
	failures := 0
	for _, c := range checks {
		limited, cancel := context.WithTimeout(ctx, patienceOfDoctor)
		f := c.run(limited)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.Check = c.name
		found = append(found, f)
		if f.State == verdictFailed {
			failures++
		}
		if asJSON {
			continue
		}
		if _, err := fmt.Fprintf(p.term.out, "%s  %-*s  %s\n", p.term.verdict(f.State), width, f.Check, printable(f.Detail)); err != nil {
			return err
		}
		if f.Mend != "" {
			if _, err := fmt.Fprintf(p.term.out, "%6s  %-*s  → %s\n", "", width, "", printable(f.Mend)); err != nil {
				return err
			}
		}
	}
	if asJSON {
		if err := p.term.printJSON(found); err != nil {
			return err
		}
	}
	if failures > 0 {
		return &statusError{exitFailed, fmt.Errorf("%s failed", plural(failures, "check"))}
	}
	return nil
}

// verdict writes a verdict in six columns, with a colour where there are any.
func (t *terminal) verdict(v verdict) string {
	text := fmt.Sprintf("%-6s", v)
	if !t.outColor {
		return text
	}
	color := map[verdict]string{verdictOK: "32", verdictNote: "33", verdictFailed: "31"}[v]
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
