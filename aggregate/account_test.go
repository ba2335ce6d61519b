package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"

	"pgregory.net/rapid"
)

var background = context.Background()

func givenAccount(facts ...events.Event) aggregate.Account {
	var a aggregate.Account
	for i, fact := range facts {
		a = aggregate.EvolveAccount(a, events.Envelope{Stream: events.AccountStream, Revision: uint64(i), Event: fact})
	}
	return a
}

func whenAccount(a aggregate.Account, c commands.Command) outcome {
	facts, err := aggregate.DecideAccount(a, c)
	return outcome{facts, err}
}

func TestSetKeyIdentifierByTheRules(t *testing.T) {
	set := events.KeyIdentifierSet{Identifier: events.Email}
	phone := commands.SetKeyIdentifier{Identifier: events.Phone}
	whenAccount(givenAccount(), phone).then(t, events.KeyIdentifierSet{Identifier: events.Phone})
	whenAccount(givenAccount(set), phone).then(t, events.KeyIdentifierSet{Identifier: events.Phone})
	whenAccount(givenAccount(set), commands.SetKeyIdentifier{Identifier: events.Email, Contacts: true, Running: "x"}).then(t)
	whenAccount(givenAccount(set), commands.SetKeyIdentifier{Identifier: events.Phone, Contacts: true}).fails(t, aggregate.ErrContactsExist)
	whenAccount(givenAccount(set), commands.SetKeyIdentifier{Identifier: events.Phone, Running: "x"}).fails(t, aggregate.ErrImportRunning)
	whenAccount(givenAccount(set), commands.SetKeyIdentifier{Identifier: "name"}).detail(t, "unknown")
}

func TestUseKeyIdentifierByTheRules(t *testing.T) {
	set, used := events.KeyIdentifierSet{Identifier: events.Email}, events.KeyIdentifierUsed{ImportID: "x"}
	use := commands.UseKeyIdentifier{Identifier: events.Email, ImportID: "x"}
	whenAccount(givenAccount(set), use).then(t, used)
	whenAccount(givenAccount(set, used), use).then(t)
	whenAccount(givenAccount(set, used, events.KeyIdentifierSet{Identifier: events.Phone}), use).fails(t, aggregate.ErrKeyIdentifierChanged)
	whenAccount(givenAccount(), use).then(t, set, used)
}

// begun makes an import that is about to decide its rows.
func begun(t testing.TB, l aggregate.Streams, id, keyIdentifier string) {
	t.Helper()
	c := start
	c.KeyIdentifier = keyIdentifier
	m := commands.MapColumns{Attributes: events.Reserved, Mapping: []commands.Column{{Header: "E-mail", Attribute: keyIdentifier}}}
	if _, err := aggregate.Execute(background, l, id, meta, c, m); err != nil {
		t.Fatal(err)
	}
}

func TestTheKeyIdentifierIsFixedByTheFirstContactOnly(t *testing.T) {
	l := &streams{recorded: map[string][]events.Recorded{}}
	set := func(to string, want error) {
		t.Helper()
		if a, err := aggregate.SetKeyIdentifier(t.Context(), l, meta, to); !errors.Is(err, want) || err == nil && a.KeyIdentifier != to {
			t.Errorf("set to %s: %+v, %v; want %v", to, a, err, want)
		}
	}
	use := func(id string, want error) {
		t.Helper()
		imp, err := aggregate.Load(t.Context(), l, id)
		if err == nil {
			err = aggregate.UseKeyIdentifier(t.Context(), l, meta, imp)
		}
		if !errors.Is(err, want) {
			t.Errorf("use by %s: %v, want %v", id, err, want)
		}
	}
	do := func(id string, c commands.Command) {
		t.Helper()
		if _, err := aggregate.Execute(t.Context(), l, id, meta, c); err != nil {
			t.Fatal(err)
		}
	}
	for _, initial := range []string{events.Email, events.Phone} { // the second start changes nothing
		if a, err := aggregate.SetUpAccount(t.Context(), l, meta, initial); err != nil || a.KeyIdentifier != events.Email {
			t.Fatal(a, err)
		}
	}
	begun(t, l, "a", events.Email)
	begun(t, l, "b", events.Email)
	use("a", nil)
	set(events.Phone, aggregate.ErrImportRunning)
	do("a", commands.RowRejected(rejected(1)))
	set(events.Phone, aggregate.ErrImportRunning)
	do("a", commands.Cancel{})
	set(events.Phone, nil) // it made no contact
	set(events.Phone, nil)
	use("b", aggregate.ErrKeyIdentifierChanged)
	begun(t, l, "c", events.Phone)
	use("c", nil)
	do("c", commands.RowAccepted(accepted(1)))
	do("c", commands.Cancel{})
	set(events.Email, aggregate.ErrContactsExist)
	set(events.Phone, nil)

	before := len(l.recorded[events.AccountStream])
	begun(t, l, "d", events.Phone)
	use("d", nil)
	if after := len(l.recorded[events.AccountStream]); after != before {
		t.Errorf("an import is noted although contacts exist")
	}
	use("b", aggregate.ErrKeyIdentifierChanged)
}

// Whoever races and dies: contacts are all made by one key identifier, the
// account's.
func TestAChangedKeyIdentifierAndARunningImportNeverMeet(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := &streams{recorded: map[string][]events.Recorded{}}
		if _, err := aggregate.SetUpAccount(background, l, meta, events.Email); err != nil {
			r.Fatal(err)
		}
		keys := map[string]string{}
		var processes []func(aggregate.Streams) error
		for n := range rapid.IntRange(1, 3).Draw(r, "imports") {
			id := fmt.Sprint("import", n)
			keys[id] = rapid.SampledFrom(events.KeyIdentifiers).Draw(r, "key")
			begun(t, l, id, keys[id])
			for range rapid.IntRange(1, 2).Draw(r, "workers") {
				processes = append(processes, anyWorker(r, id))
			}
		}
		for range rapid.IntRange(1, 3).Draw(r, "setters") {
			to := rapid.SampledFrom(events.KeyIdentifiers).Draw(r, "to")
			processes = append(processes, func(l aggregate.Streams) error {
				a, err := aggregate.SetKeyIdentifier(background, l, meta, to)
				if err == nil && a.KeyIdentifier != to {
					return fmt.Errorf("set to %s: %+v", to, a)
				}
				return err
			})
		}
		check := func() {
			account, err := aggregate.LoadAccount(background, l)
			for id, key := range keys {
				imp, failed := aggregate.Load(background, l, id)
				if err = errors.Join(err, failed); err != nil {
					r.Fatal(err)
				}
				if imp.Accepted > 0 && key != account.KeyIdentifier {
					r.Fatalf("import %s has contacts by %s, the account is at %s", id, key, account.KeyIdentifier)
				}
			}
		}
		for _, err := range runRace(r, l, check, processes...) {
			var refusal *commands.Refusal
			if err != nil && !errors.Is(err, errDied) && !errors.As(err, &refusal) {
				r.Fatal(err)
			}
		}
	})
}

// anyWorker works an import off as the worker does; its rows may all be bad.
func anyWorker(r *rapid.T, id string) func(aggregate.Streams) error {
	good := rapid.Bool().Draw(r, "good rows")
	return func(l aggregate.Streams) error {
		imp, err := aggregate.Load(background, l, id)
		if err != nil || imp.State != events.Importing {
			return err
		}
		if err := aggregate.UseKeyIdentifier(background, l, meta, imp); err != nil {
			return err
		}
		for imp.RowsMissing() > 0 && imp.State == events.Importing {
			var c commands.Command = commands.RowRejected(rejected(imp.NextRow()))
			if good {
				c = commands.RowAccepted(accepted(imp.NextRow()))
			}
			var order *aggregate.RowOutOfOrder
			if imp, err = aggregate.Execute(background, l, id, meta, c); err != nil && !errors.As(err, &order) {
				return err
			}
		}
		_, err = aggregate.Execute(background, l, id, meta, commands.Complete{})
		return err
	}
}

func TestAnImportThatIsInTheWayIsNamed(t *testing.T) {
	o := whenAccount(givenAccount(events.KeyIdentifierSet{Identifier: events.Email}), commands.SetKeyIdentifier{Identifier: events.Phone, Running: "import-7"})
	if o.err == nil || !strings.Contains(o.err.Error(), "import-7") {
		t.Error(o.err)
	}
}
