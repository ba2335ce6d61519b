package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// serveDoor starts one more process of a ledger, with a door for SFTP.
func (s *shared) serveDoor() (*process, *client) {
	s.t.Helper()
	p := startProcess(s.t, s.env, "serve", "--data", s.t.TempDir(), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--sftp-listen", "127.0.0.1:0")
	c := p.serving()
	c.patience = time.Minute
	return p, c
}

// at is a connector as another process shows it: with the address of its own door.
func (made connectorObject) at(t *testing.T, c *client) connectorObject {
	t.Helper()
	var there connectorObject
	if _, err := c.get(t.Context(), connectorPath(made.ID, ""), &there); err != nil {
		t.Fatal(err)
	}
	there.Password = made.Password
	return there
}

// session signs in and asks for files; nil where one of the two is refused.
func (made connectorObject) session(t *testing.T, password string) *ssh.Client {
	t.Helper()
	conn, err := ssh.Dial("tcp", net.JoinHostPort(*made.Host, strconv.Itoa(*made.Port)), &ssh.ClientConfig{User: made.Username,
		Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}) //nolint:gosec // G106: it is a process of the test's own
	if err != nil {
		return nil
	}
	channel, err := conn.NewSession()
	if err == nil {
		err = channel.RequestSubsystem("sftp")
	}
	if err != nil {
		_ = conn.Close() // it is being closed already
		return nil
	}
	t.Cleanup(func() { _ = conn.Close() }) // cut or killed, perhaps
	return conn
}

// Files come in at two processes, of which one is killed in the middle: each that was
// closed becomes one import.
func TestTwoProcessesTakeEachFileOnceThoughOneIsKilled(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	killed, first := s.serveDoor()
	_, other := s.serveDoor()
	made := first.connector(t, "sftp")
	here, there := made.dropper(t), made.at(t, other).dropper(t)
	const files = 12
	content := map[string]contactsOf{}
	for n := range files {
		f := contactsOf{n, 200}
		content[f.name()] = f
		switch {
		case n < files/2:
			drop(t, here, f.name(), f.text())
		case n == files/2:
			killed.kill() // while it takes some of them, mostly
			fallthrough
		default:
			drop(t, there, f.name(), f.text())
		}
	}
	one := other.dropped(t, made.ID, files)
	taken := map[string]bool{}
	for _, file := range one.Files {
		if *file.Outcome != "imported" || taken[file.ImportID] {
			t.Errorf("%s is %s, import %s", file.Name, *file.Outcome, file.ImportID)
		}
		taken[file.ImportID] = true
		content[file.Name].whole(t, other, file.ImportID)
		delete(content, file.Name)
	}
	var all []importObject
	if _, err := other.get(t.Context(), "/people/imports?"+url.Values{"type": {"ftp-template"}}.Encode(), &all); err != nil || len(all) != files || len(content) != 0 {
		t.Errorf("%d imports, %d files without one, %v", len(all), len(content), err)
	}
	other.verified(t)
}

// What one process has refused counts in the other one too.
func TestDoorsOfTwoProcessesShareQuotaAndBans(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	_, first := s.serveDoor()
	killed, other := s.serveDoor()
	made := first.connector(t, "sftp")
	there := made.at(t, other)
	open := 0
	for n := range 11 {
		at := []connectorObject{made, there}[n%2]
		if at.session(t, made.Password) != nil {
			open++
		}
	}
	if open != 10 {
		t.Errorf("%d sessions are open in both together, want 10", open)
	}
	killed.kill()

	_, third := s.serveDoor()
	there = made.at(t, third)
	if there.session(t, "wrong") != nil {
		t.Fatal("a wrong password came in")
	}
	// As if there had been more of them: they are answered ever later.
	execOn(t, envValue(s.env, "IMPORTLEDGER_DATABASE_URL"), "UPDATE ledger.connector_attempts SET failures = 9")
	if made.session(t, "wrong") != nil {
		t.Fatal("a wrong password came in")
	}
	for _, at := range []connectorObject{made, there} {
		if at.session(t, made.Password) != nil {
			t.Error("somebody who is banned came in")
		}
	}
	var told json.RawMessage
	if _, err := first.get(t.Context(), connectorPath(made.ID, "/activity?pageSize=100"), &told); err != nil {
		t.Fatal(err)
	}
	said := string(told)
	for _, want := range []string{"too-many-sessions", "password-wrong", "too-many-attempts"} {
		if !strings.Contains(said, want) {
			t.Errorf("the activity does not tell of %s: %s", want, said)
		}
	}
}

func TestDoorsAreCounted(t *testing.T) {
	t.Parallel()
	s := serveHere(t, "IMPORTLEDGER_SFTP_LISTEN=127.0.0.1:0")
	c := newClient(s.base, testClient, testSecret)
	t.Cleanup(c.close)
	made := c.connector(t, "sftp")
	f := contactsOf{1, 200}
	drop(t, made.dropper(t), f.name(), f.text())
	if made.session(t, "wrong") != nil {
		t.Fatal("a wrong password came in")
	}
	c.dropped(t, made.ID, 1)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.ops+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	said := string(s.send(request).is(http.StatusOK).body)
	for _, want := range []string{
		`importledger_door_connections_total{protocol="sftp"} 2`,
		`importledger_door_handshakes{protocol="sftp"} 0`,
		`importledger_door_logins_total{outcome="entered",protocol="sftp"} 1`,
		`importledger_door_logins_total{outcome="refused",protocol="sftp"} 1`,
		`importledger_door_logins_total{outcome="entered",protocol="ftps"} 0`,
		`importledger_door_sessions{protocol="sftp"} 1`,
		`importledger_door_files_total{outcome="received",protocol="sftp"} 1`,
		`importledger_door_files_total{outcome="broken",protocol="sftp"} 0`,
		`importledger_door_received_bytes_total{protocol="sftp"} ` + strconv.FormatFloat(float64(len(f.text())), 'g', -1, 64),
		`importledger_door_files_waiting 0`,
	} {
		if !strings.Contains(said, want+"\n") {
			t.Errorf("not counted: %s", want)
		}
	}
}
