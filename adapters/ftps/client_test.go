package ftps_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"sync/atomic"

	"importledger/adapters/connectors/doorstest"
)

// client speaks FTP as far as the tests need, and as wrongly.
type client struct {
	address string
	raw     net.Conn
	text    *textproto.Conn
	host    string
}

// insecure clients take any certificate.
var insecure = &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(8)}

// plain connects and reads the greeting.
func plain(address string) (*client, error) {
	raw, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c := &client{address: address, raw: raw, text: textproto.NewConn(raw), host: host}
	if _, _, err := c.text.ReadResponse(220); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return c, nil
}

// secure asks for TLS.
func (c *client) secure(cfg *tls.Config) error {
	if err := c.ask(234, "AUTH TLS"); err != nil {
		return err
	}
	conn := tls.Client(c.raw, cfg)
	if err := conn.Handshake(); err != nil {
		return err
	}
	c.text = textproto.NewConn(conn)
	return nil
}

func (c *client) ask(want int, format string, args ...any) error {
	_, err := c.answer(want, format, args...)
	return err
}

func (c *client) answer(want int, format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(c.text.W, format+"\r\n", args...); err != nil {
		return "", err
	}
	if err := c.text.W.Flush(); err != nil {
		return "", err
	}
	_, message, err := c.text.ReadResponse(want)
	return message, err
}

func dial(address, username, password string) (doorstest.Client, error) {
	return signIn(address, username, password)
}

func signIn(address, username, password string) (*client, error) {
	c, err := plain(address)
	if err != nil {
		return nil, err
	}
	err = c.secure(insecure)
	for _, step := range []struct {
		want int
		line string
	}{{331, "USER " + username}, {230, "PASS " + password}, {200, "PBSZ 0"}, {200, "PROT P"}, {200, "TYPE I"}} {
		if err == nil {
			err = c.ask(step.want, "%s", step.line)
		}
	}
	if err != nil {
		return nil, errors.Join(err, c.raw.Close())
	}
	return c, nil
}

var passivePort = regexp.MustCompile(`\|\|\|(\d+)\|`)

// data opens a data channel.
func (c *client) data() (net.Conn, error) {
	message, err := c.answer(229, "EPSV")
	if err != nil {
		return nil, err
	}
	port := passivePort.FindStringSubmatch(message)
	if port == nil {
		return nil, errors.New("no port in " + message)
	}
	return net.Dial("tcp", net.JoinHostPort(c.host, port[1]))
}

// transfer begins a transfer and hands over its encrypted channel.
func (c *client) transfer(command string, use func(*tls.Conn) error) error {
	raw, err := c.data()
	if err != nil {
		return err
	}
	conn := tls.Client(raw, insecure)
	if err := c.ask(150, "%s", command); err != nil {
		return errors.Join(err, raw.Close())
	}
	if err := errors.Join(conn.Handshake(), use(conn)); err != nil {
		_, _, said := c.text.ReadResponse(226)
		return errors.Join(err, said, raw.Close())
	}
	_, _, err = c.text.ReadResponse(226)
	return errors.Join(err, ignoreClosed(raw.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (c *client) Put(path string, content []byte) error {
	return c.transfer("STOR "+path, func(conn *tls.Conn) error {
		_, err := io.Copy(conn, bytes.NewReader(content))
		return errors.Join(err, conn.Close())
	})
}

// broken counts what was broken off: every second time the data channel goes first,
// else the control connection.
var broken atomic.Int32

func (c *client) Break(path string, content []byte) error {
	raw, err := c.data()
	if err != nil {
		return err
	}
	conn := tls.Client(raw, insecure)
	err = c.ask(150, "STOR %s", path)
	if err == nil {
		err = conn.Handshake()
	}
	if err == nil {
		_, err = conn.Write(content)
	}
	if broken.Add(1)%2 == 0 {
		return errors.Join(err, raw.Close(), c.raw.Close())
	}
	return errors.Join(err, c.raw.Close(), raw.Close())
}

func (c *client) Get(path string) (content []byte, err error) {
	err = c.transfer("RETR "+path, func(conn *tls.Conn) error {
		content, err = io.ReadAll(conn)
		return err
	})
	return content, err
}

func (c *client) List(folder string) (names []string, err error) {
	err = c.transfer("MLSD "+folder, func(conn *tls.Conn) error {
		text, err := io.ReadAll(conn)
		for line := range strings.Lines(string(text)) {
			if _, name, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "; "); ok {
				names = append(names, name)
			}
		}
		return err
	})
	return names, err
}

func (c *client) Rename(from, to string) error {
	if err := c.ask(350, "RNFR %s", from); err != nil {
		return err
	}
	return c.ask(250, "RNTO %s", to)
}

func (c *client) Remove(path string) error     { return c.ask(250, "DELE %s", path) }
func (c *client) MakeFolder(path string) error { return c.ask(257, "MKD %s", path) }
func (c *client) Close() error                 { return ignoreClosed(c.raw.Close()) }
