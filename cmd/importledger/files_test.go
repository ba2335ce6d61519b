package main

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/encoding/charmap"

	"importledger/adapters/postgres/pgtest"
)

// bytesOf is a file to upload.
func bytesOf(name string, content []byte) *source {
	return &source{name: name, size: int64(len(content)), open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// importSuggested uploads a file and imports it as its preview suggests.
func (c *client) importSuggested(t *testing.T, s *source, fields map[string]string) (ended importObject, look preview) {
	t.Helper()
	prepared, err := c.upload(t.Context(), s, fields, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.get(t.Context(), importPath(prepared.ID, "/preview"), &look); err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"mapping": look.Mapping}
	if _, err := c.send(t.Context(), call{method: http.MethodPut, path: importPath(prepared.ID, "/mapping")}, body, nil); err != nil {
		t.Fatal(err)
	}
	if ended, err = c.toTheEnd(t.Context(), prepared.ID); err != nil {
		t.Fatal(err)
	}
	return ended, look
}

func (c *client) contact(t *testing.T, identifier string) (attributes map[string]any) {
	t.Helper()
	if _, err := c.get(t.Context(), "/people/contacts/"+url.PathEscape(identifier), &attributes); err != nil {
		t.Fatal(identifier, err)
	}
	return attributes
}

// Whoever mends the rows in error and imports them again gets exactly the contacts
// that were missing, cells that a spreadsheet would have run included, and either
// import says so of the other.
func TestMendedRowsBecomeExactlyTheMissingContacts(t *testing.T) {
	t.Parallel()
	c := serveOn(t, "IMPORTLEDGER_DATABASE_URL="+pgtest.URL(t))
	const bad, good = 1000, 500
	var file strings.Builder
	file.WriteString("E-mail;=Total;Phone\r\n")
	note := func(row int) string { return []string{"=1+1", "'=kept", "-5 %", "plain; \"quoted\"\nline"}[row%4] }
	for row := range bad + good {
		at := "@"
		if row%3 > 0 {
			at = " at "
		}
		fmt.Fprintf(&file, "c%d%sexample.org;\"%s\";+3247811%04d\r\n", row, at, strings.ReplaceAll(note(row), `"`, `""`), row)
	}
	first, _ := c.importSuggested(t, bytesOf("fair.csv", []byte(file.String())), nil)
	if first.RowsImported != good || first.RowsInError != bad || c.contacts(t) != good {
		t.Fatalf("%s", first.raw)
	}
	groups, err := c.errorGroups(t.Context(), first.ID)
	if err != nil || len(groups) != 1 || groups[0].Code != "email-invalid" || groups[0].Count != bad {
		t.Errorf("%+v, %v", groups, err)
	}

	mended := mend(t, c.download(t, importPath(first.ID, "/errors.csv")), func(row []string) {
		if !strings.HasPrefix(row[2], "'+") {
			t.Errorf("a spreadsheet would run %q", row[2])
		}
		row[0] = strings.ReplaceAll(row[0], " at ", "@")
	})
	second, look := c.importSuggested(t, bytesOf("my corrections.csv", mended), nil)
	if second.RowsImported != bad || second.RowsInError != 0 || c.contacts(t) != good+bad {
		t.Fatalf("%s", second.raw)
	}
	for _, item := range look.Mapping {
		if strings.HasPrefix(item.Header, "error_") != (item.Reason == "error-column") || item.Reason != "error-column" && item.Reason != "last-used" {
			t.Errorf("suggested: %+v", item)
		}
	}
	for row := range bad + good {
		if row%97 != 0 {
			continue
		}
		if a := c.contact(t, fmt.Sprintf("c%d@example.org", row)); a["=Total"] != note(row) || a["phone"] != fmt.Sprintf("3247811%04d", row) {
			t.Errorf("row %d: %v", row, a)
		}
	}
	before, err := c.getReading(t.Context(), first.ID)
	after, failed := c.getReading(t.Context(), second.ID)
	if err = errors.Join(err, failed); err != nil || after.Corrects == nil || *after.Corrects != first.ID || len(before.CorrectedBy) != 1 || before.CorrectedBy[0] != second.ID {
		t.Errorf("%v\n%+v\n%+v", err, before, after)
	}
	c.verified(t)
}

func (c *client) download(t *testing.T, path string) []byte {
	t.Helper()
	response, err := c.do(t.Context(), call{method: http.MethodGet, path: path, repeat: true})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return text
}

// mend opens a file of errors as a spreadsheet does, and saves it.
func mend(t *testing.T, file []byte, change func(row []string)) []byte {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(file))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		change(row)
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Comma = ';'
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestTheSameEventsAgainAreTheSameEvents(t *testing.T) {
	t.Parallel()
	database := pgtest.URL(t)
	c := serveOn(t, "IMPORTLEDGER_DATABASE_URL="+database)
	const rows = 20_000
	var file strings.Builder
	file.WriteString("E-mail,Seen,Stand,Amount,Returning\n")
	for row := range rows {
		fmt.Fprintf(&file, "c%d@example.org,2024-01-31T10:%02d:%02dZ,%04d,%d.50,%t\n", row%200, row/60%60, row%60, row, row%100, row%7 == 0)
	}
	mapping := `[{"header":"E-mail","attribute":"email"},{"header":"Seen","timestamp":true},{"header":"Stand","property":"Stand"},` +
		`{"header":"Amount","property":"Amount"},{"header":"Returning","property":"Returning"}]`
	for again := range 2 {
		i, err := c.upload(t.Context(), bytesOf(fmt.Sprintf("visits-%d.csv", again), []byte(file.String())),
			map[string]string{"importMode": "events", "eventName": "visit", "mapping": mapping}, func(int64) {})
		if err != nil {
			t.Fatal(err)
		}
		if i, err = c.toTheEnd(t.Context(), i.ID); err != nil || i.RowsImported != rows {
			t.Fatalf("%s, %v", i.raw, err)
		}
		if n := count(t, database, "SELECT count(*) FROM contact_state.events"); n != rows {
			t.Errorf("%d events after import %d, want %d", n, again+1, rows)
		}
	}
	if n := c.contacts(t); n != 200 {
		t.Errorf("%d contacts", n)
	}
	var found struct {
		Events []struct {
			Name       string
			At         int64
			Properties map[string]any
		}
	}
	if _, err := c.get(t.Context(), "/people/contacts/c7@example.org/events?pageSize=500", &found); err != nil {
		t.Fatal(err)
	}
	for n, e := range found.Events {
		if e.Name != "visit" || n > 0 && e.At > found.Events[n-1].At {
			t.Errorf("event %d: %+v", n, e)
		}
	}
	if len(found.Events) != rows/200 {
		t.Fatalf("%d events of one contact", len(found.Events))
	}
	p := found.Events[0].Properties
	if stand, ok := p["Stand"].(string); !ok || len(stand) < 4 || fmt.Sprintf("%T %T", p["Amount"], p["Returning"]) != "float64 bool" {
		t.Errorf("properties %v", p)
	}
}

func count(t *testing.T, database, query string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	err = conn.QueryRow(t.Context(), query).Scan(&n)
	if err = errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return n
}

// What spreadsheets save is imported with no setting changed, and names stay whole.
func TestFilesAsSpreadsheetsSaveThem(t *testing.T) {
	t.Parallel()
	c := serveOn(t, "IMPORTLEDGER_DATABASE_URL="+pgtest.URL(t))
	const name = "Zoë Çelik–Nuñez"
	saved := func(of string) string {
		return "E-mail;Name;Straße\r\n" + of + "@example.org;" + name + ";Große Allee\r\n"
	}
	windows, err := charmap.Windows1252.NewEncoder().String(saved("windows"))
	if err != nil {
		t.Fatal(err)
	}
	little, big := []byte{0xff, 0xfe}, []byte{0xfe, 0xff}
	for _, unit := range utf16.Encode([]rune(saved("little"))) {
		little = binary.LittleEndian.AppendUint16(little, unit)
	}
	for _, unit := range utf16.Encode([]rune(saved("big"))) {
		big = binary.BigEndian.AppendUint16(big, unit)
	}
	for of, content := range map[string]string{
		"windows": windows, "little": string(little), "big": string(big), "bom": "\ufeff" + saved("bom"),
		"commas": strings.ReplaceAll(saved("commas"), ";", ","),
	} {
		path := filepath.Join(t.TempDir(), of+".csv")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), "importledger", "import", path, "--yes", "--json", "--server", c.base)
		command.Env = cleanEnv()
		out, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", of, err, out)
		}
		var i importObject
		if err := json.Unmarshal(out, &i); err != nil || i.RowsImported != 1 {
			t.Fatalf("%s: %v\n%s", of, err, out)
		}
		if a := c.contact(t, of+"@example.org"); a["Name"] != name || a["Straße"] != "Große Allee" {
			t.Errorf("%s: %v", of, a)
		}
	}
}
