package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Receiving is a file that a client is sending. It counts when Close returns nil;
// after TransferError it never does.
type Receiving = interface {
	io.Writer
	io.WriterAt
	io.Closer
	TransferError(err error)
}

// Folder is what a client sees; any that has these methods is one. Paths come as the client wrote them.
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

// Config is what a server is made of. All of it is required.
type Config struct {
	HostKey HostKey
	// Password and Key tell whose username and password or public key (as ParseKey
	// gives it) these are. Their errors are shown to nobody.
	Password func(ctx context.Context, username string, from netip.Addr, password string) (id string, err error)
	Key      func(ctx context.Context, username, key string) (id string, err error)
	// Refused is told of a client that offered keys and left without signing in.
	Refused func(ctx context.Context, username string, from netip.Addr, why string)
	// Enter opens the folder of somebody who has signed in; cut is called when they
	// may not stay.
	Enter func(ctx context.Context, id string, from netip.Addr, how string, cut func()) (Folder, error)
	// Begin lets a connection apply until it is known who it is; done says it is, or
	// has gone. It closes connections that take too long, and those that are too many.
	Begin  func(net.Conn) (done func())
	Logger *slog.Logger
}

// The limits of one connection.
const (
	idleFor     = 10 * time.Minute // without a byte in either direction
	maxChannels = 4                // at once
	maxTries    = 6                // passwords and keys
)

// Server serves SFTP. Make it with New.
type Server struct {
	cfg  Config
	ctx  context.Context // of all connections
	stop context.CancelFunc

	mu    sync.Mutex
	conns map[*connection]struct{}
	all   sync.WaitGroup
	over  bool
}

// New makes a server that serves nothing before Serve.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, conns: map[*connection]struct{}{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Serve takes connections until the listener is closed, by Close or otherwise.
func (s *Server) Serve(listener net.Listener) error {
	defer context.AfterFunc(s.ctx, func() { _ = listener.Close() })() // Accept says it
	for {
		conn, err := listener.Accept()
		switch {
		case s.ctx.Err() != nil:
			return nil
		case isPassing(err):
			if wait(s.ctx, 100*time.Millisecond) != nil {
				return nil
			}
			continue
		case err != nil:
			return fmt.Errorf("SFTP door: %w", err)
		}
		s.begin(conn)
	}
}

// isPassing tells failures of one connection, or of a machine that is full, from the
// end of a listener.
func isPassing(err error) bool {
	return err != nil && !errors.Is(err, net.ErrClosed)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) begin(raw net.Conn) {
	ctx, cancel := context.WithCancel(s.ctx)
	c := &connection{Conn: raw, ctx: ctx, cancel: cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		_ = c.Close()
		return
	}
	s.conns[c] = struct{}{}
	// Here, in the order in which they came: whoever came first is the first to make room.
	done := s.cfg.Begin(c)
	s.all.Go(func() {
		defer func() {
			_ = c.Close() // mostly closed already
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.conns, c)
		}()
		s.serve(c, done)
	})
}

// Close cuts all connections and returns when the last has ended, or ctx does.
func (s *Server) Close(ctx context.Context) error {
	s.stop()
	s.mu.Lock()
	s.over = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		s.all.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("SFTP sessions have not ended: %w", ctx.Err())
	}
}

// connection ends its context when it is closed, and closes itself when nothing
// comes through it for a while.
type connection struct {
	net.Conn
	ctx    context.Context
	cancel context.CancelFunc
}

func (c *connection) Close() error {
	c.cancel()
	return c.Conn.Close()
}

func (c *connection) Read(p []byte) (int, error) {
	if err := c.Conn.SetDeadline(time.Now().Add(idleFor)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *connection) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(idleFor)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// address is where a connection comes from.
func address(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// serve sees one connection through; done says that it is known who it is.
func (s *Server) serve(c *connection, done func()) {
	defer done()
	try := &signIn{cfg: s.cfg, conn: c, from: address(c.RemoteAddr())}
	conn, channels, requests, err := ssh.NewServerConn(c, try.config())
	done()
	if err != nil {
		try.gaveUp()
		return
	}
	// Keep-alives are answered with a refusal, which is an answer; so are forwardings.
	go ssh.DiscardRequests(requests)
	cut := func() { _ = c.Close() }
	folder, err := s.cfg.Enter(c.ctx, conn.Permissions.Extensions[whoExtension], try.from, conn.Permissions.Extensions[howExtension], cut)
	if err != nil {
		rejectAll(channels, err)
		return
	}
	defer folder.Leave()
	s.channels(c, channels, folder)
}

// rejectAll tells a client that signed in and may not stay why.
func rejectAll(channels <-chan ssh.NewChannel, why error) {
	if first, ok := <-channels; ok {
		_ = first.Reject(ssh.ResourceShortage, told(why).Error()) // it goes in any case
	}
}
