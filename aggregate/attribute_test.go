package aggregate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"

	"pgregory.net/rapid"
)

func whenAttribute(c commands.Command, facts ...events.Event) outcome {
	var a aggregate.Attribute
	for i, fact := range facts {
		a = aggregate.EvolveAttribute(a, events.Envelope{Revision: uint64(i), Event: fact})
	}
	decided, err := aggregate.DecideAttribute(a, c)
	return outcome{decided, err}
}

func TestCreateAttribute(t *testing.T) {
	age := commands.CreateAttribute{Name: "age", Type: events.Number}
	created := events.AttributeCreated(age)
	whenAttribute(age).then(t, created)
	whenAttribute(age, created).then(t)
	forImport := age
	forImport.ImportID = importID
	whenAttribute(forImport, created).then(t)
	whenAttribute(commands.CreateAttribute{Name: "age", Type: events.String}, created).fails(t, aggregate.ErrAttributeExists)

	for name := range map[string]bool{events.Email: true, events.NxID: true, events.CreatedAtNaxai: true} {
		whenAttribute(commands.CreateAttribute{Name: name, Type: events.String}).fails(t, aggregate.ErrAttributeReserved)
	}
	whenAttribute(commands.CreateAttribute{Name: "Email", Type: events.String}).then(t, events.AttributeCreated{Name: "Email", Type: events.String})
	whenAttribute(commands.CreateAttribute{Name: strings.Repeat("ä", 100), Type: events.Boolean}).then(t, events.AttributeCreated{Name: strings.Repeat("ä", 100), Type: events.Boolean})
	for code, c := range map[string]commands.CreateAttribute{
		"missing":      {Type: events.String},
		"blank":        {Name: "a\x00", Type: events.String},
		"too-long":     {Name: strings.Repeat("ä", 101), Type: events.String},
		"type-unknown": {Name: "seen", Type: events.Timestamp},
	} {
		whenAttribute(c).detail(t, code)
	}
	if _, err := aggregate.DecideAttribute(aggregate.Attribute{}, commands.Cancel{}); err == nil {
		t.Error("a command for something else is decided")
	}
}

// Whoever races and dies: an attribute has one type for ever, and who was not
// refused asked for that one.
func TestAnAttributeHasTheTypeOfWhoeverCameFirst(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := &streams{recorded: map[string][]events.Recorded{}}
		names := []string{"age", "Age"}
		types := map[string]events.AttributeType{}
		var processes []func(aggregate.Streams) error
		for n := range rapid.IntRange(2, 5).Draw(r, "processes") {
			c := commands.CreateAttribute{Name: rapid.SampledFrom(names).Draw(r, "name"), ImportID: fmt.Sprint(n % 3),
				Type: rapid.SampledFrom([]events.AttributeType{events.String, events.Number, events.Boolean}).Draw(r, "type")}
			processes = append(processes, func(l aggregate.Streams) error {
				a, err := aggregate.ExecuteAttribute(background, l, meta, c)
				if errors.Is(err, aggregate.ErrAttributeExists) && a.Type != c.Type && a.Exists() {
					return nil
				}
				if err == nil && (a.Type != c.Type || a.Name != c.Name) {
					return fmt.Errorf("asked for %+v, got %+v", c, a)
				}
				return err
			})
		}
		check := func() {
			for _, name := range names {
				a, err := aggregate.LoadAttribute(background, l, name)
				if err != nil || len(l.recorded[events.AttributeStream(name)]) > 1 || types[name] != "" && a.Type != types[name] {
					r.Fatalf("%s was %s, is %+v, %v", name, types[name], a, err)
				}
				types[name] = a.Type
			}
		}
		for _, err := range runRace(r, l, check, processes...) {
			if err != nil && !errors.Is(err, errDied) {
				r.Fatal(err)
			}
		}
	})
}
