package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"importledger/adapters/api"
	"importledger/adapters/httpserver"
	"importledger/adapters/postgres"
	"importledger/adapters/web"
)

// server is a ledger that is served over HTTP, on a data directory of its own.
type server struct {
	dir        *dataDir
	ledger     *ledger
	access     *access
	doors      *doors
	exports    *exports
	api        *api.API
	web        *web.Web
	logger     *slog.Logger
	address    address // for the commands of the data directory's owner
	opsAddress string  // of health and metrics; empty: nowhere
	// adminPassword is the one of a ledger's first user, at the first start of all.
	adminPassword string
	serving       []*http.Server
	failed        chan error // a listener that ended by itself
}

// serving is the command that stays.
const serving = "serve"

// startServer opens the data directory and all that lives in it, and serves the API
// on one address and, where there is one, health and metrics on another. It is
// ready when it returns.
func startServer(ctx context.Context, s *settings, command, listen, opsListen string, logger *slog.Logger) (_ *server, err error) {
	// Addresses first: one that is taken must not cost the start of everything.
	listener, err := openListener(ctx, listen, "--listen")
	if err != nil {
		return nil, err
	}
	var opsListener net.Listener
	if opsListen != "" {
		if opsListener, err = openListener(ctx, opsListen, "--ops-listen"); err != nil {
			return nil, errors.Join(err, listener.Close())
		}
	}
	srv := &server{logger: logger, failed: make(chan error, 8)}
	defer func() {
		if err == nil {
			return
		}
		err = errors.Join(err, srv.close(context.WithoutCancel(ctx)))
		if len(srv.serving) == 0 {
			err = errors.Join(err, listener.Close(), closeIfOpen(opsListener))
		}
	}()
	if srv.dir, err = openDataDir(s.Data, command); err != nil {
		return nil, err
	}
	secret, err := srv.dir.secretKey(s.SecretKey)
	if err != nil {
		return nil, err
	}
	if srv.ledger, err = openLedger(ctx, s, command, srv.dir, secret, logger, srv.failed); err != nil {
		return nil, err
	}
	if srv.access, err = openAccess(s, srv.ledger.pool, secret); err != nil {
		return nil, err
	}
	if command == serving {
		if srv.adminPassword, err = srv.access.begin(ctx, s); err != nil {
			return nil, err
		}
	}
	if srv.doors, err = openDoors(ctx, s, command, srv.dir, srv.ledger, secret, srv.failed); err != nil {
		return nil, err
	}
	if srv.exports, err = openExports(ctx, s, srv.dir, srv.ledger); err != nil {
		return nil, err
	}
	if err := srv.makeAPI(s); err != nil {
		return nil, err
	}
	if err := srv.makeWeb(s); err != nil {
		return nil, err
	}
	srv.access.keep(ctx, s, logger)
	srv.address = srv.access.owner
	srv.address.URL = "http://" + reachable(listener.Addr())
	srv.address.PID = os.Getpid()
	srv.serve(listener, srv.access.proxies.Handler(front{api: srv.api, web: srv.web}))
	if opsListener != nil {
		srv.opsAddress = reachable(opsListener.Addr())
		srv.serve(opsListener, api.NewOps(srv.api, s.Profiling == "on"))
	}
	return srv, srv.dir.publish(srv.address)
}

func (srv *server) makeAPI(s *settings) error {
	metrics, err := api.NewMetrics(append(srv.ledger.collectors(), srv.doors.collectors()...)...)
	if err != nil {
		return err
	}
	srv.api, err = api.New(api.Config{
		Imports: srv.ledger.service, Streams: srv.ledger.streams, Log: srv.ledger.log, DB: srv.ledger.pool,
		Projections: srv.ledger.projecting.projector, Changes: srv.ledger.projecting.changes, Account: srv.ledger.account, Tokens: apiTokens{srv.access.tokens}, Access: srv.access.forAPI(s), Metrics: metrics, Tracing: srv.ledger.traces.Provider(),
		Connectors: connectorsAPI{srv.doors, srv.ledger.service}, Webhooks: webhooksAPI{srv.ledger.notifier}, Exports: srv.exports,
		Logger: srv.logger, Version: readVersion().Version,
		Identify: srv.ledger.identify, IsUnavailable: postgres.IsUnavailable,
		Dependencies: []api.Dependency{{Name: "event-store", Check: srv.ledger.log.Ping}, {Name: "postgres", Check: srv.ledger.pool.Ping}, {Name: "file-store", Check: srv.ledger.blobs.Ping}, {Name: "log-of-database", Check: srv.ledger.guard.check}},
	})
	return err
}

func (srv *server) serve(listener net.Listener, handler http.Handler) {
	server := httpserver.New(handler, srv.logger)
	srv.serving = append(srv.serving, server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			srv.failed <- fmt.Errorf("serving on %s ended: %w", listener.Addr(), err)
		}
	}()
}

// drainFor is how long requests in flight may take when the server is to end.
const drainFor = 10 * time.Second

// close says that the server is going, lets requests, rows and batches in flight
// finish, and closes everything.
func (srv *server) close(ctx context.Context) error {
	var all []error
	if srv.api != nil {
		srv.api.Drain()
	}
	if srv.web != nil {
		srv.web.Drain()
	}
	draining, cancel := context.WithTimeout(ctx, drainFor)
	defer cancel()
	if srv.api != nil {
		all = append(all, srv.api.Close(draining))
	}
	if srv.web != nil {
		all = append(all, srv.web.Close(draining))
	}
	for _, server := range srv.serving {
		if err := server.Shutdown(draining); err != nil {
			all = append(all, err, server.Close())
		}
	}
	if srv.doors != nil {
		all = append(all, srv.doors.close(draining))
	}
	if srv.access != nil {
		all = append(all, srv.access.close(ctx))
	}
	if srv.ledger != nil {
		all = append(all, srv.ledger.close(ctx))
	}
	if srv.dir != nil {
		all = append(all, srv.dir.unpublish(), srv.dir.close())
	}
	return errors.Join(all...)
}

func openListener(ctx context.Context, at, flag string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: stop it, or name another address with %s", at, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s (%w): name another address with %s", at, listenCause(err), flag)
	}
	return listener, nil
}

func closeIfOpen(listener net.Listener) error {
	if listener == nil {
		return nil
	}
	return listener.Close()
}

// reachable is the address that a program on this machine uses.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
}
