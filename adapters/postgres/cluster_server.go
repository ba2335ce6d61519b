package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	clusterUser     = "importledger"
	clusterDatabase = "postgres"
)

// errStartAgain marks failures to start that pass by themselves.
var errStartAgain = errors.New("start again")

// serverSpec is what a server is started with.
type serverSpec struct {
	bin      binaries
	account  *account // nil: the user of this process
	pgdata   string
	port     int
	password string
	settings []string
	output   *outputLog
}

// server is one run of the postmaster.
type server struct {
	spec    serverSpec
	process *os.Process
	exited  chan struct{} // closed when the postmaster and its output are gone
	waited  error         // what its process ended with; read after exited
}

// serverSettings are given on the command line, so that they hold whatever
// version wrote postgresql.conf, and nothing but Postgres writes into its
// folder.
func serverSettings(more map[string]string) []string {
	all := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "", // paths may be too long for a socket, or not writable
		"cluster_name":            "importledger",
		"max_connections":         "60",
		"shared_buffers":          "128MB",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"jit":                     "off", // our statements are short; compiling them costs more than it gives
		// Nobody replicates from here; minimal lets a rebuild's COPY into fresh tables skip the WAL.
		"wal_level":       "minimal",
		"max_wal_senders": "0",
		// Errors of statements name values, which may be personal data: they go to the client only.
		"logging_collector":       "off",
		"log_min_messages":        "log",
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
		"log_checkpoints":         "off",
	}
	maps.Copy(all, more)
	var args []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// startServer starts a postmaster and returns when it answers.
func startServer(ctx context.Context, spec serverSpec) (*server, error) {
	s := &server{spec: spec, exited: make(chan struct{})}
	args := append([]string{"-D", spec.pgdata, "-p", strconv.Itoa(spec.port)}, spec.settings...)
	// The context bounds the start; the server lives on.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), spec.bin.path("postgres"), args...)
	cmd.Dir = spec.pgdata
	cmd.Env = serverEnv()
	cmd.Stdout, cmd.Stderr = spec.output, spec.output
	cmd.WaitDelay = 5 * time.Second
	prepareServer(cmd, spec.account)

	spec.output.forget()
	started := make(chan error)
	go func() {
		// Linux ties the parent-death signal to the thread that forked.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			s.waited = cmd.Wait()
			close(s.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("the Postgres server %s cannot be run: %w", cmd.Path, err)
	}
	s.process = cmd.Process
	if err := s.waitReady(ctx); err != nil {
		s.kill()
		<-s.exited
		return nil, err
	}
	return s, nil
}

// waitReady returns when the server lets a client in.
func (s *server) waitReady(ctx context.Context) error {
	const patience = 5 * time.Minute // recovery after a crash under load takes its time
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var lastErr error
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if lastErr = s.ping(ctx); lastErr == nil {
			return nil
		}
		select {
		case <-s.exited:
			return s.failure()
		case <-ctx.Done():
			return fmt.Errorf("the private Postgres in %s did not become ready: %w (see %s; last answer: %w)",
				s.spec.pgdata, context.Cause(ctx), s.spec.output.path, lastErr)
		case <-time.After(pause):
		}
	}
}

func (s *server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.spec.url())
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// failure says why the server is gone. It may be called after exited only.
func (s *server) failure() error {
	return explain(s.spec.output, filepath.Dir(s.spec.pgdata), s.waited)
}

// shutdown disconnects the clients and waits for a clean end; a server that
// does not manage is ended harder and harder.
func (s *server) shutdown() error {
	var errs []error
	for _, step := range []struct {
		signal   serverSignal
		patience time.Duration
	}{{fastShutdown, 30 * time.Second}, {immediateShutdown, 10 * time.Second}} {
		if err := signalServer(context.Background(), s.spec.bin, s.process.Pid, step.signal); err != nil {
			errs = append(errs, err)
		}
		select {
		case <-s.exited:
			return nil
		case <-time.After(step.patience):
		}
	}
	s.kill()
	<-s.exited
	errs = append(errs, errors.New("the private Postgres did not shut down in time and was killed; it recovers at its next start"))
	return errors.Join(errs...)
}

// kill ends the postmaster without its help. Its processes notice and leave.
func (s *server) kill() {
	if err := s.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.spec.output.note("killing the server: " + err.Error())
	}
}

// freePort asks the system for a port that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no free port on 127.0.0.1 for the private Postgres (%w): bring up the loopback interface, or set %s to a server of yours", err, URLEnv)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// serverEnv is all that Postgres sees of our environment: our secrets are not
// for the processes of another user, and PG* variables would change its mind.
func serverEnv() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
