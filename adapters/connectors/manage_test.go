package connectors

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
)

func TestAConnectorIsMadeChangedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, password := w.connector(t, SFTP)
	if !strings.HasPrefix(c.Username, "web-shop-") || len(password) < 20 || !c.Enabled || !c.HasPassword {
		t.Errorf("made: %+v with %q", c, password)
	}
	kept, err := w.Get(t.Context(), c.ID)
	if err != nil || kept.Template.Header[0] != "E-mail" || kept.Template.Mapping[0].Attribute != "email" || kept.Username != c.Username {
		t.Errorf("kept: %+v, %v", kept, err)
	}
	var row string
	if err := w.deps.DB.QueryRow(t.Context(), "SELECT c::text FROM ledger.connectors c").Scan(&row); err != nil || strings.Contains(row, " "+password) && !strings.Contains(row, "hash of "+password) {
		t.Errorf("the password is kept: %s, %v", row, err)
	}
	name, username := "Shop", "shop.1"
	changed, err := w.Change(t.Context(), c.ID, Change{Name: &name, Username: &username, Template: &aggregate.Template{Header: []string{"Mail"}}})
	if err != nil || changed.Name != name || changed.Username != username || changed.Template.Header[0] != "Mail" || !changed.HasPassword {
		t.Errorf("changed: %+v, %v", changed, err)
	}
	all, err := w.List(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != c.ID {
		t.Errorf("listed: %+v, %v", all, err)
	}
	if err := w.Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"get":      second(w.Get(t.Context(), c.ID)),
		"remove":   w.Remove(t.Context(), c.ID),
		"change":   second(w.Change(t.Context(), c.ID, Change{})),
		"password": second(w.SetPassword(t.Context(), c.ID)),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s of a removed one: %v", what, err)
		}
	}
	// Its username is free again.
	if _, _, err := w.Create(t.Context(), Wish{Name: "B", Protocol: SFTP, Username: username, Template: c.Template}); err != nil {
		t.Error(err)
	}
}

func TestConnectorsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	good := Wish{Name: "B", Protocol: SFTP, Template: c.Template}
	w.deps.ParseKey = func(string) (string, error) { return "", errors.New("No key.") }
	for field, change := range map[string]func(*Wish){
		"name":          func(w *Wish) { w.Name = " " },
		"name ":         func(w *Wish) { w.Name = strings.Repeat("x", 101) },
		"protocol":      func(w *Wish) { w.Protocol = "ftp" },
		"username":      func(w *Wish) { w.Username = "../x" },
		"username ":     func(w *Wish) { w.Username = c.Username },
		"publicKeys":    func(w *Wish) { w.Protocol, w.PublicKeys = FTPS, []string{"x"} },
		"publicKeys[0]": func(w *Wish) { w.PublicKeys = []string{"x"} },
		"publicKeys ":   func(w *Wish) { w.PublicKeys = make([]string, 21) },
	} {
		bad := good
		change(&bad)
		_, _, err := w.Create(t.Context(), bad)
		var refusal *commands.Refusal
		if !errors.As(err, &refusal) || refusal.Details[0].Field != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	bad := good
	bad.Template.Header = nil
	if _, _, err := w.Create(t.Context(), bad); err == nil {
		t.Error("a template that no file could follow is fine")
	}
	all, err := w.List(t.Context())
	if err != nil || len(all) != 1 {
		t.Errorf("refused ones were kept: %+v, %v", all, err)
	}
}

func TestUsernamesAreMadeOfNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Web shop": "web-shop-", "Ünï & Co.": "n-co-", "…": "connector-", strings.Repeat("long ", 20): "long-long-long-long-long-"} {
		got := Username(name, rand.Text())
		if !strings.HasPrefix(got, want) || !username.MatchString(got) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if a, b := Username("a", "SALTYA"), Username("a", "SALTYB"); slices.Equal([]string{a}, []string{b}) {
		t.Errorf("twice %s", a)
	}
}
