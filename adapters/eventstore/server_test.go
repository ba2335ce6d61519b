package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"importledger/adapters/node"
	"importledger/events"
)

func TestMain(m *testing.M) {
	// Watermill's suite leaves goroutines of its own behind, which nobody reads from.
	const suite = "github.com/ThreeDotsLabs/watermill/internal/subscriber.(*multiplier).Subscribe.func"
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction(suite+"2"), goleak.IgnoreAnyFunction(suite+"3"))
}

// quick are intervals for tests of outages.
var quick = Config{Timeout: time.Second, SilentAfter: 100 * time.Millisecond, MaxBackoff: 50 * time.Millisecond}

// server is a node of one test's own, behind a proxy that can break down.
type server struct {
	*proxy
	t      *testing.T
	config node.Config
	node   *node.Node
}

func startServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, config: node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", NoSync: true}}
	s.start()
	s.proxy = startProxy(t, s.node.Addr())
	t.Cleanup(s.stop)
	return s
}

func (s *server) start() {
	s.t.Helper()
	n, err := node.Open(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.node = n
	s.config.Listen = n.Addr()
}

func (s *server) stop() {
	if err := s.node.Close(); err != nil {
		s.t.Error(err)
	}
}

// restart ends the server as a crash does, for its clients, and starts it again
// on the same port and files.
func (s *server) restart() {
	s.t.Helper()
	s.cut()
	s.stop()
	s.start()
}

func (s *server) open(config Config) *Log {
	s.t.Helper()
	return open(s.t, fmt.Sprintf("esdb://%s?tls=false", s.addr()), config)
}

func open(t *testing.T, connectionString string, config Config) *Log {
	t.Helper()
	l, err := Open(t.Context(), connectionString, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// sharedServer is a log for tests that only need one: a real server where one is
// named, else a node.
func sharedServer(t *testing.T) *Log {
	t.Helper()
	if s := os.Getenv("IMPORTLEDGER_TEST_EVENTSTORE"); s != "" {
		return open(t, s, Config{})
	}
	return startServer(t).open(Config{})
}

// proxy forwards TCP connections until it is told not to.
type proxy struct {
	backend  string
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex
	silent bool
	links  map[*link]struct{}
	closed bool
}

// link is one connection through the proxy.
type link struct {
	client, backend net.Conn
	dead            chan struct{} // closed when nothing passes any more
}

func startProxy(t *testing.T, backend string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{backend: backend, listener: listener, links: map[*link]struct{}{}}
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// silence makes all connections half-open for good: they stay up, and nothing
// passes. New ones are silent too until heal.
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = true
	for l := range p.links {
		l.kill()
	}
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = false
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	if err := p.listener.Close(); err != nil {
		panic(err)
	}
	p.cut()
	p.work.Wait()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.forward(client) })
	}
}

func (p *proxy) forward(client net.Conn) {
	backend, err := net.Dial("tcp", p.backend)
	if err != nil {
		// The server is down: to the client it looks like a connection reset.
		if err := client.Close(); err != nil {
			panic(err)
		}
		return
	}
	l := &link{client: client, backend: backend, dead: make(chan struct{})}
	p.mu.Lock()
	p.links[l] = struct{}{}
	if p.silent {
		l.kill()
	}
	if p.closed {
		l.close()
	}
	p.mu.Unlock()
	var copying sync.WaitGroup
	copying.Go(func() { l.pass(client, backend) })
	l.pass(backend, client)
	l.close()
	copying.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// pass copies until the connection ends; once it is dead, what comes is lost.
func (l *link) pass(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			break
		}
		select {
		case <-l.dead:
			continue
		default:
		}
		if _, err := to.Write(buf[:n]); err != nil {
			break
		}
	}
	l.close()
}

func (l *link) kill() {
	select {
	case <-l.dead:
	default:
		close(l.dead)
	}
}

func (l *link) close() {
	for _, c := range []net.Conn{l.client, l.backend} {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			panic(err)
		}
	}
}

// newStream is a stream of ours that no other test uses.
func newStream() string {
	return events.ImportStream(strings.ReplaceAll(uuid.NewString(), "-", ""))
}

func proposals(n int) []events.Proposed {
	batch := make([]events.Proposed, n)
	for i := range batch {
		batch[i] = events.Proposed{
			ID: uuid.New(), Type: "RowAccepted", Data: fmt.Appendf(nil, `{"row":%d}`, i+1), Metadata: []byte(`{"v":1}`),
		}
	}
	return batch
}

func mustAppend(t *testing.T, l *Log, stream string, expected uint64, batch []events.Proposed) events.Position {
	t.Helper()
	p, err := l.Append(t.Context(), stream, expected, batch)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// appendThrough appends as a worker does: again while the log is away.
func appendThrough(ctx context.Context, l *Log, stream string, expected uint64, batch []events.Proposed) (failures int, err error) {
	pause := backoff{first: 5 * time.Millisecond, max: 20 * time.Millisecond}
	for {
		_, err := l.Append(ctx, stream, expected, batch)
		if !isUnavailable(err) {
			return failures, err
		}
		failures++
		if err := pause.wait(ctx); err != nil {
			return failures, err
		}
	}
}

func mustHead(t *testing.T, l *Log) events.Position {
	t.Helper()
	p, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func from(p events.Position) func(context.Context) (events.Position, error) {
	return func(context.Context) (events.Position, error) { return p, nil }
}

func subscribeBatches(t *testing.T, l *Log, config BatchConfig) (*BatchSubscriber, <-chan *message.Message) {
	t.Helper()
	s, err := NewBatchSubscriber(l, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	messages, err := s.Subscribe(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return s, messages
}

// next receives a message and its batch; it is neither acked nor nacked.
func next(t *testing.T, messages <-chan *message.Message) (*message.Message, events.Batch) {
	t.Helper()
	m, b, err := nextOf(t.Context(), messages)
	if err != nil {
		t.Fatal(err)
	}
	return m, b
}

func nextOf(ctx context.Context, messages <-chan *message.Message) (*message.Message, events.Batch, error) {
	select {
	case m, open := <-messages:
		if !open {
			return nil, events.Batch{}, errors.New("the subscription has ended")
		}
		b, err := events.UnmarshalBatch(m.Payload)
		return m, b, err
	case <-ctx.Done():
		return nil, events.Batch{}, ctx.Err()
	}
}

// handle acks batches until n events of the stream have come, and returns them.
func handle(t *testing.T, messages <-chan *message.Message, stream string, n int) []events.Recorded {
	t.Helper()
	got, err := handleAll(t.Context(), messages, stream, n)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func handleAll(ctx context.Context, messages <-chan *message.Message, stream string, n int) ([]events.Recorded, error) {
	var got []events.Recorded
	for len(got) < n {
		m, b, err := nextOf(ctx, messages)
		if err != nil {
			return got, err
		}
		for _, e := range b.Events {
			if e.Stream == stream {
				got = append(got, e)
			}
		}
		m.Ack()
	}
	return got, nil
}

func wantIDs(t *testing.T, got []events.Recorded, want []events.Proposed) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d events, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].ID != want[i].ID {
			t.Fatalf("event %d is not the one that was appended there", i)
		}
	}
}

// raw gives a client of the library itself, for what Log does not offer.
func raw(t *testing.T, l *Log) *esdb.Client {
	t.Helper()
	client, err := esdb.NewClient(l.clients.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
	return client
}
