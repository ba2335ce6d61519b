package ftps

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"importledger/commands"
)

// Receiving is a file that a client is sending. It counts when Close returns nil;
// after TransferError it never does.
type Receiving = interface {
	io.Writer
	io.WriterAt
	io.Closer
	TransferError(err error)
}

// Folder is what a client sees; any that has these methods is one. Paths come absolute and clean.
type Folder = interface {
	List(ctx context.Context, path string) ([]fs.FileInfo, error)
	Stat(ctx context.Context, path string) (fs.FileInfo, error)
	Open(ctx context.Context, path string) (io.ReadSeekCloser, error)
	Create(ctx context.Context, path string) (Receiving, error)
	Remove(ctx context.Context, path string) error
	Rename(ctx context.Context, from, to string) error
	MakeFolder(ctx context.Context, path string) error
	SetAttributes(ctx context.Context, path string) error
	Leave() // ends the session
}

// Config is what a server is made of. All of it is required, but for PublicHost.
type Config struct {
	Certificate Certificate
	// PassivePorts are those that data channels are opened on.
	PassivePorts PortRange
	// PublicHost is the name or IPv4 address that clients reach the server under; empty:
	// the address that they connected to.
	PublicHost string
	// Password tells whose username and password these are. Its errors are shown to
	// nobody but for refusals.
	Password func(ctx context.Context, username string, from netip.Addr, password string) (id string, err error)
	// Enter opens the folder of somebody who has signed in; cut is called when they
	// may not stay.
	Enter func(ctx context.Context, id string, from netip.Addr, how string, cut func()) (Folder, error)
	// Begin lets a connection apply until it is known who it is; done says it is, or
	// has gone. It closes connections that take too long, and those that are too many.
	Begin  func(net.Conn) (done func())
	Logger *slog.Logger
}

// PortRange is a range of ports, both ends included.
type PortRange struct{ First, Last int }

// The limits of one connection, in seconds as the library has them.
const (
	idleSeconds = 300 // without a command, while nothing is transferred
	openSeconds = 30  // for a data channel to be opened
)

// Server serves FTPS. Make it with New.
type Server struct {
	cfg    Config
	tls    *tls.Config
	ctx    context.Context // of all connections
	stop   context.CancelFunc
	active *tally

	mu    sync.Mutex
	conns map[string]*connection // by the client's address
}

// New makes a server that serves nothing before Serve.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, conns: map[string]*connection{}, active: newTally()}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cfg.Certificate.pair}}
	return s
}

// Serve takes connections until the listener is closed, by Close or otherwise.
func (s *Server) Serve(l net.Listener) error {
	defer context.AfterFunc(s.ctx, func() { _ = l.Close() })() // Accept says it
	server := ftpserver.NewFtpServer(&driver{s, &listener{l, s}})
	if err := server.Listen(); err != nil {
		return fmt.Errorf("FTPS door: %w", err)
	}
	if err := server.Serve(); err != nil && s.ctx.Err() == nil {
		return fmt.Errorf("FTPS door: %w", err)
	}
	return nil
}

// Close cuts all connections and returns when the last transfer has ended, or ctx does.
func (s *Server) Close(ctx context.Context) error {
	s.stop()
	s.mu.Lock()
	open := slices.Collect(maps.Values(s.conns))
	s.mu.Unlock()
	for _, c := range open { // each takes itself out of the map
		_ = c.Close()
	}
	select {
	case <-s.active.none():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("FTPS sessions have not ended: %w", ctx.Err())
	}
}

// driver is what the library asks. It keeps nothing of its own: what is known of a
// client is in its connection.
type driver struct {
	*Server
	listener net.Listener
}

// GetSettings implements ftpserver.MainDriver.
func (d *driver) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{
		Listener:                 d.listener,
		Banner:                   "importledger",
		PassiveTransferPortRange: ftpserver.PortRange{Start: d.cfg.PassivePorts.First, End: d.cfg.PassivePorts.Last},
		PublicIPResolver:         d.publicIP,
		IdleTimeout:              idleSeconds,
		ConnectionTimeout:        openSeconds,
		TLSRequired:              ftpserver.MandatoryEncryption,
		DefaultTransferType:      ftpserver.TransferTypeBinary,
		DisableASCIIConversion:   true, // files are kept as they are
		DisableActiveMode:        true, // PORT to a third address would make the server knock there
		DisableSite:              true,
		DisableMFMT:              true,
		DisableSYST:              false,
		ActiveConnectionsCheck:   ftpserver.IPMatchRequired,
		PasvConnectionsCheck:     ftpserver.IPMatchRequired,
	}, nil
}

// publicIP is what PASV answers; EPSV needs none.
func (d *driver) publicIP(client ftpserver.ClientContext) (string, error) {
	if d.cfg.PublicHost == "" {
		local := address(client.LocalAddr())
		if !local.Is4() {
			return "", errors.New("use EPSV over IPv6")
		}
		return local.String(), nil
	}
	found, err := net.DefaultResolver.LookupNetIP(d.ctx, "ip4", d.cfg.PublicHost)
	if err != nil || len(found) == 0 {
		d.cfg.Logger.Warn("the public host has no IPv4 address for PASV", "error", err)
		return "", errors.New("the server's address is not known, use EPSV")
	}
	return found[0].Unmap().String(), nil
}

// ClientConnected implements ftpserver.MainDriver.
func (d *driver) ClientConnected(ftpserver.ClientContext) (string, error) { return "importledger", nil }

// ClientDisconnected implements ftpserver.MainDriver.
func (d *driver) ClientDisconnected(client ftpserver.ClientContext) {
	if c := d.connection(client.RemoteAddr()); c != nil {
		c.leave()
	}
}

var errLogin = errors.New("username or password wrong")

// AuthUser implements ftpserver.MainDriver.
func (d *driver) AuthUser(client ftpserver.ClientContext, user, pass string) (ftpserver.ClientDriver, error) {
	c := d.connection(client.RemoteAddr())
	switch {
	case c == nil:
		return nil, net.ErrClosed
	case !client.HasTLSForControl(): // PASS without USER before it comes here too
		return nil, errors.New("TLS is required")
	case c.folder() != nil:
		return nil, errors.New("signed in already")
	}
	from := address(client.RemoteAddr())
	id, err := d.cfg.Password(c.ctx, user, from, pass)
	if err != nil {
		return nil, errLogin
	}
	// The library's own close would wait for what it is cutting.
	folder, err := d.cfg.Enter(c.ctx, id, from, "password", func() { _ = c.Close() })
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		return nil, errors.New(refusal.Message)
	}
	if err != nil {
		d.cfg.Logger.Warn("a folder could not be opened", "error", err)
		return nil, errors.New("try again later")
	}
	c.enter(folder)
	return &visitor{folder: folder, server: d.Server, conn: c}, nil
}

// GetTLSConfig implements ftpserver.MainDriver.
func (d *driver) GetTLSConfig() (*tls.Config, error) { return d.tls, nil }

// WrapPassiveListener implements ftpserver.MainDriverExtensionPassiveWrapper.
func (d *driver) WrapPassiveListener(l net.Listener) (net.Listener, error) {
	return dataListener{l}, nil
}
