package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// settingItem is how a value of a contact was set.
type settingItem struct {
	Value    json.RawMessage `json:"value"`
	ImportID string          `json:"importId"`
	FileName string          `json:"fileName"`
	Row      int             `json:"row"`
	At       int64           `json:"at"`
	Column   *string         `json:"column"`
	Raw      *string         `json:"raw"`
}

type originItem struct {
	Attribute string       `json:"attribute"`
	Set       settingItem  `json:"set"`
	Before    *settingItem `json:"before"`
}

func (p *program) newWhyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "why IDENTIFIER [ATTRIBUTE]",
		Short: "Print where a contact's values come from",
		Long: `Print where a contact's values come from: for each attribute the row that set it last,
what the file says there, and what the value was before. With an attribute print every
row that ever set it, the latest first.

Values are read from the log and texts from the files, nothing from what was made of
them. IDENTIFIER is the contact's nxId or the value of the key identifier.`,
		Example: `  importledger why ann@example.org
  importledger why ann@example.org city --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 || args[0] == "" || len(args) == 2 && args[1] == "" {
				return &usageError{"why takes a contact, and maybe one of its attributes"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				path := "/people/contacts/" + url.PathEscape(args[0]) + "/provenance"
				if len(args) == 2 {
					return p.printSettings(cmd.Context(), c, path+"/"+url.PathEscape(args[1])+"?limit=100", asJSON)
				}
				return p.printOrigins(cmd.Context(), c, path, asJSON)
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "as the API answers; with an attribute one row a line")
	return cmd
}

func (p *program) printOrigins(ctx context.Context, c *client, path string, asJSON bool) error {
	var raw json.RawMessage
	if _, err := c.get(ctx, path, &raw); err != nil {
		return err
	}
	if asJSON {
		return p.term.printJSON(raw)
	}
	var found struct {
		Attributes []originItem `json:"attributes"`
		Complete   bool         `json:"complete"`
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		return err
	}
	t := p.term.newTable("ATTRIBUTE", "VALUE", "FILE SAYS", "COLUMN", "FILE", "ROW", "IMPORT", "SET", "BEFORE").numbers(5)
	for _, o := range found.Attributes {
		before := ""
		if o.Before != nil {
			before = plainValue(o.Before.Value)
		}
		t.row(append([]string{o.Attribute}, append(o.Set.cells(), before)...)...)
	}
	if !found.Complete {
		p.term.say("The contact has more rows than were looked at: ask for an attribute that is missing by its name.")
	}
	return t.flush()
}

// cells are a setting's cells of a table.
func (s settingItem) cells() []string {
	says := "(not read)"
	if s.Raw != nil {
		says = *s.Raw
	}
	return []string{plainValue(s.Value), cut(says, 30), deref(s.Column), cut(s.FileName, 30), number(s.Row), s.ImportID, localTime(s.At)}
}

// plainValue is a value as people write it.
func plainValue(v json.RawMessage) string {
	var text string
	switch {
	case json.Unmarshal(v, &text) == nil && string(v) != "null":
		return cut(text, 30)
	case string(v) == "null":
		return "(cleared)"
	}
	return cut(string(v), 30)
}

func (p *program) printSettings(ctx context.Context, c *client, path string, asJSON bool) error {
	t := p.term.newTable("VALUE", "FILE SAYS", "COLUMN", "FILE", "ROW", "IMPORT", "SET").numbers(4)
	rows := 0
	for path != "" {
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  *string           `json:"next"`
		}
		if _, err := c.get(ctx, path, &page); err != nil {
			return err
		}
		for _, raw := range page.Items {
			rows++
			if asJSON {
				if err := p.term.printJSON(raw); err != nil {
					return err
				}
				continue
			}
			var s settingItem
			if err := json.Unmarshal(raw, &s); err != nil {
				return fmt.Errorf("the answer of the server cannot be read: %w", err)
			}
			t.row(s.cells()...)
		}
		next := deref(page.Next)
		if next != "" && (next == path || !strings.HasPrefix(next, "/")) {
			return errors.New("the server's answer leads nowhere")
		}
		path = next
	}
	if rows == 0 && !asJSON {
		p.term.say("No row ever set this attribute of the contact.")
		return nil
	}
	if asJSON {
		return nil
	}
	return t.flush()
}
