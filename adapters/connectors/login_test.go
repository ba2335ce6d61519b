package connectors

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func (w *world) try(t *testing.T, username, password string) error {
	t.Helper()
	_, err := w.Password(t.Context(), SFTP, username, here, password)
	return err
}

func TestOnlyTheRightPasswordComesIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, password := w.connector(t, SFTP)
	if id, err := w.Password(t.Context(), SFTP, c.Username, here, password); err != nil || id != c.ID {
		t.Fatalf("%s, %v", id, err)
	}
	for what, err := range map[string]error{
		"wrong":            w.try(t, c.Username, "wrong"),
		"empty":            w.try(t, c.Username, ""),
		"unknown username": w.try(t, "nobody", password),
		"odd username":     w.try(t, "\x00\xff' OR 1=1", password),
		"another protocol": second(w.Password(t.Context(), FTPS, c.Username, here, password)),
	} {
		if !errors.Is(err, errNotAllowed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	newer, err := w.SetPassword(t.Context(), c.ID)
	if err != nil || newer == password {
		t.Fatal(newer, err)
	}
	if w.try(t, c.Username, password) == nil || w.try(t, c.Username, newer) != nil {
		t.Error("the old password still works, or the new one does not")
	}
	if _, err := w.Change(t.Context(), c.ID, Change{Enabled: new(bool)}); err != nil {
		t.Fatal(err)
	}
	if err := w.try(t, c.Username, newer); !errors.Is(err, errNotAllowed) {
		t.Errorf("disabled: %v", err)
	}
}

func TestWrongPasswordsCostTimeThenABan(t *testing.T) {
	t.Parallel()
	for _, username := range []string{"known", "unknown"} {
		w := newWorld(t)
		c, password := w.connector(t, SFTP)
		if username == "known" {
			username = c.Username
		}
		for range bannedAt {
			if err := w.try(t, username, "wrong"); !errors.Is(err, errNotAllowed) {
				t.Fatal(err)
			}
		}
		s := time.Second
		if want := []time.Duration{0, 0, s, 2 * s, 4 * s, 8 * s, 8 * s, 8 * s, 8 * s, 8 * s}; !slices.Equal(w.delays, want) {
			t.Errorf("%s: delays %v, want %v", username, w.delays, want)
		}
		if err := w.try(t, username, password); !errors.Is(err, errManyRefused) {
			t.Errorf("%s: after the last one: %v", username, err)
		}
		// Somebody else is not kept out by that.
		if _, err := w.Password(t.Context(), SFTP, c.Username, netip.MustParseAddr("198.51.100.1"), password); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		w.now = w.now.Add(firstBan)
		if err := w.try(t, username, password); (err == nil) != (username == c.Username) {
			t.Errorf("%s: after the ban: %v", username, err)
		}
	}
}

func TestAnAddressThatTriesManyUsernamesIsBanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, password := w.connector(t, SFTP)
	for i := range addressBannedAt {
		if err := w.try(t, strings.Repeat("x", i+1), "wrong"); !errors.Is(err, errNotAllowed) {
			t.Fatal(err)
		}
	}
	if err := w.try(t, c.Username, password); !errors.Is(err, errManyRefused) {
		t.Errorf("%v", err)
	}
}

func TestBansGrowAndEnd(t *testing.T) {
	t.Parallel()
	if banAfter(0) != firstBan || banAfter(1) != 2*firstBan || banAfter(1000) != longestBan || delayAfter(1000) != longestDelay {
		t.Error(banAfter(0), banAfter(1), banAfter(1000), delayAfter(1000))
	}
}

func TestManyTriesAtOnceWaitForEachOther(t *testing.T) {
	t.Parallel()
	turns := newTurns()
	var running sync.WaitGroup
	inside, most := 0, 0
	var mu sync.Mutex
	for range 50 {
		running.Go(func() {
			done, err := turns.begin(t.Context(), "a")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			mu.Lock()
			inside--
			mu.Unlock()
			done()
		})
	}
	running.Wait()
	if most != 1 || len(turns.taken) != 0 {
		t.Errorf("%d at once, %d left", most, len(turns.taken))
	}
	done, err := turns.begin(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.begin(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("whoever leaves still waits: %v", err)
	}
}

func TestAKeyOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, err := w.withKey(t, "ssh-ed25519 AAAA mine")
	if err != nil {
		t.Fatal(err)
	}
	other, err := w.withKey(t, "ssh-ed25519 BBBB")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := w.Key(t.Context(), SFTP, mine.Username, "ssh-ed25519 AAAA"); err != nil || id != mine.ID {
		t.Errorf("%s, %v", id, err)
	}
	for what, err := range map[string]error{
		"another's key": second(w.Key(t.Context(), SFTP, mine.Username, "ssh-ed25519 BBBB")),
		"my key there":  second(w.Key(t.Context(), SFTP, other.Username, "ssh-ed25519 AAAA")),
		"another kind":  second(w.Key(t.Context(), SFTP, mine.Username, "ssh-rsa AAAA")),
		"no key":        second(w.Key(t.Context(), SFTP, mine.Username, "")),
		"no such user":  second(w.Key(t.Context(), SFTP, "nobody", "ssh-ed25519 AAAA")),
	} {
		if !errors.Is(err, errNotAllowed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := w.try(t, mine.Username, ""); !errors.Is(err, errNotAllowed) {
		t.Errorf("no password: %v", err)
	}
}

func (w *world) withKey(t *testing.T, key string) (Connector, error) {
	t.Helper()
	c, _ := w.connector(t, SFTP)
	return w.Change(t.Context(), c.ID, Change{PublicKeys: &[]string{key}})
}

func TestASessionIsCutWhenItsConnectorMayNotComeInAnyMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	no, yes := false, true
	for what, change := range map[string]func(id string) error{
		"disabled": func(id string) error { return second(w.Change(t.Context(), id, Change{Enabled: &no})) },
		"off and on again": func(id string) error {
			return errors.Join(second(w.Change(t.Context(), id, Change{Enabled: &no})), second(w.Change(t.Context(), id, Change{Enabled: &yes})))
		},
		"removed":          func(id string) error { return w.Remove(t.Context(), id) },
		"another password": func(id string) error { return second(w.SetPassword(t.Context(), id)) },
		"another key": func(id string) error {
			return second(w.Change(t.Context(), id, Change{PublicKeys: &[]string{"ssh-ed25519 AAAA"}}))
		},
		"nothing of the kind": func(id string) error { name := "Other"; return second(w.Change(t.Context(), id, Change{Name: &name})) },
	} {
		c, _ := w.connector(t, SFTP)
		cut := false
		s, err := w.Enter(t.Context(), c.ID, here, "password", func() { cut = true })
		if err != nil {
			t.Fatal(err)
		}
		if err := change(c.ID); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := w.cutSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if cut != (what != "nothing of the kind") {
			t.Errorf("%s: cut is %v", what, cut)
		}
		s.Leave()
	}
}

func TestTheGateKeepsItsSize(t *testing.T) {
	t.Parallel()
	g := NewGate(3, time.Hour)
	var clients []net.Conn
	var done []func()
	for range 10 {
		server, client := net.Pipe()
		clients = append(clients, client)
		done = append(done, g.Begin(server))
	}
	for i, client := range clients[:7] {
		if _, err := client.Write([]byte("x")); err == nil {
			t.Errorf("client %d still applies", i)
		}
	}
	done[9]()
	done[9]()
	if g.waiting.Len() != 2 {
		t.Errorf("%d apply", g.waiting.Len())
	}
	for _, d := range done {
		d()
	}
	if g.waiting.Len() != 0 {
		t.Errorf("%d apply", g.waiting.Len())
	}
	slow := NewGate(3, time.Millisecond)
	server, client := net.Pipe()
	slow.Begin(server)
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("whoever takes too long may stay")
	}
}

func TestLikeRefusalsAreOneEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	for range 4 {
		_ = w.try(t, c.Username, "wrong") // refused, which the list shows
	}
	if err := w.Refused(t.Context(), SFTP, c.Username, here, "key-unknown"); err != nil {
		t.Fatal(err)
	}
	if got := w.actions(t, c.ID); !slices.Equal(got, []string{"login-refused password-wrong ×4", "login-refused key-unknown"}) {
		t.Errorf("activity: %v", got)
	}
	all, total, err := w.Activity(t.Context(), c.ID, 1, 1)
	if err != nil || total != 2 || len(all) != 1 || all[0].Network != "192.0.2.0/24" {
		t.Errorf("%+v, %d, %v", all, total, err)
	}
	w.now = w.now.Add(activityKept + time.Hour)
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.actions(t, c.ID); len(got) != 0 {
		t.Errorf("old activity: %v", got)
	}
}
