package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"importledger/events"
)

const topReasons = 3

// ask shows the suggested mapping and asks whether to import with it; a no is an
// error.
func (r *importRun) ask(ctx context.Context, prepared importObject, look preview, mapping []mappedItem) error {
	r.term.say("%s: %s, %s, %s%s\n", printable(prepared.Name), plural(look.Rows, "row"), plural(len(mapping), "column"), look.Encoding,
		map[bool]string{true: " (assumed)"}[look.EncodingGuessed])
	if err := showMapping(r.term.err, r.term.animated, look, mapping); err != nil {
		return err
	}
	r.term.say("")
	yes, err := r.term.confirm(ctx, fmt.Sprintf("Import %s like this?", plural(look.Rows, "row")))
	if err == nil && !yes {
		return &statusError{exitCanceled, errors.New("nothing was imported; amend the mapping with --map, --skip and --create")}
	}
	return err
}

func showMapping(w io.Writer, color bool, look preview, mapping []mappedItem) error {
	t := newTable(w, color, "COLUMN", "BECOMES", "BECAUSE", "FOR EXAMPLE")
	t.indent = "  "
	for i, m := range mapping {
		sample := ""
		if i < len(look.Columns) {
			sample = strings.Join(look.Columns[i].Samples[:min(2, len(look.Columns[i].Samples))], ", ")
		}
		t.row(m.Header, m.target(), m.why(), cut(sample, 40))
	}
	return t.flush()
}

type review struct {
	Rows       int `json:"rows"`
	Acceptable int `json:"acceptable"`
	InError    int `json:"inError"`
	Repeated   int `json:"repeated"`
	Errors     []struct {
		Code    string `json:"code"`
		Column  string `json:"column"`
		Count   int    `json:"count"`
		Message string `json:"message"`
		Rows    []int  `json:"rows"`
	} `json:"errors"`
}

// review has the whole file checked and prints what would happen. Without --yes
// it is also the end, with the status that the import would have had.
func (r *importRun) review(ctx context.Context, prepared importObject, look preview, mapping []mappedItem, body any) error {
	var raw json.RawMessage
	_, err := r.client.send(ctx, call{method: http.MethodPost, path: importPath(prepared.ID, "/review"), repeat: true}, body, &raw)
	if err != nil {
		return err
	}
	var found review
	if err := json.Unmarshal(raw, &found); err != nil {
		return err
	}
	if r.flags.json {
		err = r.term.printJSON(raw)
	} else {
		err = r.printReview(prepared, look, mapping, found)
	}
	if err == nil && !r.flags.yes && found.InError > 0 {
		return &statusError{status: exitRowsInError}
	}
	return err
}

func (r *importRun) printReview(prepared importObject, look preview, mapping []mappedItem, found review) error {
	out := r.term.out
	_, err := fmt.Fprintf(out, "%s: %s of %s can be imported, %s in error.\n\n", printable(prepared.Name),
		number(found.Acceptable), plural(found.Rows, "row"), number(found.InError))
	if err != nil {
		return err
	}
	if err := showMapping(out, r.term.outColor, look, mapping); err != nil {
		return err
	}
	if found.Repeated > 0 {
		if _, err := fmt.Fprintf(out, "\nRows about a contact that an earlier row is about too: %s. The later one wins.\n", number(found.Repeated)); err != nil {
			return err
		}
	}
	if len(found.Errors) > 0 {
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
		t := newTable(out, r.term.outColor, "ROWS", "COLUMN", "ERROR", "IN ROWS", "MEANING").numbers(0)
		t.indent = "  "
		for _, e := range found.Errors {
			rows := make([]string, 0, 5)
			for _, n := range e.Rows[:min(5, len(e.Rows))] {
				rows = append(rows, number(n))
			}
			if e.Count > len(rows) {
				rows = append(rows, "…")
			}
			t.row(number(e.Count), e.Column, e.Code, strings.Join(rows, " "), e.Message)
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	if !r.flags.yes {
		_, err := fmt.Fprintln(out, "\nNothing was imported. Without --review, or with --yes as well, it is.")
		return err
	}
	_, err = fmt.Fprintln(out)
	return err
}

// summarize prints how the import ended.
func (r *importRun) summarize(ctx context.Context, i importObject, after time.Duration) error {
	if r.flags.json {
		return r.term.printJSON(i)
	}
	out := r.term.out
	text := fmt.Sprintf("%s: imported %s of %s", printable(i.Name), number(i.RowsImported), plural(i.RowToImport, "row"))
	if i.State != events.Imported {
		text = fmt.Sprintf("%s: %s%s, %s of %s imported", printable(i.Name), i.State, inParentheses(printable(deref(i.FailedReason))),
			number(i.RowsImported), plural(i.RowToImport, "row"))
	}
	if i.RowsInError > 0 {
		text += fmt.Sprintf(", %s in error", number(i.RowsInError))
	}
	if _, err := fmt.Fprintf(out, "%s · %s\n", text, took(after)); err != nil {
		return err
	}
	reading, err := r.client.getReading(ctx, i.ID)
	if err != nil {
		return err
	}
	if reading.Corrects != nil {
		if _, err := fmt.Fprintf(out, "It corrects import %s.\n", *reading.Corrects); err != nil {
			return err
		}
	}
	if i.RowsInError > 0 {
		if err := r.printReasons(ctx, i); err != nil {
			return err
		}
	}
	here := r.sameServerFlags()
	next := newTable(out, false, "", "")
	next.indent = "  "
	if i.RowsInError > 0 {
		stem := strings.TrimSuffix(i.File.Name, filepath.Ext(i.File.Name))
		next.row("All errors", "importledger errors "+i.ID+here)
		next.row("To mend and import again", "importledger errors "+i.ID+here+" --csv > "+shellWord(stem+"-errors.csv"))
	}
	if i.State == events.Failed || i.State == events.Canceled {
		next.row("What happened", "importledger history "+i.ID+here)
	}
	if len(next.rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(out); err != nil {
		return err
	}
	return next.flush()
}

func (r *importRun) printReasons(ctx context.Context, i importObject) error {
	reasons, err := r.client.errorGroups(ctx, i.ID)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(r.term.out, "\nMost frequent errors:\n"); err != nil {
		return err
	}
	t := newTable(r.term.out, r.term.outColor, "", "", "", "").numbers(0)
	t.indent = "  "
	for _, reason := range reasons[:min(topReasons, len(reasons))] {
		t.row(number(reason.Count)+" ×", reason.Column, reason.Code, reason.Message)
	}
	return t.flush()
}

// sameServerFlags repeats the flags that named the server or the data directory,
// so that a printed command works as it stands.
func (p *program) sameServerFlags() string {
	flags := ""
	for _, v := range p.settings.inForce {
		if v.from == fromFlag && (v.setting.key == "server" || v.setting.key == "data") {
			flags += " --" + v.setting.key + " " + shellWord(v.value)
		}
	}
	return flags
}
