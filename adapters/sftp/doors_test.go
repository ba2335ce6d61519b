package sftp_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	pkgsftp "github.com/pkg/sftp"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"importledger/adapters/connectors"
	"importledger/adapters/connectors/doorstest"
	"importledger/adapters/postgres/pgtest"
	"importledger/adapters/sftp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }

var door = doorstest.Door{Protocol: connectors.SFTP, DB: db, Open: open, Dial: dialPassword}

func db(t *testing.T) connectors.DB { return pgtest.New(t) }

func TestTheDoorKeepsTheSuite(t *testing.T) { doorstest.Run(t, door) }

// open serves a world on a free port.
func open(t *testing.T, w *doorstest.World) string {
	t.Helper()
	content, err := sftp.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := sftp.ReadHostKey(content)
	if err != nil {
		t.Fatal(err)
	}
	server := sftp.New(sftp.Config{
		HostKey: key,
		Password: func(ctx context.Context, username string, from netip.Addr, password string) (string, error) {
			return w.Password(ctx, connectors.SFTP, username, from, password)
		},
		Key: func(ctx context.Context, username, key string) (string, error) {
			return w.Key(ctx, connectors.SFTP, username, key)
		},
		Refused: func(ctx context.Context, username string, from netip.Addr, why string) {
			_ = w.Refused(context.WithoutCancel(ctx), connectors.SFTP, username, from, why) // the list is looked at where it matters
		},
		Enter: func(ctx context.Context, id string, from netip.Addr, how string, cut func()) (sftp.Folder, error) {
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

type client struct {
	*pkgsftp.Client
	raw net.Conn
}

func dialPassword(address, username, password string) (doorstest.Client, error) {
	c, err := dial(address, username, ssh.Password(password))
	if err != nil {
		return nil, err
	}
	files, err := pkgsftp.NewClient(c.Client)
	if err != nil {
		return nil, errors.Join(err, c.Client.Close())
	}
	return &client{files, c.raw}, nil
}

type connected struct {
	*ssh.Client
	raw net.Conn
}

func dial(address, username string, auth ...ssh.AuthMethod) (connected, error) {
	raw, err := net.Dial("tcp", address)
	if err != nil {
		return connected{}, err
	}
	conn, channels, requests, err := ssh.NewClientConn(raw, address, &ssh.ClientConfig{User: username, Auth: auth, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		return connected{}, errors.Join(err, raw.Close())
	}
	return connected{ssh.NewClient(conn, channels, requests), raw}, nil
}

func (c *client) Put(path string, content []byte) error {
	file, err := c.Create(path)
	if err != nil {
		return err
	}
	_, err = file.ReadFrom(bytes.NewReader(content))
	return errors.Join(err, file.Close())
}

func (c *client) Break(path string, content []byte) error {
	file, err := c.Create(path)
	if err == nil {
		_, err = file.ReadFrom(bytes.NewReader(content))
	}
	return errors.Join(err, c.raw.Close())
}

func (c *client) Get(path string) ([]byte, error) {
	file, err := c.Open(path)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(file)
	return content, errors.Join(err, file.Close())
}

func (c *client) List(folder string) ([]string, error) {
	all, err := c.ReadDir(folder)
	var names []string
	for _, one := range all {
		names = append(names, one.Name())
	}
	return names, err
}

func (c *client) MakeFolder(path string) error { return c.Mkdir(path) }

func (c *client) Close() error { return errors.Join(c.Client.Close(), c.raw.Close()) }

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func TestKeysComeInForTheirConnectorOnly(t *testing.T) {
	t.Parallel()
	w := doorstest.NewWorld(t, db(t))
	mine, line := newKey(t)
	theirs, otherLine := newKey(t)
	unknown, _ := newKey(t)
	c, _ := w.Connector(t, connectors.SFTP, line+" me@example.org")
	other, _ := w.Connector(t, connectors.SFTP, otherLine)
	address := open(t, w)
	for _, keys := range [][]ssh.Signer{{mine}, {unknown, theirs, mine}} {
		conn, err := dial(address, c.Username, ssh.PublicKeys(keys...))
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	for what, try := range map[string]struct {
		username string
		key      ssh.Signer
	}{"another's key": {c.Username, theirs}, "my key there": {other.Username, mine}, "an unknown key": {c.Username, unknown}, "nobody": {"nobody", mine}} {
		if conn, err := dial(address, try.username, ssh.PublicKeys(try.key)); err == nil {
			t.Errorf("%s comes in: %v", what, conn.Close())
		}
	}
	until(t, "the refusal is in the list", func() bool {
		all, _, err := w.Activity(t.Context(), c.ID, 1, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if a.Action == "login-refused" && a.Detail == "key-unknown" {
				return true
			}
		}
		return false
	})
}

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

func TestNothingButSFTPIsServed(t *testing.T) {
	t.Parallel()
	w := doorstest.NewWorld(t, db(t))
	c, password := w.Connector(t, connectors.SFTP)
	address := open(t, w)
	conn, err := dial(address, c.Username, ssh.Password(password))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for what, ask := range map[string]func(*ssh.Session) error{
		"exec":            func(s *ssh.Session) error { return s.Run("id") },
		"scp":             func(s *ssh.Session) error { return s.Run("scp -t /") },
		"shell":           func(s *ssh.Session) error { return s.Shell() },
		"pty":             func(s *ssh.Session) error { return s.RequestPty("xterm", 24, 80, nil) },
		"env":             func(s *ssh.Session) error { return s.Setenv("LD_PRELOAD", "x") },
		"other subsystem": func(s *ssh.Session) error { return s.RequestSubsystem("netconf") },
	} {
		session, err := conn.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if ask(session) == nil {
			t.Errorf("%s is served", what)
		}
		if err := session.Close(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if tunnel, err := conn.Dial("tcp", address); err == nil {
		t.Error("a forwarding is opened", tunnel.Close())
	}
	if listener, err := conn.Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("a port is opened for a client", listener.Close())
	}
	for _, kind := range []string{"x11", "auth-agent@openssh.com", "direct-streamlocal@openssh.com"} {
		if channel, _, err := conn.OpenChannel(kind, nil); err == nil {
			t.Error(kind+" is opened", channel.Close())
		}
	}
	var channels []ssh.Channel
	for range 20 {
		channel, requests, err := conn.OpenChannel("session", nil)
		if err != nil {
			break
		}
		go ssh.DiscardRequests(requests)
		channels = append(channels, channel)
	}
	if len(channels) == 20 {
		t.Error("channels are not counted")
	}
}

func TestWeakAlgorithmsAreRefused(t *testing.T) {
	t.Parallel()
	w := doorstest.NewWorld(t, db(t))
	c, password := w.Connector(t, connectors.SFTP)
	address := open(t, w)
	for what, weak := range map[string]ssh.Config{
		"key exchange": {KeyExchanges: []string{ssh.InsecureKeyExchangeDH14SHA1, ssh.InsecureKeyExchangeDH1SHA1}},
		"cipher":       {Ciphers: []string{ssh.InsecureCipherAES128CBC, ssh.InsecureCipherTripleDESCBC}},
		"mac":          {Ciphers: []string{ssh.CipherAES128CTR}, MACs: []string{ssh.HMACSHA1, ssh.InsecureHMACSHA196}},
	} {
		raw, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn, _, _, err := ssh.NewClientConn(raw, address, &ssh.ClientConfig{Config: weak, User: c.Username, Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
		if err == nil {
			t.Errorf("a weak %s is fine", what)
			_ = conn.Close()
		}
		_ = raw.Close()
	}
}

func TestAFileIsWholeOrNew(t *testing.T) {
	t.Parallel()
	w := doorstest.NewWorld(t, db(t))
	c, password := w.Connector(t, connectors.SFTP)
	connection, err := dialPassword(open(t, w), c.Username, password)
	if err != nil {
		t.Fatal(err)
	}
	files := connection.(*client)
	defer files.Close()
	if err := files.Put("/held.part", []byte("first")); err != nil {
		t.Fatal(err)
	}
	for what, flags := range map[string]int{"append": 0x8 | 0x400, "no create": 0x1, "exclusive": 0x1 | 0x40 | 0x80} {
		if file, err := files.OpenFile("/held.part", flags); err == nil {
			t.Errorf("%s is fine: %v", what, file.Close())
		}
	}
	if got, err := files.Get("/held.part"); err != nil || string(got) != "first" {
		t.Errorf("%q, %v", got, err)
	}
	if err := files.Symlink("/etc/passwd", "/link"); err == nil {
		t.Error("a symlink is made")
	}
	if err := files.Link("/held.part", "/link"); err == nil {
		t.Error("a link is made")
	}
	if err := files.Truncate("/held.part", 1); err == nil {
		t.Error("a file is truncated")
	}
	if err := files.Chtimes("/held.part", time.Now(), time.Now()); err != nil {
		t.Errorf("setting times: %v", err)
	}
	if _, err := files.ReadLink("/held.part"); err == nil {
		t.Error("a file is a link")
	}
}
