package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"importledger/adapters/eventstore"
	"importledger/events"
	"importledger/projections"
)

// breaking is how one row, or one event, is made one that a table cannot take.
type breaking struct {
	model, table, constraint string
	event                    string
}

// breakings are one for each read model that a file of contacts has an event for.
func breakings(f contactsOf, draw *rand.Rand) []breaking {
	good := 1 + draw.IntN(f.rows-1)
	for good%badEvery == 0 {
		good++
	}
	bad := (1 + draw.IntN(f.bad())) * badEvery
	return []breaking{
		{projections.ContactState, "contacts", fmt.Sprintf("attributes->>'email' <> 'c%d.%d@example.org'", f.generation, good), "RowAccepted"},
		{projections.ErrorReport, "errors", fmt.Sprintf("row <> %d", bad), "RowRejected"},
		{projections.ImportsList, "imports", "state <> 'imported'", "ImportCompleted"},
	}
}

// Fault 7: one event that one read model cannot take. It stops alone, is named
// everywhere, stays stopped across a kill, and goes on when it can.
func TestAnEventThatOneReadModelCannotTakeStopsThatOneAlone(t *testing.T) {
	t.Parallel()
	draw, long := drawFaults(t)
	f := contactsOf{0, 2000}
	all := breakings(f, draw)
	if !long {
		all = all[draw.IntN(len(all)):][:1]
	}
	for _, b := range all {
		t.Run(b.model, func(t *testing.T) { stopsAlone(t, f, b, draw) })
	}
}

func stopsAlone(t *testing.T, f contactsOf, b breaking, draw *rand.Rand) {
	s := newShared(t)
	p, c := s.serve()
	do := database(t, s.databaseURL())
	do(fmt.Sprintf("ALTER TABLE %s.%s ADD CONSTRAINT broken CHECK (%s)", b.model, b.table, b.constraint))
	i, err := f.send(t.Context(), c, f.name())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // and after a kill and a start
		c.stoppedAlone(t, b, i.ID, i.ID)
		p.kill()
		p, c = s.serve()
	}
	c.stoppedAlone(t, b, i.ID, i.ID)
	if err := c.askOf(t.Context(), b.model, "retry"); !isStatus(err, http.StatusConflict) {
		t.Errorf("it cannot be tried again yet: %v", err)
	}
	do(fmt.Sprintf("ALTER TABLE %s.%s DROP CONSTRAINT broken", b.model, b.table))
	if draw.IntN(2) == 0 {
		if err := c.askOf(t.Context(), b.model, "retry"); err != nil {
			t.Error(err)
		}
	} else { // a program that starts tries by itself
		p.kill()
		_, c = s.serve()
	}
	for c.isReady(t.Context()) != nil && t.Context().Err() == nil {
		continue
	}
	f.whole(t, c, i.ID)
	c.verified(t)
}

// An event that cannot be decoded is no other: who has no use for it goes on. Here it
// has no end, since no later version of the program reads it; the import that comes
// after it does not care.
func TestAnEventThatCannotBeDecodedStopsAloneThoseThatItConcerns(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	_, c := s.serve()
	log, err := eventstore.Open(t.Context(), s.of("IMPORTLEDGER_EVENTSTORE_URL"), eventstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	odd := events.Proposed{ID: uuid.New(), Type: "AttributeCreated", Data: []byte(`{"name":`), Metadata: []byte(`{"v":1,"at":1795500000000}`)}
	if _, err := log.Append(t.Context(), events.AttributeStream("odd"), 0, []events.Proposed{odd}); err != nil {
		t.Fatal(err)
	}
	f := contactsOf{0, 500}
	i, err := f.send(t.Context(), c, f.name())
	if err != nil {
		t.Fatal(err)
	}
	c.stoppedAlone(t, breaking{model: projections.ContactState, event: "AttributeCreated"}, i.ID, events.AttributeStream("odd"))
	f.errorsReported(t, c, i.ID)
}

// stoppedAlone waits until an import is worked off, a read model is stopped at an event
// of a stream, and the others are current.
func (c *client) stoppedAlone(t *testing.T, b breaking, importID, stream string) {
	t.Helper()
	for {
		all, err := c.projections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		others := !slices.ContainsFunc(all, func(s projectionStatus) bool {
			return s.Name != b.model && (s.State != "live" || s.Lag != 0 || s.LastError != nil)
		})
		var stopped projectionStatus
		for _, s := range all {
			if s.Name == b.model && s.State == "stopped" {
				stopped = s
			}
		}
		if !others || stopped.Name == "" || stopped.Lag == 0 || !c.worked(t, importID) {
			continue
		}
		if !strings.Contains(*stopped.LastError, b.event) || !strings.Contains(*stopped.LastError, stream) {
			t.Errorf("the event is not named: %s", *stopped.LastError)
		}
		break
	}
	notReady(t, c, b.event)
	var e stoppedEvent
	if _, err := c.get(t.Context(), "/ops/projections/"+b.model+"/event", &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != b.event || !strings.HasSuffix(e.Stream, stream) || e.Data.Encoding != "utf-8" || !strings.HasPrefix(e.Data.Content, "{") || e.Metadata.Size == 0 {
		t.Errorf("the event is shown as %+v", e)
	}
}

// worked tells, by the log, that an import has ended: read models may not know.
func (c *client) worked(t *testing.T, importID string) bool {
	t.Helper()
	var last struct{ Items []struct{ Type string } }
	if _, err := c.get(t.Context(), importPath(importID, "/history?direction=backward&limit=1"), &last); err != nil {
		t.Fatal(err)
	}
	return last.Items[0].Type == "ImportCompleted"
}
