package main

import (
	"testing"

	"importledger/projections"
)

// Whoever is asked is told first what is wrong, and what is lost or that nobody knows.
func TestBeforeALogIsAcceptedItIsSaidWhatIsWrong(t *testing.T) {
	t.Parallel()
	one := []projections.Beyond{{ID: "01JD8Z0Q4T9M3W5X7Y9A1B2C3D", Name: "contacts.csv", State: "imported"}}
	found := accepted{Reason: "log-other", Message: "the event log is another one"}
	for name, c := range map[string]struct {
		lost, known []projections.Beyond
		says        string
	}{
		"lost":          {one, one, "01JD8Z0Q4T9M3W5X7Y9A1B2C3D  contacts.csv, imported"},
		"not yet known": {nil, one, "What is lost can be told when the read models are rebuilt."},
		"not known":     {nil, nil, "What is lost cannot be told"},
	} {
		found.Lost, found.known = c.lost, c.known
		for answer, want := range map[string]bool{"y\n": true, "n\n": false} {
			r := newCommandRun(t, nil, answer)
			r.term.asks = true
			if agreed, err := r.agreeTo(t.Context(), found); agreed != want || err != nil {
				t.Errorf("%s: %t, %v", name, agreed, err)
			}
			r.saysOnStderr(t, "log-other: the event log is another one.", c.says, "Go on with this log? [y/n]")
		}
	}
	for says, lost := range map[string][]projections.Beyond{"1 import lost.": one, "0 imports lost.": {}, "what is lost cannot be told.": nil} {
		found.Lost = lost
		r := newCommandRun(t, nil, "")
		if err := r.printAccepted(found, false); err != nil {
			t.Error(err)
		}
		r.saysOnStdout(t, says)
	}
}
