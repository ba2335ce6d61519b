package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pkgsftp "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"importledger/adapters/postgres/pgtest"
)

// clientsEnv makes the tests fail where a common client is missing, instead of
// passing it over: the same is tested with clients of our own in any case.
const clientsEnv = "IMPORTLEDGER_TEST_CLIENTS"

// program finds a client that people use.
func clientProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv(clientsEnv) != "":
		t.Fatalf("%s is not on this machine, and %s wants it", name, clientsEnv)
	}
	t.Skipf("%s is not on this machine; set %s to make that an error", name, clientsEnv)
	return ""
}

// serveDoors runs a server with both doors open.
func serveDoors(t *testing.T, dir string) (*process, *client) {
	t.Helper()
	p := startProcess(t, nil, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0",
		"--sftp-listen", "127.0.0.1:0", "--ftps-listen", "127.0.0.1:0")
	return p, p.serving()
}

// connector makes a connector for files of contactsOf.
func (c *client) connector(t *testing.T, protocol string, keys ...string) (made connectorObject) {
	t.Helper()
	f := contactsOf{}
	header := strings.Split(strings.SplitN(f.text(), "\n", 2)[0], ",")
	_, err := c.send(t.Context(), call{method: http.MethodPost, path: "/people/connectors"}, map[string]any{
		"name": "Shop " + protocol, "protocol": protocol, "password": true, "publicKeys": keys,
		"template": map[string]any{"header": header, "separator": ",", "mapping": f.mapping()}}, &made)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// dropped waits until a connector has so many files that are done, newest first.
func (c *client) dropped(t *testing.T, id string, n int) connectorObject {
	t.Helper()
	for late := time.Now().Add(3 * time.Minute); ; {
		var one connectorObject
		if _, err := c.get(t.Context(), connectorPath(id, ""), &one); err != nil {
			t.Fatal(err)
		}
		finished := 0
		for _, f := range one.Files {
			if f.Outcome != nil {
				finished++
			}
		}
		if finished == n && len(one.Files) == n {
			return one
		}
		if time.Now().After(late) {
			t.Fatalf("waited in vain for %d files: %+v", n, one.Files)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// wantDropped checks a connector that was sent a good file and a drifted one.
func (c *client) wantDropped(t *testing.T, id string, good contactsOf) {
	t.Helper()
	one := c.dropped(t, id, 2)
	slices.SortFunc(one.Files, func(a, b struct {
		Name       string  `json:"name"`
		ReceivedAt int64   `json:"receivedAt"`
		ImportID   string  `json:"importId"`
		Outcome    *string `json:"outcome"`
		Reason     *string `json:"reason"`
	}) int {
		return strings.Compare(a.Name, b.Name)
	})
	if f := one.Files[0]; *f.Outcome != "imported" || f.Reason != nil {
		t.Errorf("%s is %s: %s", f.Name, *f.Outcome, deref(f.Reason))
	}
	if f := one.Files[1]; *f.Outcome != "failed" || !strings.Contains(deref(f.Reason), "header-mismatch") || !strings.Contains(deref(f.Reason), `"city"`) {
		t.Errorf("%s is %s: %s", f.Name, *f.Outcome, deref(f.Reason))
	}
	good.whole(t, c, one.Files[0].ImportID)
	i, _, err := c.getImport(t.Context(), one.Files[0].ImportID)
	if err != nil || i.Type != "ftp-template" || deref(i.UserID) != id {
		t.Errorf("import: %+v, %v", i, err)
	}
	if i, _, err = c.getImport(t.Context(), one.Files[1].ImportID); err != nil || i.State != "failed" || deref(i.FailedReason) != "header-mismatch" {
		t.Errorf("import of the drifted one: %+v, %v", i, err)
	}
}

// drifted is a file that lacks columns of the template.
const drifted = "email,firstName,town\na@example.org,A,B\n"

// files writes what is to be sent into a folder.
func filesIn(t *testing.T, good contactsOf) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]string{"contacts.csv": good.text(), "drifted.csv": drifted} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func runClient(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func TestFilesComeInWithTheClientsThatPeopleUse(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	_, c := serveDoors(t, dir)
	certificate := filepath.Join(dir, "ftps-certificate.pem")
	private, public := keyPair(t)

	t.Run("sftp with a password", func(t *testing.T) {
		sftp := clientProgram(t, "sftp")
		good, made := contactsOf{1, 20_000}, c.connector(t, "sftp")
		files := filesIn(t, good)
		ask := filepath.Join(files, "askpass")
		if err := os.WriteFile(ask, []byte("#!/bin/sh\necho \"$FILES_PASSWORD\"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		env := []string{"SSH_ASKPASS=" + ask, "SSH_ASKPASS_REQUIRE=force", "FILES_PASSWORD=" + made.Password, "DISPLAY=:0"}
		run := func(lines ...string) string {
			return runClient(t, env, sftp, openSSH(files, made, batch(t, files, lines...), "BatchMode=no", "PreferredAuthentications=password")...)
		}
		run("put contacts.csv", "put drifted.csv drifted.csv.part", "rename drifted.csv.part drifted.csv")
		c.wantDropped(t, made.ID, good)
		out := run("ls /", "ls /processed", "ls /failed", "get /failed/drifted.csv.reason.txt")
		if !strings.Contains(out, "/processed/contacts.csv") || !strings.Contains(out, "/failed/drifted.csv.reason.txt") {
			t.Errorf("lists:\n%s", out)
		}
	})
	t.Run("sftp with a key", func(t *testing.T) {
		sftp := clientProgram(t, "sftp")
		good, made := contactsOf{2, 1000}, c.connector(t, "sftp", public)
		files := filesIn(t, good)
		identity := filepath.Join(files, "identity")
		if err := os.WriteFile(identity, private, 0o600); err != nil {
			t.Fatal(err)
		}
		runClient(t, []string{"SSH_AUTH_SOCK="}, sftp, openSSH(files, made, batch(t, files, "put -p contacts.csv", "put drifted.csv"),
			"IdentityFile="+identity, "IdentitiesOnly=yes", "BatchMode=yes")...)
		c.wantDropped(t, made.ID, good)
	})
	t.Run("curl", func(t *testing.T) {
		curl := clientProgram(t, "curl")
		good, made := contactsOf{3, 20_000}, c.connector(t, "ftps")
		files := filesIn(t, good)
		at := fmt.Sprintf("ftp://%s:%d/", *made.Host, *made.Port)
		common := []string{"--silent", "--show-error", "--ssl-reqd", "--cacert", certificate, "--user", made.Username + ":" + made.Password}
		runClient(t, nil, curl, append(common, "--upload-file", filepath.Join(files, "contacts.csv"), at)...)
		runClient(t, nil, curl, append(common, "--tls-max", "1.2", "--upload-file", filepath.Join(files, "drifted.csv"), at)...)
		c.wantDropped(t, made.ID, good)
		if out := runClient(t, nil, curl, append(common, at+"failed/drifted.csv.reason.txt")...); !strings.Contains(out, "header-mismatch") {
			t.Errorf("the reason: %s", out)
		}
		// In clear nothing goes.
		if out, err := exec.CommandContext(t.Context(), curl, "--silent", "--user", made.Username+":"+made.Password, at).CombinedOutput(); err == nil {
			t.Errorf("plain FTP: %s", out)
		}
	})
	t.Run("lftp", func(t *testing.T) {
		lftp := clientProgram(t, "lftp")
		good, made := contactsOf{4, 20_000}, c.connector(t, "ftps")
		files := filesIn(t, good)
		script := fmt.Sprintf("set ssl:ca-file %s; set ftp:ssl-force true; set ftp:ssl-protect-data true; set net:max-retries 1; set cmd:fail-exit true; "+
			"open --user %s --env-password ftp://%s:%d; lcd %s; put contacts.csv; put drifted.csv; ls /", certificate, made.Username, *made.Host, *made.Port, files)
		runClient(t, []string{"LFTP_PASSWORD=" + made.Password, "HOME=" + files}, lftp, "-c", script)
		c.wantDropped(t, made.ID, good)
	})
	c.verified(t)
}

func keyPair(t *testing.T) (private []byte, public string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
}

// openSSH are the arguments that name a connector. The host is known by its
// fingerprint alone where people look at it; here it is taken as it is.
func openSSH(files string, made connectorObject, batch string, options ...string) []string {
	args := []string{"-F", "none", "-P", fmt.Sprint(*made.Port)}
	for _, o := range append(options, "StrictHostKeyChecking=no", "UserKnownHostsFile="+filepath.Join(files, "known"), "LogLevel=ERROR") {
		args = append(args, "-o", o)
	}
	return append(args, "-b", batch, made.Username+"@"+*made.Host) // -b last: options that come first win
}

// batch writes what sftp is to do, in the folder of the files.
func batch(t *testing.T, files string, lines ...string) string {
	t.Helper()
	path := filepath.Join(files, "batch")
	text := "lcd " + files + "\n" + strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// dropper is an SFTP client of our own.
func (made connectorObject) dropper(t *testing.T) *pkgsftp.Client {
	t.Helper()
	conn, err := ssh.Dial("tcp", net.JoinHostPort(*made.Host, fmt.Sprint(*made.Port)), &ssh.ClientConfig{User: made.Username,
		Auth: []ssh.AuthMethod{ssh.Password(made.Password)}, HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if got := ssh.FingerprintSHA256(key); got != *made.Fingerprint {
				return fmt.Errorf("host key %s, want %s", got, *made.Fingerprint)
			}
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // killed, mostly
	files, err := pkgsftp.NewClient(conn)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func drop(t *testing.T, files *pkgsftp.Client, name, content string) {
	t.Helper()
	file, err := files.Create(name)
	if err == nil {
		_, err = file.ReadFrom(strings.NewReader(content))
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatWasClosedIsImportedOnceThoughTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	p, c := serveDoors(t, dir)
	made := c.connector(t, "sftp")
	const rounds = 3
	for round := 1; round <= rounds; round++ {
		f := contactsOf{round, 500}
		drop(t, made.dropper(t), f.name(), f.text())
		p.kill() // the close was answered just now
		before := *made.Fingerprint
		p, c = serveDoors(t, dir)
		one := c.dropped(t, made.ID, round)
		f.whole(t, c, one.Files[0].ImportID)
		if one.Files[0].Name != f.name() || *one.Files[0].Outcome != "imported" {
			t.Errorf("round %d: %+v", round, one.Files[0])
		}
		if *one.Fingerprint != before {
			t.Errorf("the host key changed from %s to %s", before, *one.Fingerprint)
		}
		made.Host, made.Port = one.Host, one.Port
	}
	var all []importObject
	if _, err := c.get(t.Context(), "/people/imports?"+url.Values{"type": {"ftp-template"}}.Encode(), &all); err != nil || len(all) != rounds {
		t.Errorf("%d imports, %v", len(all), err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "files"))
	if err != nil || len(entries) != rounds {
		t.Errorf("%d stored files, %v", len(entries), err)
	}
	c.verified(t)
}

func TestStalledHandshakesKeepNobodyOut(t *testing.T) {
	t.Parallel()
	_, c := serveDoors(t, pgtest.Dir(t))
	sftp, ftps := c.connector(t, "sftp"), c.connector(t, "ftps")
	for range 500 {
		for _, door := range []connectorObject{sftp, ftps} {
			conn, err := net.Dial("tcp", net.JoinHostPort(*door.Host, fmt.Sprint(*door.Port)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() }) // by the server, most of them
		}
	}
	f := contactsOf{1, 2000}
	i, err := f.send(t.Context(), c, "one")
	if err != nil {
		t.Fatal(err)
	}
	f.whole(t, c, i.ID)
	g := contactsOf{2, 2000}
	drop(t, sftp.dropper(t), g.name(), g.text())
	g.whole(t, c, c.dropped(t, sftp.ID, 1).Files[0].ImportID)
}

// A key that is given is used, and one that is no key is told.
func TestDoorsUseTheKeysThatAreSet(t *testing.T) {
	t.Parallel()
	private, public := keyPair(t)
	dir := pgtest.Dir(t)
	at := filepath.Join(t.TempDir(), "host-key")
	if err := os.WriteFile(at, private, 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, []string{"IMPORTLEDGER_SFTP_HOST_KEY=" + at, "IMPORTLEDGER_PUBLIC_HOST=files.example.com"}, "serve", "--data", dir,
		"--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--sftp-listen", "127.0.0.1:0")
	made := p.serving().connector(t, "sftp")
	if *made.Fingerprint != ssh.FingerprintSHA256(parsed) || *made.Host != "files.example.com" {
		t.Errorf("%s at %s", *made.Fingerprint, *made.Host)
	}
	if _, err := os.Stat(filepath.Join(dir, "sftp-host-key")); err == nil {
		t.Error("another host key was made")
	}
	if err := os.WriteFile(at, bytes.ToUpper(private), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := startProcess(t, []string{"IMPORTLEDGER_SFTP_HOST_KEY=" + at}, "serve", "--data", pgtest.Dir(t), "--listen", "127.0.0.1:0",
		"--ops-listen", "127.0.0.1:0", "--sftp-listen", "127.0.0.1:0")
	<-broken.exited
	if out := broken.output(); !strings.Contains(out, "is no private key as ssh-keygen writes it") {
		t.Errorf("said: %s", out)
	}
}
