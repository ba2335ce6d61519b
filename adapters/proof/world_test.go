package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"importledger/adapters/proof"
	"importledger/events"
)

const importID = "01JDABCDEFGHJKMNPQRSTVWXYZ"

const stream = "import-" + importID

// sourceText is a file with as many rows.
func sourceText(rows int) string {
	var b strings.Builder
	b.WriteString("E-mail;City\n")
	for row := 1; row <= rows; row++ {
		fmt.Fprintf(&b, "c%d@example.org;City %d\n", row, row)
	}
	return b.String()
}

// facts are an import of such a file, every seventh row of it in error.
func facts(rows int) []events.Event {
	text := sourceText(rows)
	sum := sha256.Sum256([]byte(text))
	all := []events.Event{
		events.ImportStarted{Name: "contacts.csv", Type: events.Manual, ImportMode: events.Contacts, KeyIdentifier: events.Email,
			File: events.File{Name: "contacts.csv", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Separator: ";", Encoding: "utf-8", Header: []string{"E-mail", "City"}, Rows: rows}},
		events.ColumnsMapped{Columns: []events.Column{{Header: "E-mail", Attribute: "email"}, {Header: "City", Attribute: "city", Create: true}}},
	}
	rejected := 0
	for row := 1; row <= rows; row++ {
		if row%7 == 0 {
			rejected++
			all = append(all, events.RowRejected{Row: row, Line: row + 1, Errors: []events.RowError{{Column: "E-mail", Code: "email-invalid", Message: "<no> & address"}}})
			continue
		}
		all = append(all, events.RowAccepted{Row: row, Line: row + 1, Contact: events.Contact{NxID: uuid.NewSHA1(uuid.NameSpaceURL, fmt.Append(nil, row)),
			Attributes: json.RawMessage(fmt.Sprintf(`{"email":"c%d@example.org","city":"City %d"}`, row, row))}})
	}
	return append(all, events.ImportCompleted{Accepted: rows - rejected, Rejected: rejected})
}

// recorded chains facts to the stream that the log would have.
func recorded(t testing.TB, facts []events.Event) []events.Recorded {
	t.Helper()
	var all []events.Recorded
	var place events.Place
	for i, fact := range facts {
		if completed, ok := fact.(events.ImportCompleted); ok && completed.Chain.IsZero() {
			completed.Chain = place.Chain
			fact = completed
		}
		encoder := events.NewEncoder(stream, events.Meta{At: 1795500000000 + int64(i), Actor: "01JD8YZZ3V5W7X9Y1Z3A5B7C9D"})
		p, e, err := encoder.Encode(place, fact)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events.Recorded{ID: p.ID, Stream: stream, Revision: place.Revision, Type: p.Type, Data: p.Data, Metadata: p.Metadata})
		place = e.Next()
	}
	return all
}

func each(all []events.Recorded) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// key is the ledger's; thief's is that of somebody else.
var key, thiefs = keyOf(1), keyOf(2)

func keyOf(b byte) proof.Key {
	k, err := proof.NewKey(bytes.Repeat([]byte{b}, proof.SeedBytes))
	if err != nil {
		panic(err)
	}
	return k
}

// exported is the proof of a stream, signed.
func exported(t testing.TB, all []events.Recorded, by proof.Key) []byte {
	t.Helper()
	var out bytes.Buffer
	x := proof.Exporter{Instance: "0f0e0d0c-0b0a-4908-8706-050403020100", Key: by, Program: "test", Now: func() time.Time { return time.UnixMilli(1795500009000) }}
	if err := x.Export(importID, each(all), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// verified reads a proof, held against keys.
func verified(t testing.TB, file []byte, keys ...proof.PublicKey) proof.Report {
	t.Helper()
	report, err := proof.Verify(bytes.NewReader(file), proof.Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	if report.Verified != (report.Fault == nil) {
		t.Errorf("verified is %t, and the fault %+v", report.Verified, report.Fault)
	}
	return report
}

func split(file []byte) [][]byte {
	all := bytes.SplitAfter(file, []byte("\n"))
	return all[:len(all)-1]
}

func join(lines [][]byte) []byte { return bytes.Join(lines, nil) }

// resealed signs lines anew, all but the last.
func resealed(lines [][]byte, seed byte) []byte {
	lines = slices.Clone(lines[:len(lines)-1])
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	sum := sha256.Sum256(join(lines))
	digest := hex.EncodeToString(sum[:])
	signature := ed25519.Sign(private, []byte("importledger audit export 1 "+digest+"\n"))
	seal := fmt.Sprintf(`{"sha256":"%s","key":"%s","signature":"%s"}`+"\n", digest,
		base64.RawURLEncoding.EncodeToString(private.Public().(ed25519.PublicKey)), base64.StdEncoding.EncodeToString(signature))
	return join(append(lines, []byte(seal)))
}

func codes(all []proof.Statement) []string {
	var list []string
	for _, s := range all {
		list = append(list, s.Code)
	}
	return list
}

type unreadable struct{ after io.Reader }

var errDisk = errors.New("the disk is gone")

func (u unreadable) Read(p []byte) (int, error) {
	n, err := u.after.Read(p)
	if errors.Is(err, io.EOF) {
		err = errDisk
	}
	return n, err
}
