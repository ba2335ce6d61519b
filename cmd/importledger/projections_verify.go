package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

type verification struct {
	Projections []verified `json:"projections"`
	Imports     struct {
		Checked         int64 `json:"checked"`
		RowsUnaccounted int64 `json:"rowsUnaccounted"`
	} `json:"imports"`
}

type verified struct {
	Name        string       `json:"name"`
	Rows        int64        `json:"rows"`
	Differences int64        `json:"differences"`
	Differing   []difference `json:"differing,omitempty"`
}

type difference struct {
	Table   string            `json:"table"`
	Key     map[string]string `json:"key"`
	Kind    string            `json:"kind"`
	Columns []struct {
		Name  string  `json:"name"`
		Table *string `json:"table"`
		Log   *string `json:"log"`
	} `json:"columns"`
}

// String is the row and what is wrong with it, on a line.
func (d difference) String() string {
	var b strings.Builder
	b.WriteString(d.Table)
	for _, column := range slices.Sorted(maps.Keys(d.Key)) {
		fmt.Fprintf(&b, " %s=%s", column, d.Key[column])
	}
	switch d.Kind {
	case "missing":
		b.WriteString(": is missing")
	case "extra":
		b.WriteString(": is not in the log")
	default:
		for i, c := range d.Columns {
			b.WriteString([]string{":", ";"}[min(i, 1)] + " " + c.Name)
			if c.Table != nil && c.Log != nil {
				fmt.Fprintf(&b, " is %s, the log says %s", *c.Table, *c.Log)
			}
		}
	}
	return printable(b.String())
}

// differingRows is how many rows of a read model are asked for and printed.
const differingRows = 100

func (p *program) newVerifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [NAME…]",
		Short: "Compare read models with the log",
		Long: `Compare read models with what a rebuild would make of the log, and see that every row
of every import has its outcome. Named ones only are judged. Rows that differ are named,
with their values where the credentials may read contacts and histories. Exit status 1
tells of differences.`,
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
	if _, err := c.send(ctx, call{method: http.MethodPost, path: "/ops/projections/verify?differing=" + strconv.Itoa(differingRows), repeat: true}, nil, &found); err != nil {
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
		if err := p.printDiffering(found.Projections); err != nil {
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

// printDiffering names the rows that differ, as many as were told of.
func (p *program) printDiffering(all []verified) error {
	for _, m := range all {
		if len(m.Differing) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(p.term.out, "\n%s:\n", m.Name); err != nil {
			return err
		}
		for _, d := range m.Differing {
			if _, err := fmt.Fprintf(p.term.out, "  %s\n", d); err != nil {
				return err
			}
		}
		if more := m.Differences - int64(len(m.Differing)); more > 0 {
			if _, err := fmt.Fprintf(p.term.out, "  and %s more\n", number(more)); err != nil {
				return err
			}
		}
	}
	return nil
}
