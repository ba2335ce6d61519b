package ftps_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"importledger/adapters/connectors"
	"importledger/adapters/connectors/doorstest"
	"importledger/adapters/ftps"
	"importledger/adapters/postgres/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }

func db(t *testing.T) connectors.DB { return pgtest.New(t) }

func TestTheDoorKeepsTheSuite(t *testing.T) {
	doorstest.Run(t, doorstest.Door{Protocol: connectors.FTPS, DB: db, Open: open, Dial: dial})
}

func certificate(t *testing.T) (ftps.Certificate, []byte) {
	t.Helper()
	pem, key, err := ftps.NewCertificate([]string{"localhost", "127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c, err := ftps.ReadCertificate(pem, key)
	if err != nil {
		t.Fatal(err)
	}
	return c, pem
}

// open serves a world on a free port.
func open(t *testing.T, w *doorstest.World) string {
	t.Helper()
	c, _ := certificate(t)
	return openWith(t, w, c)
}

func openWith(t *testing.T, w *doorstest.World, c ftps.Certificate) string {
	t.Helper()
	server := ftps.New(ftps.Config{
		Certificate: c, PassivePorts: ftps.PortRange{First: 21000, Last: 29999},
		Password: func(ctx context.Context, username string, from netip.Addr, password string) (string, error) {
			return w.Password(ctx, connectors.FTPS, username, from, password)
		},
		Enter: func(ctx context.Context, id string, from netip.Addr, how string, cut func()) (ftps.Folder, error) {
			s, err := w.Enter(ctx, id, from, how, cut)
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		Begin: w.Gate.Begin, Logger: slog.New(slog.DiscardHandler),
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(server.Close(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// visitor is a signed-in client.
func visitor(t *testing.T) (w *doorstest.World, c *client, username, password string) {
	t.Helper()
	w = doorstest.NewWorld(t, db(t))
	connector, password := w.Connector(t, connectors.FTPS)
	c, err := signIn(open(t, w), connector.Username, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // some are closed by the server
	return w, c, connector.Username, password
}

func TestNothingIsSaidInClear(t *testing.T) {
	t.Parallel()
	_, signedIn, username, password := visitor(t)
	for what, lines := range map[string][]string{
		"a username":              {"USER " + username},
		"a password":              {"PASS " + password},
		"a password in two":       {"USER " + username, "PASS " + password},
		"a file":                  {"STOR /a.csv"},
		"a list":                  {"LIST"},
		"a data channel":          {"PASV"},
		"protection afterwards":   {"PROT P", "USER " + username},
		"a host before a command": {"PORT 127,0,0,1,4,1"},
	} {
		c, err := plain(signedIn.address)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			message, err := c.answer(2, "%s", line) // 2xx is good
			if err == nil && !strings.HasPrefix(line, "PROT") {
				t.Errorf("%s is taken in clear: %s", what, message)
			}
		}
		_ = c.Close()
	}
	// Bytes sent in clear behind the request for TLS are not taken for encrypted ones.
	c, err := plain(signedIn.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.raw.Write([]byte("AUTH TLS\r\nUSER " + username + "\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.text.ReadResponse(234); err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(c.raw, insecure)
	if err := conn.Handshake(); err != nil {
		return // they broke the handshake, which is as good
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes answer a username that came in clear", n)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	_, signedIn, _, _ := visitor(t)
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := plain(signedIn.address)
		if err != nil {
			t.Fatal(err)
		}
		err = c.secure(&tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		_ = c.Close()
	}
}

func TestDataIsEncryptedAndTheServerConnectsToNobody(t *testing.T) {
	t.Parallel()
	w, c, _, _ := visitor(t)
	victim, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	knocked := make(chan struct{})
	go func() {
		if conn, err := victim.Accept(); err == nil {
			_ = conn.Close()
			close(knocked)
		}
	}()
	port := victim.Addr().(*net.TCPAddr).Port
	for _, line := range []string{"PORT 127,0,0,1,%d,%d", "PORT 192,0,2,1,%d,%d", "PORT 10,0,0,1,%d,%d"} {
		if err := c.ask(200, line, port/256, port%256); err == nil {
			t.Errorf("%s is taken", line)
		}
	}
	for _, host := range []string{"|1|127.0.0.1|", "|1|192.0.2.1|", "|2|2001:db8::1|"} {
		if err := c.ask(200, "EPRT %s%d|", host, port); err == nil {
			t.Errorf("EPRT %s is taken", host)
		}
	}
	if err := c.ask(150, "STOR /a.csv"); err == nil {
		t.Error("a file is taken without a data channel")
	}
	if err := c.ask(200, "PROT C"); err == nil { // it may be asked for, and does not help
		if raw, err := c.data(); err == nil {
			if err := c.ask(150, "STOR /clear.csv"); err == nil {
				t.Error("a file is taken in clear")
			}
			_ = raw.Close()
		}
	}
	select {
	case <-knocked:
		t.Error("the server knocked where PORT said")
	default:
	}
	w.WantNothing(t)
}

func TestAFileIsWholeOrNew(t *testing.T) {
	t.Parallel()
	w, c, _, _ := visitor(t)
	if err := c.Put("/held.part", []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := c.transfer("APPE /held.part", func(conn *tls.Conn) error { return conn.Close() }); err == nil {
		t.Error("a file is added to")
	}
	if err := c.ask(350, "REST 3"); err != nil {
		t.Fatal(err)
	}
	if err := c.transfer("STOR /held.part", func(conn *tls.Conn) error { return conn.Close() }); err == nil {
		t.Error("a file is resumed")
	}
	if got, err := c.Get("/held.part"); err != nil || string(got) != "first" {
		t.Errorf("%q, %v", got, err)
	}
	// Line ends are the file's own, whatever the client says it is.
	if err := c.ask(200, "TYPE A"); err != nil {
		t.Fatal(err)
	}
	lines := []byte("E-mail\r\na@example.org\nb@example.org\r")
	if err := c.Put("/lines.part", lines); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get("/lines.part"); err != nil || !bytes.Equal(got, lines) {
		t.Errorf("%q, %v", got, err)
	}
	for _, line := range []string{"SITE CHMOD 777 /held.part", "SITE SYMLINK /etc/passwd /x", "MFMT 20200101000000 /held.part", "RMD /processed", "RMDA /"} {
		if message, err := c.answer(2, "%s", line); err == nil {
			t.Errorf("%s: %s", line, message)
		}
	}
	if w.Imported() != 0 {
		t.Errorf("%d imports", w.Imported())
	}
}

func TestAnAbortedTransferLeavesNothing(t *testing.T) {
	t.Parallel()
	w, c, _, _ := visitor(t)
	raw, err := c.data()
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(raw, insecure)
	if err := errors.Join(c.ask(150, "STOR /a.csv"), conn.Handshake()); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("E-mail\n")); err != nil {
		t.Fatal(err)
	}
	if err := c.ask(4, "ABOR"); err != nil {
		t.Error(err)
	}
	if _, _, err := c.text.ReadResponse(226); err != nil {
		t.Error(err)
	}
	if err := c.ask(200, "NOOP"); err != nil {
		t.Error(err)
	}
	_ = raw.Close()
	w.WantNothing(t)
}

func TestASelfSignedCertificateSaysSoAndCanBeTrusted(t *testing.T) {
	t.Parallel()
	c, pem := certificate(t)
	if got := c.Fingerprint(); !strings.HasPrefix(got, "SHA256:") || !strings.HasSuffix(got, " (self-signed)") || strings.Count(got, ":") != 32 {
		t.Errorf("fingerprint %s", got)
	}
	w := doorstest.NewWorld(t, db(t))
	address := openWith(t, w, c)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate")
	}
	for name, good := range map[string]bool{"localhost": true, "127.0.0.1": true, "example.org": false} {
		conn, err := plain(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.secure(&tls.Config{RootCAs: pool, ServerName: name}); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
		_ = conn.Close()
	}
	if _, err := ftps.ReadCertificate(pem, []byte("no key")); err == nil {
		t.Error("a certificate without its key is fine")
	}
}
