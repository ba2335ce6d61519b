package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

type errorsPage struct {
	Pagination struct {
		TotalRecord     int `json:"totalRecord"`
		RemainingRecord int `json:"remainingRecord"`
	} `json:"pagination"`
	Items  []rowErrorItem `json:"items"`
	Groups []errorGroup   `json:"groups"` // where asked for
}

// errorGroup is how often one rule was broken in one column.
type errorGroup struct {
	Code    string `json:"code"`
	Column  string `json:"column"`
	Count   int    `json:"count"`
	Message string `json:"message"`
}

type rowErrorItem struct {
	Row     int    `json:"row"`
	Line    int    `json:"line"`
	Column  string `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Value   string `json:"value"`

	raw json.RawMessage
}

// UnmarshalJSON keeps the bytes as well.
func (e *rowErrorItem) UnmarshalJSON(text []byte) error {
	type plain rowErrorItem
	e.raw = append(json.RawMessage(nil), text...)
	return json.Unmarshal(text, (*plain)(e))
}

// errorsPageSize is the largest page that there is.
const errorsPageSize = 500

func (c *client) errorsPage(ctx context.Context, id string, page, size int) (found errorsPage, err error) {
	query := url.Values{"page": {strconv.Itoa(page)}, "pageSize": {strconv.Itoa(size)}, "lines": {"true"}}
	_, err = c.get(ctx, importPath(id, "/errors?"+query.Encode()), &found)
	return found, err
}

// errorGroups are all errors of an import, the most frequent first.
func (c *client) errorGroups(ctx context.Context, id string) ([]errorGroup, error) {
	var found errorsPage
	_, err := c.get(ctx, importPath(id, "/errors?pageSize=1&groups=true"), &found)
	return found.Groups, err
}

func (p *program) newErrorsCommand() *cobra.Command {
	var asCSV, asJSON bool
	cmd := &cobra.Command{
		Use:   "errors ID",
		Short: "Print the rows in error of an import",
		Long: `Print what is wrong with the rows in error of an import, all of it.

--csv prints the rows themselves, with their original columns and separator and four
more that say what is wrong: mend them and import that file. Rows are counted from 1,
the first one below the header.`,
		Example: `  importledger errors 01JD8Z0Q4T9M3W5X7Y9A1B2C3D
  importledger errors 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --csv > mend.csv`,
		Args: importID,
		RunE: func(cmd *cobra.Command, args []string) error {
			if asCSV && asJSON {
				return &usageError{"--csv and --json exclude each other"}
			}
			return p.withServer(cmd.Context(), func(c *client) error {
				if asCSV {
					return p.copyOut(cmd.Context(), c, call{path: importPath(args[0], "/errors.csv"), accept: "text/csv"})
				}
				return p.printErrors(cmd.Context(), c, args[0], asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print the rejected rows as a CSV file")
	addJSONFlag(cmd, &asJSON, "one error a line")
	return cmd
}

func (p *program) printErrors(ctx context.Context, c *client, id string, asJSON bool) error {
	t := p.term.newTable("ROW", "LINE", "COLUMN", "ERROR", "VALUE", "MEANING").numbers(0, 1)
	for page, remaining := 1, 1; remaining > 0; page++ {
		found, err := c.errorsPage(ctx, id, page, errorsPageSize)
		if err != nil {
			return err
		}
		for _, e := range found.Items {
			if asJSON {
				if err := p.term.printJSON(e.raw); err != nil {
					return err
				}
				continue
			}
			t.row(number(e.Row), number(e.Line), e.Column, e.Code, cut(e.Value, 30), e.Message)
		}
		if page == 1 && len(found.Items) == 0 && !asJSON {
			p.term.say("No row of this import is in error.")
			return nil
		}
		remaining = found.Pagination.RemainingRecord
	}
	if asJSON {
		return nil
	}
	return t.flush()
}

// copyOut prints what the server answers, as it is.
func (p *program) copyOut(ctx context.Context, c *client, r call) (err error) {
	r.method, r.repeat = "GET", true
	response, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	_, err = io.Copy(p.term.out, response.Body)
	return err
}
