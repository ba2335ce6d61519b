// Package prooftest makes single changes to proofs, for tests that they are found. It
// knows the form of the file from its description and not from the code it tests.
package prooftest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"importledger/adapters/proof"
)

// Change is a proof that somebody changed, and what is to be found.
type Change struct {
	What     string
	File     []byte
	Codes    []string // one of these
	Revision int      // of the first event that is not in its place; -1: no event was changed
	Exact    bool     // the change is to an event, so that the chain shows it whatever is signed
}

// event is a line of one.
type event struct {
	Revision int    `json:"revision"`
	Type     string `json:"type"`
	ID       string `json:"id"`
	Data     []byte `json:"data"`
	Metadata []byte `json:"metadata"`
}

// editor changes one proof.
type editor struct {
	r     *rand.Rand
	lines [][]byte // header, events, count, signature
}

// Any makes a change that is drawn by r.
func Any(r *rand.Rand, file []byte) Change {
	lines := bytes.SplitAfter(file, []byte("\n"))
	e := &editor{r: r, lines: slices.Clone(lines[:len(lines)-1])}
	kinds := []func() Change{e.data, e.metadata, e.raw, e.drop, e.insert, e.repeat, e.swap, e.move, e.member, e.member, e.truncate}
	return kinds[r.IntN(len(kinds))]()
}

// events is how many there are.
func (e *editor) events() int { return len(e.lines) - 3 }

func (e *editor) any() int { return e.r.IntN(e.events()) }

func (e *editor) read(revision int) (is event) {
	if err := json.Unmarshal(e.lines[1+revision], &is); err != nil {
		panic(err)
	}
	return is
}

func line(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (e *editor) write(revision int, is event) { e.lines[1+revision] = line(is) }

// file is what became of it.
func (e *editor) file(what string, revision int, codes ...string) Change {
	return Change{What: fmt.Sprintf("%s, event %d", what, revision), File: bytes.Join(e.lines, nil), Codes: codes, Revision: revision, Exact: true}
}

// moved is the same; in half of all cases whoever moved events gave them the revisions
// of their new places.
func (e *editor) moved(what string, revision int, codes ...string) Change {
	if e.r.IntN(2) == 0 {
		what += ", renumbered"
		for i := range e.events() {
			is := e.read(i)
			is.Revision = i
			e.write(i, is)
		}
	}
	return e.file(what, revision, codes...)
}

func (e *editor) flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[e.r.IntN(len(b))] ^= 1 << e.r.IntN(8)
	return b
}

func (e *editor) data() Change {
	at := e.any()
	is := e.read(at)
	is.Data = e.flipped(is.Data)
	e.write(at, is)
	return e.file("a bit of the data", at, proof.EventChanged)
}

func (e *editor) metadata() Change {
	at := e.any()
	is := e.read(at)
	is.Metadata = e.flipped(is.Metadata)
	e.write(at, is)
	return e.file("a bit of the metadata", at, proof.EventChanged)
}

func (e *editor) raw() Change {
	at := e.any()
	e.lines[1+at] = e.flipped(e.lines[1+at])
	return e.file("a bit of the line", at, proof.EventChanged)
}

func (e *editor) drop() Change {
	at := e.any()
	e.lines = slices.Delete(e.lines, 1+at, 2+at)
	return e.moved("dropped", at, proof.EventMissing)
}

func (e *editor) insert() Change {
	at, from := e.r.IntN(e.events()+1), e.any()
	is := e.read(from)
	if e.r.IntN(2) == 0 {
		is.Data = []byte(`{"made":"up"}`)
	}
	is.Revision = at
	e.lines = slices.Insert(e.lines, 1+at, line(is))
	if at == from && !bytes.Contains(is.Data, []byte("made")) {
		return e.moved("inserted (a copy of what comes)", at+1, proof.EventInserted)
	}
	return e.moved("inserted", at, proof.EventInserted)
}

func (e *editor) repeat() Change {
	at := e.any()
	e.lines = slices.Insert(e.lines, 2+at, e.lines[1+at])
	return e.moved("repeated", at+1, proof.EventInserted)
}

func (e *editor) swap() Change {
	a := e.r.IntN(e.events() - 1)
	b := a + 1 + e.r.IntN(e.events()-a-1)
	e.lines[1+a], e.lines[1+b] = e.lines[1+b], e.lines[1+a]
	return e.moved(fmt.Sprintf("swapped with %d", b), a, proof.EventMoved)
}

func (e *editor) move() Change {
	from, to := e.any(), e.any()
	if from == to {
		return e.swap()
	}
	moved := e.lines[1+from]
	e.lines = slices.Insert(slices.Delete(e.lines, 1+from, 2+from), 1+to, moved)
	return e.moved(fmt.Sprintf("moved from %d to %d", from, to), min(from, to), proof.EventMoved)
}

// member changes something that is said about the events.
func (e *editor) member() Change {
	last := len(e.lines) - 1
	digit := func(in int, member string) {
		_, rest, _ := strings.Cut(string(e.lines[in]), `"`+member+`":`)
		old := rest[:strings.IndexAny(rest, ",}")]
		e.lines[in] = []byte(strings.Replace(string(e.lines[in]), `"`+member+`":`+old, `"`+member+`":1`+old, 1))
	}
	letter := func(in int, member string) {
		head, rest, _ := strings.Cut(string(e.lines[in]), `"`+member+`":"`)
		other := "0"
		if rest[0] == '0' {
			other = "1"
		}
		e.lines[in] = []byte(head + `"` + member + `":"` + other + rest[1:])
	}
	member := []string{"import", "size", "sha256", "exportedAt", "instance", "events", "rows", "accepted", "rejected", "chain", "state", "digest", "key", "signature"}[e.r.IntN(14)]
	c := Change{What: "the member " + member, Revision: -1}
	switch member {
	case "import", "sha256":
		letter(0, member)
		c.Codes = []string{proof.HeaderDiffers}
	case "size":
		digit(0, member)
		c.Codes = []string{proof.HeaderDiffers}
	case "exportedAt":
		digit(0, member)
		c.Codes = []string{proof.SignatureInvalid}
	case "instance":
		letter(0, member)
		c.Codes = []string{proof.SignatureInvalid}
	case "events", "rows", "accepted", "rejected":
		digit(last-1, member)
		c.Codes = []string{proof.CountsDiffer}
	case "chain", "state":
		letter(last-1, member)
		c.Codes = []string{proof.CountsDiffer}
	case "digest":
		letter(last, "sha256")
		c.Codes = []string{proof.SignatureInvalid}
	default:
		letter(last, member)
		c.Codes = []string{proof.SignatureInvalid}
	}
	c.File = bytes.Join(e.lines, nil)
	return c
}

func (e *editor) truncate() Change {
	whole := bytes.Join(e.lines, nil)
	cut := len(e.lines[0]) + 1 + e.r.IntN(len(whole)-len(e.lines[0])-1)
	c := Change{What: fmt.Sprintf("cut off after %d bytes", cut), File: whole[:cut], Codes: []string{proof.Truncated}, Revision: -1}
	left := cut
	for i, l := range e.lines {
		if left < len(l) {
			if i <= e.events()+1 {
				c.Revision = i - 1
			}
			break
		}
		left -= len(l)
	}
	return c
}
