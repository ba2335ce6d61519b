package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// whole checks an import of a file against the log and every read model, and gives
// a hash of what was decided about its rows.
func (f contactsOf) whole(t *testing.T, c *client, id string) (decided string) {
	t.Helper()
	i, err := c.toTheEnd(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if i.State != "imported" || i.RowsImported != f.good() || i.RowsInError != f.bad() {
		t.Errorf("%s is %s, %d imported and %d in error, want %d and %d", i.Name, i.State, i.RowsImported, i.RowsInError, f.good(), f.bad())
	}
	seen := c.outcomes(t, id)
	if seen.err != nil {
		t.Errorf("%s: %v", i.Name, seen.err)
	}
	if seen.accepted != f.good() || seen.rejected != f.bad() || seen.last != "ImportCompleted" {
		t.Errorf("%s: the log has %d rows accepted, %d rejected, and ends with %s", i.Name, seen.accepted, seen.rejected, seen.last)
	}
	f.errorsReported(t, c, id)
	return seen.hash
}

// outcomes is what the log says about an import's rows.
type outcomes struct {
	accepted, rejected int
	events             int
	last               string    // event
	hash               string    // over the rows' events, in order
	first, end         time.Time // of the rows
	err                error     // a row that is there twice, or not in its place
}

func (c *client) outcomes(t *testing.T, id string) (seen outcomes) {
	t.Helper()
	response, err := c.do(t.Context(), call{method: http.MethodGet, path: importPath(id, "/history"), accept: "application/x-ndjson"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	sum := sha256.New()
	for lines := json.NewDecoder(response.Body); ; seen.events++ {
		var e struct {
			Revision int             `json:"revision"`
			Type     string          `json:"type"`
			At       int64           `json:"at"` // ms
			Data     json.RawMessage `json:"data"`
		}
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if e.Revision != seen.events {
			seen.err = errors.Join(seen.err, fmt.Errorf("event %d has revision %d", seen.events, e.Revision))
		}
		switch seen.last = e.Type; e.Type {
		case "RowAccepted":
			seen.accepted++
		case "RowRejected":
			seen.rejected++
		default:
			continue
		}
		var row struct{ Row int }
		if err := json.Unmarshal(e.Data, &row); err != nil {
			t.Fatal(err)
		}
		if row.Row != seen.accepted+seen.rejected {
			seen.err = errors.Join(seen.err, fmt.Errorf("row %d stands where row %d should", row.Row, seen.accepted+seen.rejected))
		}
		fmt.Fprintf(sum, "%s %s\n", e.Type, e.Data)
		if seen.end = time.UnixMilli(e.At); seen.first.IsZero() {
			seen.first = seen.end
		}
	}
	seen.hash = hex.EncodeToString(sum.Sum(nil))
	return seen
}

// haveBetween is at how many of the moments rows were decided and others were not.
func (o outcomes) haveBetween(moments []time.Time) (n int) {
	for _, at := range moments {
		if o.first.Before(at) && at.Before(o.end) {
			n++
		}
	}
	return n
}

// errorsReported checks that exactly the rows that the file has wrong are reported,
// in their order.
func (f contactsOf) errorsReported(t *testing.T, c *client, id string) {
	t.Helper()
	reported := 0
	for page, remaining := 1, 1; remaining > 0; page++ {
		found, err := c.errorsPage(t.Context(), id, page, errorsPageSize)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found.Items {
			if reported++; e.Row != reported*badEvery || e.Code != "email-invalid" {
				t.Errorf("%s: error %d is %s in row %d", f.name(), reported, e.Code, e.Row)
			}
		}
		remaining = found.Pagination.RemainingRecord
	}
	if reported != f.bad() {
		t.Errorf("%s: %d rows are reported in error, want %d", f.name(), reported, f.bad())
	}
}

// contacts is how many contacts there are.
func (c *client) contacts(t *testing.T) int {
	t.Helper()
	var answer struct{ Count int }
	if _, err := c.get(t.Context(), "/people/contacts/count", &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Count
}

// verified checks that no read model differs from the log and no row is missing.
func (c *client) verified(t *testing.T) {
	t.Helper()
	var found verification
	if _, err := c.send(t.Context(), call{method: http.MethodPost, path: "/ops/projections/verify"}, nil, &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Projections) == 0 || found.Imports.Checked == 0 || found.Imports.RowsUnaccounted != 0 {
		t.Errorf("verify: %+v", found)
	}
	for _, m := range found.Projections {
		if m.Differences != 0 {
			t.Errorf("%s differs from the log in %d of %d rows", m.Name, m.Differences, m.Rows)
		}
	}
}
