package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// BinEnv names the environment variable that says where the server binaries
// are, for a ClusterConfig without Bin.
const BinEnv = "IMPORTLEDGER_POSTGRES_BIN"

// BinDownload as the binaries' folder downloads them even where some are
// installed.
const BinDownload = "download"

// ClusterConfig says where a private cluster lives.
type ClusterConfig struct {
	// Dir is the cluster's own folder, made if missing; nothing else may live
	// in it. Its owner and mode are the cluster's to change.
	Dir string
	// Bin is the folder of initdb and postgres, or BinDownload. Empty asks
	// BinEnv, then looks in PATH, pg_config and the usual folders, and
	// downloads what it cannot find.
	Bin string
	// SystemDir takes the cluster, in a folder of its own, where root starts it
	// and the user that Postgres runs under cannot enter Dir; Dir then keeps a
	// pointer. Empty is /var/lib/importledger.
	SystemDir string
	// Settings are server settings on top of the cluster's own.
	Settings map[string]string
	// Logger is told of downloads, restarts and places; nil is silent.
	Logger *slog.Logger

	finder *finder // nil looks on this machine
}

// Cluster is a running private Postgres that is restarted should it die, until
// Stop.
type Cluster struct {
	spec   serverSpec
	log    *slog.Logger
	output *outputLog
	locks  []*flock.Flock

	cancel context.CancelFunc
	done   chan struct{} // closed when the server has ended for good
	ended  error         // why it did not end cleanly; read after done

	mu     sync.Mutex
	server *server
}

// StartCluster makes the cluster in its folder where there is none yet, starts
// it and returns when it answers. The context bounds the start only. Every
// error is a sentence that says what to do.
func StartCluster(ctx context.Context, cfg ClusterConfig) (*Cluster, error) {
	log := cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	p, err := openPlace(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	c := &Cluster{log: log, locks: p.locks, done: make(chan struct{})}
	if err := c.start(ctx, cfg, p); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, cfg ClusterConfig, p *place) error {
	want, err := p.major()
	if err != nil {
		return err
	}
	find := cmp.Or(cfg.finder, machineFinder(p.account, p.home, c.log))
	bin, err := find.find(ctx, cmp.Or(cfg.Bin, os.Getenv(BinEnv)), want)
	if err != nil {
		return err
	}
	if c.output, err = openOutputLog(p.logFile()); err != nil {
		return err
	}
	var password string
	if want == 0 {
		password, err = p.create(ctx, bin, c.output)
	} else {
		password, err = p.readPassword()
	}
	if err != nil {
		return err
	}
	c.spec = serverSpec{
		bin: bin, account: p.account, pgdata: p.pgdata(), password: password,
		settings: serverSettings(cfg.Settings), output: c.output,
	}
	if err := stopLeftover(ctx, c.spec, c.log); err != nil {
		return err
	}
	began := time.Now()
	if c.server, err = c.startOnFreePort(ctx); err != nil {
		return err
	}
	c.log.Info("private Postgres is ready", "dir", p.home, "version", bin.version,
		"port", c.spec.port, "took", time.Since(began).Round(time.Millisecond))

	run, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	go c.supervise(run) //nolint:contextcheck // the server outlives its start
	return nil
}

// URL is the connection string of the cluster's database, with its password.
// It stays the same until Stop, over restarts of the server too.
func (c *Cluster) URL() string {
	return c.spec.url()
}

func (s serverSpec) url() string {
	u := url.URL{
		Scheme: "postgres", Host: "127.0.0.1:" + strconv.Itoa(s.port), Path: "/" + clusterDatabase,
		User: url.UserPassword(clusterUser, s.password), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// PID is the process id of the server that runs now.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server.process.Pid
}

// Stop disconnects whoever is connected and shuts the server down, and waits
// until it has ended; when the context ends first, the server is killed, which
// its next start recovers from.
func (c *Cluster) Stop(ctx context.Context) error {
	c.cancel()
	var killed error
	select {
	case <-c.done:
	case <-ctx.Done():
		c.mu.Lock()
		server := c.server
		c.mu.Unlock()
		server.kill()
		<-c.done
		killed = fmt.Errorf("the private Postgres was killed, as it did not shut down in time: %w", ctx.Err())
	}
	return errors.Join(killed, c.ended, c.close())
}

// close gives back what the process holds of the cluster's folder.
func (c *Cluster) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	if c.output != nil {
		errs = append(errs, c.output.Close())
		c.output = nil
	}
	errs = append(errs, closeLocks(c.locks))
	c.locks = nil
	return errors.Join(errs...)
}

// supervise starts the server again whenever it dies, until ctx ends, then
// shuts it down.
func (c *Cluster) supervise(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-ctx.Done():
			c.ended = c.server.shutdown()
			return
		case <-c.server.exited:
		}
		c.log.Error("private Postgres died; starting it again", "reason", c.server.failure())
		if !c.restart(ctx) {
			return
		}
	}
}

// restart tries until a server runs again on the same port; false when ctx
// ended first.
func (c *Cluster) restart(ctx context.Context) bool {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		next, err := startServer(ctx, c.spec)
		if err == nil {
			c.mu.Lock()
			c.server = next
			c.mu.Unlock()
			c.log.Info("private Postgres runs again", "port", c.spec.port)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.log.Error("private Postgres cannot be started again yet", "error", err, "retry_in", pause)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// startOnFreePort starts the server; another port is tried where somebody else
// took the free one first, and a server whose processes are still leaving is
// waited for.
func (c *Cluster) startOnFreePort(ctx context.Context) (*server, error) {
	const patience = 15 * time.Second
	for deadline := time.Now().Add(patience); ; {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		c.spec.port = port
		s, err := startServer(ctx, c.spec)
		if err == nil || !errors.Is(err, errStartAgain) || time.Now().After(deadline) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("starting the private Postgres was interrupted: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
