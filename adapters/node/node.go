package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// Config says where a node keeps its log and how it is reached.
type Config struct {
	// Dir is where the log lives; created with mode 0700 if absent. One process at a time opens it.
	Dir string
	// Listen is the TCP address to serve on; 127.0.0.1:0, any free port of this machine, if empty.
	Listen string
	// Listener, when set, is served on instead; Open takes it over, whatever comes of it.
	Listener net.Listener
	// Username and Password, when set, must come with every read and write (HTTP Basic, as the client sends it), and
	// the node serves TLS, since the client sends them over nothing else. Without them the node serves loopback only.
	Username, Password string
	// Logger gets what an operator should know; discarded if nil.
	Logger *slog.Logger
	// Clock gives events their date and $maxAge its now; time.Now if nil.
	Clock func() time.Time
	// NoSync leaves out the fsync of every append. For tests only: a crash of the machine may lose events.
	NoSync bool
}

// Node is a running event store.
type Node struct {
	log       *eventLog
	server    *grpc.Server
	address   *net.TCPAddr
	connect   string
	stop      context.CancelFunc
	served    chan struct{}
	serveErr  error
	closeOnce sync.Once
	closeErr  error
}

const (
	defaultListen = "127.0.0.1:0"

	// The client pings every ten seconds at least; a server that allows less would end its connections.
	clientPing = 10 * time.Second
	leastPing  = 5 * time.Second

	// What a real server takes in one message; the limit of an append is checked by its own, smaller measure.
	maxMessageBytes  = 17 << 20
	writeBufferBytes = 64 << 10

	// How long Close waits for calls to end by themselves.
	closeGrace = 5 * time.Second
)

// Open opens the log, listens, and serves in the background until Close. It fails if the directory cannot be written,
// another process has it, or the address is taken.
func Open(cfg Config) (*Node, error) {
	if cfg.Listen == "" {
		cfg.Listen = defaultListen
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if (cfg.Username == "") != (cfg.Password == "") {
		return nil, errHalfGuarded
	}
	log, err := openLog(cfg, vfs.Default)
	if err != nil {
		return nil, errors.Join(err, closeGiven(cfg))
	}
	listener, err := listen(cfg)
	if err != nil {
		return nil, errors.Join(err, log.close(), closeGiven(cfg))
	}
	n := &Node{log: log, address: listener.Addr().(*net.TCPAddr), served: make(chan struct{})}
	if err := n.prepare(cfg); err != nil {
		return nil, errors.Join(err, listener.Close(), log.close())
	}
	go func() {
		defer close(n.served)
		if err := n.server.Serve(listener); !errors.Is(err, grpc.ErrServerStopped) { // Close may come before Serve does
			n.serveErr = err
		}
	}()
	cfg.Logger.Info("event store node serves", "address", n.Addr(), "dir", cfg.Dir, "position", log.durable.load())
	return n, nil
}

var (
	errHalfGuarded = errors.New("node: a user name needs a password, and a password a user name")
	errExposed     = errors.New("node: listening beyond this machine needs a user name and a password")
)

func closeGiven(cfg Config) error {
	if cfg.Listener == nil {
		return nil
	}
	return cfg.Listener.Close()
}

func listen(cfg Config) (net.Listener, error) {
	if cfg.Listener != nil {
		cfg.Listen = cfg.Listener.Addr().String()
	}
	address, err := net.ResolveTCPAddr("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("node: listen on %s: %w", cfg.Listen, err)
	}
	if cfg.Username == "" && !address.IP.IsLoopback() {
		return nil, errExposed
	}
	if cfg.Listener != nil {
		return cfg.Listener, nil
	}
	listener, err := net.ListenTCP("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("node: listen on %s: %w", cfg.Listen, err)
	}
	return listener, nil
}

// prepare makes the server and the connection string that fits it.
func (n *Node) prepare(cfg Config) error {
	host := n.address.IP.String()
	if n.address.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	connect := url.URL{Scheme: "esdb", Host: net.JoinHostPort(host, strconv.Itoa(n.address.Port))}
	ping := strconv.FormatInt(clientPing.Milliseconds(), 10)
	settings := url.Values{"tls": {"false"}, "keepAliveInterval": {ping}, "keepAliveTimeout": {ping}}
	options := serverOptions()
	if cfg.Username != "" {
		pair, path, err := certificate(cfg.Dir, host)
		if err != nil {
			return err
		}
		options = append(options, newGuard(cfg.Username, cfg.Password).options(pair)...)
		connect.User = url.UserPassword(cfg.Username, cfg.Password)
		settings.Set("tls", "true")
		settings.Set("tlsCAFile", path)
	}
	connect.RawQuery = settings.Encode()
	n.connect = connect.String()

	closing, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.server = grpc.NewServer(options...)
	streams.RegisterStreamsServer(n.server, &streamsService{log: n.log, closing: closing})
	serverfeatures.RegisterServerFeaturesServer(n.server, featuresService{})
	gossip.RegisterGossipServer(n.server, &gossipService{
		instance: uuid.New(), host: host, port: uint32(n.address.Port), clock: cfg.Clock,
	})
	return nil
}

func serverOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.MaxSendMsgSize(maxMessageBytes),
		grpc.WriteBufferSize(writeBufferBytes),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: leastPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: clientPing, Timeout: clientPing}),
		grpc.WaitForHandlers(true), // none may be in the log when it closes
	}
}

// ConnectionString returns how the EventStoreDB client reaches this node, credentials included: keep it out of logs.
func (n *Node) ConnectionString() string { return n.connect }

// Addr returns host and port of the node.
func (n *Node) Addr() string { return n.address.String() }

// Failed is closed when an append could not be written, as on a full disk: the node takes no more of them before it
// is opened again. Err says why.
func (n *Node) Failed() <-chan struct{} { return n.log.failed }

// Err says why the node takes no more appends; nil while it does.
func (n *Node) Err() error {
	n.log.mu.Lock()
	defer n.log.mu.Unlock()
	return n.log.broken
}

// Close ends subscriptions, lets other calls finish for some seconds, and closes the log. It may be called again.
func (n *Node) Close() error {
	n.closeOnce.Do(func() {
		n.stop()
		abort := time.AfterFunc(closeGrace, n.server.Stop)
		n.server.GracefulStop()
		abort.Stop()
		<-n.served
		n.closeErr = errors.Join(n.serveErr, n.log.close())
	})
	return n.closeErr
}
