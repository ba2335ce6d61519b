package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"importledger/adapters/ftps"
	"importledger/adapters/sftp"
)

func TestDoctorLooksAtTheDoors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, content []byte, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hostKey, err := sftp.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	pair := func(name string, made time.Time) (certificate, key string) {
		t.Helper()
		c, k, err := ftps.NewCertificate([]string{"localhost"}, made)
		if err != nil {
			t.Fatal(err)
		}
		return file(name+".pem", c, 0o600), file(name+"-key.pem", k, 0o600)
	}
	const years = 10 * 365 * 24 * time.Hour // that a certificate is made for
	good, goodKey := pair("good", time.Now())
	old, oldKey := pair("old", time.Now().Add(-years-time.Hour))
	ending, endingKey := pair("ending", time.Now().Add(-years+24*time.Hour))
	content, err := os.ReadFile(endingKey)
	if err != nil {
		t.Fatal(err)
	}
	endingOpenKey := file("ending-open-key.pem", content, 0o644)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := taken.Close(); err != nil {
			t.Error(err)
		}
	})
	port := strconv.Itoa(portOf(taken))
	free := "IMPORTLEDGER_FTPS_PASSIVE_PORTS=" + port + "-" + port
	for name, c := range map[string]struct {
		check string
		env   []string
		want  string
	}{
		"no SFTP":         {"SFTP door", nil, "ok closed"},
		"no FTPS":         {"FTPS door", nil, "ok closed"},
		"SFTP, new":       {"SFTP door", []string{"IMPORTLEDGER_SFTP_LISTEN=127.0.0.1:0"}, "ok 127.0.0.1:0, its host key will be made"},
		"SFTP":            {"SFTP door", []string{"IMPORTLEDGER_SFTP_LISTEN=127.0.0.1:0", "IMPORTLEDGER_SFTP_HOST_KEY=" + file("host", hostKey, 0o600)}, "ok 127.0.0.1:0, host key SHA256:"},
		"a missing key":   {"SFTP door", []string{"IMPORTLEDGER_SFTP_LISTEN=127.0.0.1:0", "IMPORTLEDGER_SFTP_HOST_KEY=/nowhere"}, "failed the host key /nowhere cannot be read"},
		"no key":          {"SFTP door", []string{"IMPORTLEDGER_SFTP_LISTEN=127.0.0.1:0", "IMPORTLEDGER_SFTP_HOST_KEY=" + file("none", []byte("x"), 0o600)}, "failed the host key"},
		"a key for all":   {"SFTP door", []string{"IMPORTLEDGER_SFTP_LISTEN=127.0.0.1:0", "IMPORTLEDGER_SFTP_HOST_KEY=" + file("open", hostKey, 0o644)}, "failed others may read the host key"},
		"expired":         {"FTPS door", []string{"IMPORTLEDGER_FTPS_LISTEN=127.0.0.1:0", "IMPORTLEDGER_FTPS_CERTIFICATE=" + old, "IMPORTLEDGER_FTPS_KEY=" + oldKey}, "failed the certificate " + old + " has expired"},
		"expires":         {"FTPS door", []string{"IMPORTLEDGER_FTPS_LISTEN=127.0.0.1:0", "IMPORTLEDGER_FTPS_CERTIFICATE=" + ending, "IMPORTLEDGER_FTPS_KEY=" + endingKey}, "note the certificate " + ending + " expires"},
		"expires, open":   {"FTPS door", []string{"IMPORTLEDGER_FTPS_LISTEN=127.0.0.1:0", "IMPORTLEDGER_FTPS_CERTIFICATE=" + ending, "IMPORTLEDGER_FTPS_KEY=" + endingOpenKey}, "failed others may read the key"},
		"another's key":   {"FTPS door", []string{"IMPORTLEDGER_FTPS_LISTEN=127.0.0.1:0", "IMPORTLEDGER_FTPS_CERTIFICATE=" + good, "IMPORTLEDGER_FTPS_KEY=" + oldKey}, "failed " + good},
		"no passive port": {"FTPS door", []string{"IMPORTLEDGER_FTPS_LISTEN=127.0.0.1:0", "IMPORTLEDGER_FTPS_CERTIFICATE=" + good, "IMPORTLEDGER_FTPS_KEY=" + goodKey, free}, "failed none of the ports"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := findingOf(t, c.check, t.TempDir(), c.env...); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestDoctorKnocksAtDoorsThatAreServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newShared(t)
	door := reservedAddress(t)
	serving := startProcess(t, s.env, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--sftp-listen", door)
	serving.serving()
	for address, want := range map[string]string{door: "ok " + door + " answers, host key SHA256:", "127.0.0.1:1": "failed 127.0.0.1:1 does not answer"} {
		if got := findingOf(t, "SFTP door", dir, append(s.env, "IMPORTLEDGER_SFTP_LISTEN="+address)...); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// reservedAddress is one that was free a moment ago.
func reservedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return at
}

// findingOf runs doctor on a data directory and gives what it finds of a check.
func findingOf(t *testing.T, check, dir string, env ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	run(t.Context(), []string{"doctor", "--json", "--data", dir}, strings.NewReader(""), &out, &said, env)
	var all []finding
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	for _, f := range all {
		if f.Check == check {
			return string(f.State) + " " + f.Detail
		}
	}
	t.Fatalf("doctor says nothing of %s", check)
	return ""
}
