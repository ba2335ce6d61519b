package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"importledger/adapters/proof"
	"importledger/events"
)

// forged is a proof of made-up facts about a file, chained and signed without a flaw by
// somebody's own key.
func forged(t *testing.T, facts ...events.Event) []byte {
	t.Helper()
	const id = "01JDABCDEFGHJKMNPQRSTVWXYZ"
	key, err := proof.NewKey(bytes.Repeat([]byte{7}, proof.SeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	stream := events.ImportStream(id)
	encoder := events.NewEncoder(stream, events.Meta{At: 1795500000000})
	var place events.Place
	var all []events.Recorded
	for _, fact := range facts {
		p, e, err := encoder.Encode(place, fact)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events.Recorded{ID: p.ID, Stream: stream, Revision: place.Revision, Type: p.Type, Data: p.Data, Metadata: p.Metadata})
		place = e.Next()
	}
	var out bytes.Buffer
	x := proof.Exporter{Instance: "0f0e0d0c-0b0a-4908-8706-050403020100", Key: key, Program: "test", Now: time.Now}
	each := func(yield func(events.Recorded, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
	if err := x.Export(id, each, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Whatever made-up events say about a file, reading it so ends in a verdict.
func TestAFileIsCountedAsMadeUpEventsSay(t *testing.T) {
	t.Parallel()
	const text = "E-mail\nann@example.org\nbob@example.org\n"
	sum := sha256.Sum256([]byte(text))
	right := events.File{Name: "a.csv", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Separator: ",", Encoding: "utf-8", Header: []string{"E-mail"}, Rows: 2}
	with := func(change func(*events.File)) events.File {
		f := right
		change(&f)
		return f
	}
	for name, c := range map[string]struct {
		file events.File
		code string // empty: nothing is wrong
	}{
		"as it is":            {right, ""},
		"no separator":        {with(func(f *events.File) { f.Separator = "" }), proof.RowsUnaccounted},
		"another separator":   {with(func(f *events.File) { f.Separator = "|" }), proof.RowsUnaccounted},
		"too few rows":        {with(func(f *events.File) { f.Rows = 1 }), proof.RowsUnaccounted},
		"too many rows":       {with(func(f *events.File) { f.Rows = 3 }), proof.RowsUnaccounted},
		"no such encoding":    {with(func(f *events.File) { f.Encoding = "ebcdic" }), proof.RowsUnaccounted},
		"error columns alone": {with(func(f *events.File) { f.Correction = true }), proof.RowsUnaccounted},
		"limits below zero":   {with(func(f *events.File) { f.MaxField, f.MaxRecord = -1, -1 }), proof.RowsUnaccounted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			export := forged(t, events.ImportStarted{Name: "a", Type: events.Manual, ImportMode: events.Contacts, KeyIdentifier: events.Email, File: c.file})
			report := verifyExport(t, export, proof.Options{CountRows: countRows, Source: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
			code := ""
			if report.Fault != nil {
				code = report.Fault.Code
			}
			if code != c.code || slices.ContainsFunc(report.Proved, func(s proof.Statement) bool { return s.Code == "source-rows" }) != (c.code == "") {
				t.Errorf("fault %+v, proves %v", report.Fault, report.Proved)
			}
		})
	}
}
