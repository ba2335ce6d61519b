package aggregate_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"

	"github.com/google/uuid"
)

const segmentID = "01JDF3ZKQ8X6M4N9T2V7W5Y1AC"

type segmentScenario struct{ state aggregate.Segment }

func givenSegment(facts ...events.Event) segmentScenario {
	s := aggregate.Segment{ID: segmentID}
	for i, fact := range facts {
		s = aggregate.EvolveSegment(s, events.Envelope{Stream: events.SegmentStream(segmentID), Revision: uint64(i), Meta: events.Meta{Actor: "user-1", At: int64(1000 + i)}, Event: fact})
	}
	return segmentScenario{s}
}

func (s segmentScenario) when(c commands.Command) outcome {
	facts, err := aggregate.DecideSegment(s.state, c)
	return outcome{facts, err}
}

var (
	fair        = events.SegmentCreated{Name: "Fair", Description: "Stand 12"}
	removedFair = []events.Event{fair, events.SegmentRemoved{}}
	ann, bob    = uuid.MustParse("0d6f7f3a-93b5-8e0c-9a4e-54a7f2a1c9d0"), uuid.MustParse("1d6f7f3a-93b5-8e0c-9a4e-54a7f2a1c9d0")
)

func pointer(s string) *string { return &s }

func TestCreateSegment(t *testing.T) {
	create := commands.CreateSegment(fair)
	givenSegment().when(create).then(t, fair)
	givenSegment(fair).when(create).then(t)
	givenSegment(fair).when(commands.CreateSegment{Name: "Other"}).fails(t, aggregate.ErrSegmentExists)
	givenSegment(removedFair...).when(create).fails(t, aggregate.ErrSegmentExists)
	givenSegment().when(commands.CreateSegment{}).detail(t, "missing")
	givenSegment().when(commands.CreateSegment{Name: " \u00a0 "}).detail(t, "blank")
	givenSegment().when(commands.CreateSegment{Name: "a\nb"}).detail(t, "blank")
	givenSegment().when(commands.CreateSegment{Name: strings.Repeat("ä", 256)}).detail(t, "too-long")
	givenSegment().when(commands.CreateSegment{Name: "Fair", Description: strings.Repeat("ä", 301)}).detail(t, "too-long")
	if _, err := aggregate.DecideSegment(aggregate.Segment{}, commands.CreateSegment{Name: strings.Repeat("ä", 255), Description: strings.Repeat("ä", 300)}); err != nil {
		t.Errorf("at the limits: %v", err)
	}
}

func TestChangeSegment(t *testing.T) {
	givenSegment(fair).when(commands.ChangeSegment{Name: pointer("Spring")}).then(t, events.SegmentRenamed{Name: "Spring", Description: "Stand 12"})
	givenSegment(fair).when(commands.ChangeSegment{Description: pointer("")}).then(t, events.SegmentRenamed{Name: "Fair"})
	givenSegment(fair).when(commands.ChangeSegment{Name: pointer("Fair"), Description: pointer("Stand 12")}).then(t)
	givenSegment(fair).when(commands.ChangeSegment{}).then(t)
	givenSegment().when(commands.ChangeSegment{Name: pointer("Spring")}).fails(t, aggregate.ErrSegmentNotFound)
	givenSegment(removedFair...).when(commands.ChangeSegment{Name: pointer("Spring")}).fails(t, aggregate.ErrSegmentNotFound)
	givenSegment(fair).when(commands.ChangeSegment{Name: pointer("")}).detail(t, "missing")
	givenSegment(fair).when(commands.ChangeSegment{Description: pointer(strings.Repeat("x", 301))}).detail(t, "too-long")
}

func TestRemoveSegment(t *testing.T) {
	givenSegment(fair).when(commands.RemoveSegment{}).then(t, events.SegmentRemoved{})
	givenSegment(removedFair...).when(commands.RemoveSegment{}).then(t)
	givenSegment().when(commands.RemoveSegment{}).fails(t, aggregate.ErrSegmentNotFound)
}

func TestContactsOfASegment(t *testing.T) {
	both := []uuid.UUID{ann, bob}
	for _, c := range []struct {
		of   func(...uuid.UUID) commands.Command
		fact func(...uuid.UUID) events.Event
	}{
		{func(ids ...uuid.UUID) commands.Command { return commands.AddContacts{Contacts: ids} },
			func(ids ...uuid.UUID) events.Event { return events.SegmentContactsAdded{Contacts: ids} }},
		{func(ids ...uuid.UUID) commands.Command { return commands.RemoveContacts{Contacts: ids} },
			func(ids ...uuid.UUID) events.Event { return events.SegmentContactsRemoved{Contacts: ids} }},
	} {
		givenSegment(fair).when(c.of(ann, bob, ann)).then(t, c.fact(both...))
		// An import may have been at work in between, so asking again is recorded again.
		givenSegment(fair, c.fact(both...)).when(c.of(both...)).then(t, c.fact(both...))
		givenSegment().when(c.of(ann)).fails(t, aggregate.ErrSegmentNotFound)
		givenSegment(removedFair...).when(c.of(ann)).fails(t, aggregate.ErrSegmentNotFound)
		givenSegment(fair).when(c.of()).detail(t, "count")
		givenSegment(fair).when(c.of(make([]uuid.UUID, commands.MaxContacts+1)...)).detail(t, "count")
	}
}

func TestMostContactsOfACommandFitOneAppend(t *testing.T) {
	all := make([]uuid.UUID, commands.MaxContacts)
	for i := range all {
		all[i] = uuid.New()
	}
	facts, err := aggregate.DecideSegment(givenSegment(fair).state, commands.AddContacts{Contacts: all})
	if err != nil || len(facts) < 2 {
		t.Fatal(len(facts), err)
	}
	bytes, ids := 0, []uuid.UUID(nil)
	for i, fact := range facts {
		p, _, err := events.NewEncoder("segment-x", meta).Encode(events.Place{Revision: uint64(i)}, fact)
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(p.Data) + len(p.Metadata) + 200
		ids = append(ids, fact.(events.SegmentContactsAdded).Contacts...)
	}
	if bytes > 1<<19 || !slices.Equal(ids, all) {
		t.Errorf("%d bytes in %d events, %d contacts", bytes, len(facts), len(ids))
	}
}

func TestASegmentRemembersWhoChangedIt(t *testing.T) {
	s := givenSegment(fair, events.SegmentContactsAdded{Contacts: []uuid.UUID{ann}}, events.SegmentRenamed{Name: "Spring"}, events.SegmentContactsRemoved{}).state
	if s.Name != "Spring" || s.Description != "" || s.CreatedAt != 1000 || s.ModifiedAt != 1002 || s.ModifiedBy != "user-1" || s.Events != 4 {
		t.Errorf("%+v", s)
	}
}

func segment(t *testing.T, l aggregate.Streams, id string, c commands.Command) aggregate.Segment {
	t.Helper()
	s, err := aggregate.ExecuteSegment(t.Context(), l, id, meta, c)
	if err != nil {
		t.Fatalf("%T of %s: %v", c, id, err)
	}
	return s
}

func TestANameIsOneSegmentsAtATime(t *testing.T) {
	l := &streams{recorded: map[string][]events.Recorded{}}
	refused := func(id string, c commands.Command) {
		t.Helper()
		before := len(l.recorded[events.SegmentStream(id)])
		if _, err := aggregate.ExecuteSegment(t.Context(), l, id, meta, c); !errors.Is(err, aggregate.ErrSegmentNameTaken) || len(l.recorded[events.SegmentStream(id)]) != before {
			t.Errorf("%T of %s: %v", c, id, err)
		}
	}
	named := func(name, want string) {
		t.Helper()
		s, ok, err := aggregate.SegmentNamed(t.Context(), l, name)
		if err != nil || ok != (want != "") || ok && s.ID != want {
			t.Errorf("%q is %+v, %v, %v; want %s", name, s, ok, err, want)
		}
	}
	segment(t, l, "a", commands.CreateSegment{Name: "Fair"})
	segment(t, l, "a", commands.CreateSegment{Name: "Fair"}) // again
	refused("b", commands.CreateSegment{Name: "Fair"})
	segment(t, l, "b", commands.CreateSegment{Name: "fair"}) // exactly
	named("Fair", "a")
	named("fair", "b")
	named("FAIR", "")

	refused("b", commands.ChangeSegment{Name: pointer("Fair")})
	segment(t, l, "a", commands.ChangeSegment{Name: pointer("Spring")})
	segment(t, l, "b", commands.ChangeSegment{Name: pointer("Fair")}) // free since
	refused("a", commands.ChangeSegment{Name: pointer("Fair")})
	named("Fair", "b")

	segment(t, l, "b", commands.RemoveSegment{})
	named("Fair", "")
	s := segment(t, l, "a", commands.ChangeSegment{Name: pointer("Fair"), Description: pointer("Back again")})
	if s.Name != "Fair" || s.Description != "Back again" {
		t.Errorf("%+v", s)
	}
	loaded, err := aggregate.LoadSegment(t.Context(), l, "a")
	if err != nil || loaded != s {
		t.Errorf("loaded %+v, %v; want %+v", loaded, err, s)
	}
}

// A process that dies between its claim to a name and the segment's own event
// leaves neither half a segment nor a name that is lost.
func TestWhoeverMeetsAnUnkeptClaimKeepsIt(t *testing.T) {
	for name, meet := range map[string]func(l *streams) error{
		"looking the name up": func(l *streams) error {
			s, ok, err := aggregate.SegmentNamed(t.Context(), l, "Spring")
			if !ok || s.ID != "a" {
				t.Errorf("found %+v, %v", s, ok)
			}
			return err
		},
		"asking for the name": func(l *streams) error {
			_, err := aggregate.ExecuteSegment(t.Context(), l, "b", meta, commands.CreateSegment{Name: "Spring"})
			if !errors.Is(err, aggregate.ErrSegmentNameTaken) {
				return err
			}
			return nil
		},
		"asking again": func(l *streams) error {
			_, err := aggregate.ExecuteSegment(t.Context(), l, "a", meta, commands.ChangeSegment{Name: pointer("Spring")})
			return err
		},
		"asking for another description too": func(l *streams) error {
			_, err := aggregate.ExecuteSegment(t.Context(), l, "a", meta, commands.ChangeSegment{Name: pointer("Spring"), Description: pointer("")})
			return err
		},
	} {
		l := &streams{recorded: map[string][]events.Recorded{}}
		segment(t, l, "a", commands.CreateSegment(fair))
		died := errors.New("died")
		l.before = func(stream string) {
			if stream == events.SegmentStream("a") {
				l.fail = died
			}
		}
		if _, err := aggregate.ExecuteSegment(t.Context(), l, "a", meta, commands.ChangeSegment{Name: pointer("Spring")}); !errors.Is(err, died) {
			t.Fatal(err)
		}
		l.before, l.fail = nil, nil
		if err := meet(l); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s, err := aggregate.LoadSegment(t.Context(), l, "a")
		if err != nil || s.Name != "Spring" || s.Events > 3 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}
