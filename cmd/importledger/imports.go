package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"importledger/events"
)

var (
	importStates = []string{string(events.Preparing), string(events.Importing), string(events.Imported), string(events.Canceled), string(events.Failed)}
	importTypes  = []string{string(events.Manual), string(events.FTPTemplate)}
)

type importsFlags struct {
	state, kind, query string
	page, pageSize     int
	json               bool
}

func (p *program) newImportsCommand() *cobra.Command {
	var f importsFlags
	cmd := &cobra.Command{
		Use:   "imports",
		Short: "List imports, newest first",
		Example: `  importledger imports
  importledger imports --state failed --query contacts
  importledger imports --page 2 --page-size 100 --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return p.withServer(cmd.Context(), func(c *client) error { return p.listImports(cmd, c, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.state, "state", "", "only those in this `STATE`: preparing, importing, imported, canceled or failed")
	flags.StringVar(&f.kind, "type", "", "only those of this `TYPE`: manual or ftp-template")
	flags.StringVar(&f.query, "query", "", "only those with this `TEXT` in the file's name")
	flags.IntVar(&f.page, "page", 1, "`NUMBER` of the page, from 1")
	flags.IntVar(&f.pageSize, "page-size", 50, "imports on a page, at most 500")
	addJSONFlag(cmd, &f.json, "a list of imports")
	completeFlag(cmd, "state", importStates)
	completeFlag(cmd, "type", importTypes)
	return cmd
}

// completeFlag offers a flag's values to the shell.
func completeFlag(cmd *cobra.Command, flag string, values []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is ours
	}
}

func (f importsFlags) check() error {
	for _, c := range []struct {
		flag, value string
		allowed     []string
	}{{"--state", f.state, importStates}, {"--type", f.kind, importTypes}} {
		if err := oneOf(c.allowed...)(c.value); c.value != "" && err != nil {
			return &usageError{fmt.Sprintf("%s %v", c.flag, err)}
		}
	}
	if f.page < 1 || f.pageSize < 1 || f.pageSize > 500 {
		return &usageError{"--page counts from 1, and --page-size is 1 to 500"}
	}
	return nil
}

func (p *program) listImports(cmd *cobra.Command, c *client, f importsFlags) error {
	query := url.Values{"page": {strconv.Itoa(f.page)}, "pageSize": {strconv.Itoa(f.pageSize)}}
	for name, value := range map[string]string{"state": f.state, "type": f.kind, "q": f.query} {
		if value != "" {
			query.Set(name, value)
		}
	}
	var list []importObject
	header, err := c.get(cmd.Context(), "/people/imports?"+query.Encode(), &list)
	if err != nil {
		return err
	}
	if f.json {
		return p.term.printJSON(list)
	}
	if len(list) == 0 {
		p.term.say("%s", map[bool]string{true: "No import fits.", false: "There are no imports yet. Begin with `importledger import FILE`."}[f.filtered()])
		return nil
	}
	t := p.term.newTable("ID", "NAME", "STATE", "IMPORTED", "IN ERROR", "OF ROWS", "STARTED", "TYPE").numbers(3, 4, 5)
	for _, i := range list {
		t.row(i.ID, cut(i.Name, 40), string(i.State), number(i.RowsImported), number(i.RowsInError), number(i.RowToImport), localTime(i.CreatedAt), i.Type)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if total, err := strconv.Atoi(header.Get("X-Total-Count")); err == nil && total > len(list) {
		p.term.say("\nPage %s of %s, %s in all.", number(f.page), number((total+f.pageSize-1)/f.pageSize), plural(total, "import"))
	}
	return nil
}

func (f importsFlags) filtered() bool {
	return slices.ContainsFunc([]string{f.state, f.kind, f.query}, func(s string) bool { return s != "" }) || f.page > 1
}

func (p *program) newShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Print one import",
		Example: "  importledger show 01JD8Z0Q4T9M3W5X7Y9A1B2C3D\n  importledger show 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --json",
		Args:    importID,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				i, _, err := c.getImport(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return p.printImport(cmd.Context(), c, i, asJSON)
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "the import")
	return cmd
}

func (p *program) newCancelCommand() *cobra.Command {
	var asJSON bool
	var reason string
	cmd := &cobra.Command{
		Use:     "cancel ID",
		Short:   "Cancel an import; rows already imported stay",
		Example: "  importledger cancel 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --reason 'wrong file'",
		Args:    importID,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				i, position, err := c.cancelImport(cmd.Context(), args[0], reason)
				if err != nil {
					return err
				}
				if err := c.caughtUp(cmd.Context(), i.ID, position); err != nil {
					return err
				}
				return p.printImport(cmd.Context(), c, i, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the history: `TEXT`")
	addJSONFlag(cmd, &asJSON, "the import")
	return cmd
}

// printImport prints everything about one import.
func (p *program) printImport(ctx context.Context, c *client, i importObject, asJSON bool) error {
	if asJSON {
		return p.term.printJSON(json.RawMessage(i.raw))
	}
	reading, err := c.getReading(ctx, i.ID)
	if err != nil {
		return err
	}
	t := p.term.newTable("", "")
	line := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	line("Import", i.ID)
	line("Name", i.Name)
	line("Description", deref(i.Description))
	line("State", string(i.State)+inParentheses(deref(i.FailedReason)))
	line("Rows", fmt.Sprintf("%s imported, %s in error, of %s", number(i.RowsImported), number(i.RowsInError), number(i.RowToImport)))
	line("File", fmt.Sprintf("%s, %s, %s, %s, separated by %s", i.File.Name, byteSize(i.File.Size), plural(i.File.Columns, "column"), i.File.Encoding, i.File.Separator))
	line("SHA-256", i.File.SHA256)
	line("Mode", i.ImportMode+inParentheses(deref(i.EventName)))
	if i.Segment != nil {
		line("Segment", i.Segment.SegmentID)
	}
	line("Corrects", deref(reading.Corrects))
	line("Corrected by", strings.Join(reading.CorrectedBy, ", "))
	line("Type", i.Type)
	line("Started by", deref(i.UserID))
	line("Started", localTime(i.CreatedAt))
	line("Changed", localTime(i.ModifiedAt))
	line("Revision", strconv.FormatUint(i.Revision, 10))
	if err := t.flush(); err != nil || len(i.Mapping) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(p.term.out); err != nil {
		return err
	}
	m := p.term.newTable("COLUMN", "BECOMES", "")
	for _, item := range i.Mapping {
		m.row(item.Header, item.target(), item.why())
	}
	return m.flush()
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func inParentheses(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}
