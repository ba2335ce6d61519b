package aggregate_test

import (
	"errors"
	"fmt"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

var raceNames = []string{"Fair", "Spring", "Guests"}

// Whatever processes do to segments at the same time and wherever they die: no two
// segments have one name at any moment, what was answered is so, and no name is
// lost.
func TestProcessesThatRaceNeverGiveOneNameToTwoSegments(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := &streams{recorded: map[string][]events.Recorded{}}
		ids := []string{"a", "b"}
		for i, id := range ids {
			segment(t, l, id, commands.CreateSegment{Name: raceNames[i]})
		}
		var processes []func(aggregate.Streams) error
		for n := range rapid.IntRange(2, 4).Draw(r, "processes") {
			ids = append(ids, fmt.Sprint("new", n))
			processes = append(processes, anySegmentWork(r, ids[len(ids)-1]))
		}
		errs := runRace(r, l, func() { namesAreUnique(r, l, ids) }, processes...)
		for _, err := range errs {
			if err != nil && !errors.Is(err, errDied) {
				r.Fatal(err)
			}
		}
		for _, name := range raceNames {
			nameIsNotLost(r, l, ids, name)
		}
	})
}

// anySegmentWork is what one process asks for, one after the other. A refusal is an
// answer; what was answered otherwise must be so.
func anySegmentWork(r *rapid.T, fresh string) func(aggregate.Streams) error {
	type ask struct {
		id string
		c  commands.Command
	}
	var asks []ask
	for range rapid.IntRange(1, 3).Draw(r, "asks") {
		name := rapid.SampledFrom(raceNames).Draw(r, "name")
		description := rapid.SampledFrom([]*string{nil, pointer("x")}).Draw(r, "description")
		asks = append(asks, rapid.SampledFrom([]ask{
			{fresh, commands.CreateSegment{Name: name}},
			{"a", commands.ChangeSegment{Name: &name, Description: description}}, {"b", commands.ChangeSegment{Name: &name}}, {fresh, commands.ChangeSegment{Name: &name}},
			{"a", commands.RemoveSegment{}}, {"b", commands.AddContacts{Contacts: []uuid.UUID{ann}}},
		}).Draw(r, "ask"))
	}
	return func(l aggregate.Streams) error {
		for _, a := range asks {
			s, err := aggregate.ExecuteSegment(background, l, a.id, meta, a.c)
			var refusal *commands.Refusal
			switch c := a.c.(type) {
			case commands.CreateSegment:
				if err == nil && (s.Name != c.Name || !s.Exists()) {
					return fmt.Errorf("created %+v, asked for %s", s, c.Name)
				}
			case commands.ChangeSegment:
				if err == nil && s.Name != *c.Name {
					return fmt.Errorf("changed to %+v, asked for %s", s, *c.Name)
				}
			}
			if err != nil && !errors.As(err, &refusal) {
				return err
			}
		}
		return nil
	}
}

func namesAreUnique(r *rapid.T, l *streams, ids []string) map[string]string {
	has := map[string]string{}
	for _, id := range ids {
		s, err := aggregate.LoadSegment(background, l, id)
		if err != nil {
			r.Fatal(err)
		}
		if !s.Exists() {
			continue
		}
		if other := has[s.Name]; other != "" {
			r.Fatalf("segments %s and %s are both named %s", other, id, s.Name)
		}
		has[s.Name] = id
	}
	return has
}

// nameIsNotLost: whoever asks now finds the segment that has the name, or gets it.
func nameIsNotLost(r *rapid.T, l *streams, ids []string, name string) {
	s, ok, err := aggregate.SegmentNamed(background, l, name)
	has := namesAreUnique(r, l, ids)
	if err != nil || ok != (has[name] != "") || ok && s.ID != has[name] {
		r.Fatalf("%s is found as %+v, %v, %v; it is %q's", name, s, ok, err, has[name])
	}
	_, err = aggregate.ExecuteSegment(background, l, "late-"+name, meta, commands.CreateSegment{Name: name})
	if ok && !errors.Is(err, aggregate.ErrSegmentNameTaken) || !ok && err != nil {
		r.Fatalf("%s is had by %q, and asking for it: %v", name, has[name], err)
	}
}
