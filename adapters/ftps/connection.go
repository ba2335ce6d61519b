package ftps

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// listener hands connections to the library, each with what is to be known of it.
type listener struct {
	net.Listener
	server *Server
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := l.server
	c := &connection{Conn: raw, server: s, key: raw.RemoteAddr().String()}
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	s.active.begin()
	s.mu.Lock()
	s.conns[c.key] = c
	s.mu.Unlock()
	done := s.cfg.Begin(c)
	c.mu.Lock()
	c.done = done
	c.mu.Unlock()
	if s.ctx.Err() != nil {
		_ = c.Close() // Close may not have seen it
	}
	return c, nil
}

func (s *Server) connection(client net.Addr) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[client.String()]
}

// connection is the control connection of a client. It ends its context and its
// session when it is closed.
type connection struct {
	net.Conn
	server *Server
	key    string
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once

	mu      sync.Mutex
	done    func() // it is known who this is, or it has gone; nil until Accept returns
	session Folder // nil before the client has signed in, and after
}

// Close implements net.Conn.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.cancel()
		c.leave()
		c.server.mu.Lock()
		delete(c.server.conns, c.key)
		c.server.mu.Unlock()
		c.known()
		c.server.active.end()
	})
	return err
}

func (c *connection) folder() Folder {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// enter begins the session; one that was cut meanwhile is over at once.
func (c *connection) enter(f Folder) {
	c.mu.Lock()
	c.session = f
	c.mu.Unlock()
	c.known()
	if c.ctx.Err() != nil {
		c.leave()
	}
}

func (c *connection) known() {
	c.mu.Lock()
	done := c.done
	c.mu.Unlock()
	if done != nil { // else it was closed while it arrived, by who would be told
		done()
	}
}

func (c *connection) leave() {
	c.mu.Lock()
	f := c.session
	c.session = nil
	c.mu.Unlock()
	if f != nil {
		f.Leave()
	}
}

// address is where a connection comes from or goes to.
func address(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// dataIdle is how long a data channel may be silent.
const dataIdle = time.Minute

// errCut ends a file whose client did not say that it was whole. FTP has no other
// sign of that than TLS's goodbye (close_notify).
var errCut = errors.New("the data channel ended without TLS close_notify, so the file may not be whole")

// dataListener gives data channels their deadlines.
type dataListener struct{ net.Listener }

// Accept implements net.Listener.
func (l dataListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &dataConn{c}, nil
}

// dataConn is what TLS is spoken over. Package tls takes the end of a connection for
// a goodbye where it falls between two records; here that is an error. After a real
// goodbye it does not read on.
type dataConn struct{ net.Conn }

func (c *dataConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(dataIdle)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = errCut
	}
	return n, err
}

func (c *dataConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(dataIdle)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// tally counts what goes on, connections and files, so that one can wait for its end.
type tally struct {
	mu    sync.Mutex
	n     int
	empty chan struct{} // closed while there is nothing
}

func newTally() *tally {
	t := &tally{empty: make(chan struct{})}
	close(t.empty)
	return t
}

func (t *tally) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		t.empty = make(chan struct{})
	}
	t.n++
}

func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 {
		close(t.empty)
	}
}

func (t *tally) none() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.empty
}
