package doorstest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"importledger/adapters/connectors"
	"importledger/commands"
)

// Client is what a client of any door can do.
type Client interface {
	Put(path string, content []byte) error
	// Break sends the beginning of a file, then the connection goes as when a line is
	// cut or a program killed.
	Break(path string, content []byte) error
	Get(path string) ([]byte, error)
	List(folder string) ([]string, error)
	Rename(from, to string) error
	Remove(path string) error
	MakeFolder(path string) error
	Close() error
}

// Door is one to be tested.
type Door struct {
	Protocol string
	// DB is a fresh database that has schema ledger.
	DB func(t *testing.T) connectors.DB
	// Open serves the world until the test ends, and tells where.
	Open func(t *testing.T, w *World) (address string)
	Dial func(address, username, password string) (Client, error)
}

// Run runs the suite.
func Run(t *testing.T, d Door) {
	for name, test := range map[string]func(*testing.T, Door){
		"FilesComeInAndAreShown":                     filesComeIn,
		"WhatBreaksOffLeavesNothing":                 breaksOff,
		"TemporaryNamesWait":                         temporaryNames,
		"NoPathLeavesTheTree":                        hostilePaths,
		"WhoMayNotComeInIsRefused":                   refused,
		"ADisabledConnectorIsCut":                    cut,
		"AFileThatIsTooLargeIsAnImportThatFailed":    tooLarge,
		"WhoeverHoldsTheDoorOpenKeepsNobodyElseOut":  stalled,
		"AClosedDoorLeavesNothingRunning":            closed,
		"SeveralClientsAtOnceEachHaveTheirOwnFolder": several,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// opened is a door with a connector behind it.
func (d Door) opened(t *testing.T) (w *World, address, username, password string) {
	t.Helper()
	w = NewWorld(t, d.DB(t))
	c, password := w.Connector(t, d.Protocol)
	return w, d.Open(t, w), c.Username, password
}

func (d Door) client(t *testing.T, address, username, password string) Client {
	t.Helper()
	c, err := d.Dial(address, username, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // mostly closed by then
	return c
}

// until waits for what others do side by side.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func names(t *testing.T, c Client, folder string) []string {
	t.Helper()
	list, err := c.List(folder)
	if err != nil {
		t.Fatalf("list %s: %v", folder, err)
	}
	slices.Sort(list)
	return list
}

func rows(n int) []byte {
	var b bytes.Buffer
	b.WriteString("E-mail\n")
	for i := range n {
		fmt.Fprintf(&b, "c%d@example.org\n", i)
	}
	return b.Bytes()
}

func filesComeIn(t *testing.T, d Door) {
	w, address, username, password := d.opened(t)
	c := d.client(t, address, username, password)
	content := rows(20_000)
	for name, file := range map[string][]byte{"/good.csv": content, "wrong.csv": []byte("bad\n"), "empty.csv": nil, "/with space ü.csv": content[:100]} {
		if err := c.Put(name, file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	until(t, "all are taken", func() bool { return slices.Equal(names(t, c, "/"), []string{"failed", "processed"}) })
	if got := names(t, c, "/processed"); !slices.Equal(got, []string{"empty.csv", "good.csv", "with space ü.csv"}) {
		t.Errorf("/processed shows %v", got)
	}
	if got := names(t, c, "/failed"); !slices.Equal(got, []string{"wrong.csv", "wrong.csv.reason.txt"}) {
		t.Errorf("/failed shows %v", got)
	}
	if got, err := c.Get("/processed/good.csv"); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read back: %d of %d bytes, %v", len(got), len(content), err)
	}
	if got, err := c.Get("/failed/wrong.csv.reason.txt"); err != nil || !bytes.Contains(got, []byte(commands.HeaderMismatch)) {
		t.Errorf("the reason: %q, %v", got, err)
	}
	if w.Imported() != 4 {
		t.Errorf("%d imports", w.Imported())
	}
}

func breaksOff(t *testing.T, d Door) {
	w, address, username, password := d.opened(t)
	content := rows(20_000)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	offsets := []int{0, 1, len(content)}
	for len(offsets) < 50 {
		offsets = append(offsets, random.IntN(len(content)+1))
	}
	for _, at := range offsets {
		c := d.client(t, address, username, password)
		if err := c.Break("/daily.csv", content[:at]); err != nil {
			t.Fatalf("at %d: %v", at, err)
		}
	}
	w.WantNothing(t)
	c := d.client(t, address, username, password)
	if got := names(t, c, "/"); !slices.Equal(got, []string{"failed", "processed"}) {
		t.Errorf("/ shows %v", got)
	}
	if err := c.Put("/daily.csv", content); err != nil {
		t.Fatal(err)
	}
	until(t, "the whole one is imported", func() bool { return slices.Equal(names(t, c, "/processed"), []string{"daily.csv"}) })
}

func temporaryNames(t *testing.T, d Door) {
	w, address, username, password := d.opened(t)
	c := d.client(t, address, username, password)
	for _, name := range []string{"/a.csv.part", "/.b.csv", "/c.tmp", "/d.filepart"} {
		if err := c.Put(name, rows(3)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Remove("/c.tmp"); err != nil {
		t.Error(err)
	}
	if err := c.Rename("/a.csv.part", "/a.csv"); err != nil {
		t.Error(err)
	}
	if err := c.Rename("/.b.csv", "/b.csv"); err != nil {
		t.Error(err)
	}
	until(t, "renamed ones are taken", func() bool { return slices.Equal(names(t, c, "/processed"), []string{"a.csv", "b.csv"}) })
	if got := names(t, c, "/"); !slices.Equal(got, []string{"d.filepart", "failed", "processed"}) {
		t.Errorf("/ shows %v", got)
	}
	if w.Imported() != 2 {
		t.Errorf("%d imports", w.Imported())
	}
}

// hostile are paths that mean something else elsewhere.
func hostile() []string {
	list := []string{"..", "../..", "/..", "../../etc/passwd", "/../../../etc/shadow", "//", "//etc//passwd", `..\..\windows`, `C:\x`, `\\host\share`,
		"a\x00b", "\x00", "/processed/../../x\x00", "/processed/../processed/../../../x", "./././.", "/./", "a/b/c", "/failed/../../..", "~root", "~/x",
		"%2e%2e/x", "..%2fx", "\u202e", "/processed/x/../../../y", strings.Repeat("../", 200) + "etc/passwd", strings.Repeat("x", 5000), "*", "?", "|id", "$(id)", "`id`", "-rf", "a\x7fb", "\xff\xfe"}
	random := rand.New(rand.NewPCG(7, 7))
	parts := []string{"..", ".", "/", "//", `\`, "\x00", "processed", "failed", "x", "~", " ", "é", "\x01"}
	for range 150 {
		var b strings.Builder
		for range 1 + random.IntN(8) {
			b.WriteString(parts[random.IntN(len(parts))])
			b.WriteString([]string{"/", "", `\`}[random.IntN(3)])
		}
		list = append(list, b.String())
	}
	return list
}

func hostilePaths(t *testing.T, d Door) {
	w, address, username, password := d.opened(t)
	c := d.client(t, address, username, password)
	again := func() {
		if _, err := c.List("/"); err != nil { // some of it ends the connection
			c = d.client(t, address, username, password)
		}
	}
	if err := c.Put("/mine.csv", rows(1)); err != nil {
		t.Fatal(err)
	}
	until(t, "it is taken", func() bool { return slices.Contains(names(t, c, "/processed"), "mine.csv") })
	for _, p := range hostile() {
		if strings.ContainsAny(p, "\r\n") {
			continue
		}
		// What is refused is refused; what is not must land in the tree.
		_ = c.Put(p, []byte("E-mail\n"))
		again()
		_, _ = c.List(p)
		if got, err := c.Get(p); err == nil && bytes.Contains(got, []byte("root:")) {
			t.Fatalf("%q is a file of the machine", p)
		}
		again()
		_ = c.MakeFolder(p)
		_ = c.Rename("/processed/mine.csv", p)
		_ = c.Rename(p, "/processed/x.csv")
		again()
	}
	if got, err := c.Get("/processed/mine.csv"); err != nil || !bytes.Equal(got, rows(1)) {
		t.Errorf("a file was moved across: %q, %v", got, err)
	}
	until(t, "all are taken", func() bool {
		for _, name := range names(t, c, "/") {
			if name != "failed" && name != "processed" && !strings.HasPrefix(name, ".") && path.Ext(name) != ".tmp" {
				return false
			}
		}
		return true
	})
	for _, name := range names(t, c, "/processed") {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00\x01\x7f") {
			t.Errorf("the tree has %q", name)
		}
	}
	if w.Imported() == 0 {
		t.Error("nothing came in")
	}
}

func refused(t *testing.T, d Door) {
	w, address, username, password := d.opened(t)
	other, otherPassword := w.Connector(t, d.Protocol)
	for what, try := range map[string][2]string{
		"wrong password":       {username, "wrong"},
		"no password":          {username, ""},
		"no username":          {"", password},
		"nobody":               {"nobody", password},
		"somebody else's":      {username, otherPassword},
		"somebody else's back": {other.Username, password},
	} {
		if c, err := d.Dial(address, try[0], try[1]); err == nil {
			t.Errorf("%s comes in", what)
			_ = c.Close()
		}
	}
	d.client(t, address, other.Username, otherPassword)
	d.client(t, address, username, password)
}

func cut(t *testing.T, d Door) {
	w, address, username, password := d.opened(t)
	c := d.client(t, address, username, password)
	all, err := w.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := w.Change(t.Context(), all[0].ID, disabled); err != nil {
		t.Fatal(err)
	}
	until(t, "the session is cut", func() bool {
		_, err := c.List("/")
		return err != nil
	})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if c, err := d.Dial(address, username, password); err == nil {
		t.Error("a disabled connector comes in", c.Close())
	}
}

func tooLarge(t *testing.T, d Door) {
	_, address, username, password := d.opened(t)
	c := d.client(t, address, username, password)
	if err := c.Put("/huge.csv", make([]byte, MaxBytes+1)); err == nil {
		t.Error("a file that is too large is fine")
	}
	c = d.client(t, address, username, password)
	until(t, "it failed", func() bool { return slices.Equal(names(t, c, "/failed"), []string{"huge.csv.reason.txt"}) })
	if got, err := c.Get("/failed/huge.csv.reason.txt"); err != nil || !bytes.Contains(got, []byte(commands.FileTooLarge)) {
		t.Errorf("the reason: %q, %v", got, err)
	}
}

func stalled(t *testing.T, d Door) {
	_, address, username, password := d.opened(t)
	for range 300 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() }) // by the server, most of them
	}
	c := d.client(t, address, username, password)
	if err := c.Put("/a.csv", rows(1)); err != nil {
		t.Error(err)
	}
}

func closed(t *testing.T, d Door) {
	_, address, username, password := d.opened(t)
	c := d.client(t, address, username, password)
	conn, err := net.Dial("tcp", address) // one that says nothing, too
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := c.Put("/a.csv.part", rows(1)); err != nil {
		t.Error(err)
	}
	// That nothing is left is for goleak to see.
	if err := c.Close(); err != nil && !errors.Is(err, io.EOF) {
		t.Logf("closing: %v", err)
	}
}

func several(t *testing.T, d Door) {
	w := NewWorld(t, d.DB(t))
	address := d.Open(t, w)
	for n := range 3 {
		c, password := w.Connector(t, d.Protocol)
		client := d.client(t, address, c.Username, password)
		name := fmt.Sprintf("%d.csv", n)
		if err := client.Put(name, rows(n)); err != nil {
			t.Fatal(err)
		}
		until(t, "it is taken", func() bool { return slices.Equal(names(t, client, "/processed"), []string{name}) })
	}
}
