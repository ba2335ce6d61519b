package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

func TestAClusterKeepsItsDataOverAStop(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	began := time.Now()
	c := pgtest.Cluster(t, cfg)
	t.Logf("made and started in %v", time.Since(began))
	execute(t, c.URL(), "CREATE TABLE kept AS SELECT 42 AS n")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	c = pgtest.Cluster(t, cfg)
	t.Logf("started again in %v", time.Since(began))
	if got := queryInt(t, c.URL(), "SELECT n FROM kept"); got != 42 {
		t.Errorf("got %d", got)
	}
}

func TestAClusterIsDurableUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	c := pgtest.Cluster(t, postgres.ClusterConfig{Dir: pgtest.Dir(t)})
	conn := connect(t, c.URL())
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "",
		"server_encoding": "UTF8", "TimeZone": "UTC",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	var collate, ctype string
	if err := conn.QueryRow(t.Context(), "SELECT datcollate, datctype FROM pg_database WHERE datname = current_database()").Scan(&collate, &ctype); err != nil {
		t.Fatal(err)
	}
	if collate != "C" || ctype != "C" {
		t.Errorf("locale %s, %s", collate, ctype)
	}
}

func TestNobodyGetsIntoAClusterWithoutThePassword(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	c := pgtest.Cluster(t, pgtest.Config(dir))
	config, err := pgx.ParseConfig(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	config.Password = "wrong"
	if conn, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		t.Error("let in", conn.Close(t.Context()))
	}
	info, err := os.Stat(filepath.Join(dir, "password"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the password file has mode %v", info.Mode())
	}
}

func TestAFolderServesOneProcess(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	pgtest.Cluster(t, cfg)
	_, err := postgres.StartCluster(t.Context(), cfg)
	wantSentence(t, err, "another importledger uses the database in "+cfg.Dir)
}

func TestAServerThatDiesIsStartedAgain(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	again := make(messages, 1)
	cfg.Logger = slog.New(again.of("private Postgres runs again"))
	c := pgtest.Cluster(t, cfg)
	pool, err := postgres.Open(t.Context(), c.URL(), postgres.PoolConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 2 {
		before := c.PID()
		kill(t, before)
		<-again
		if c.PID() == before {
			t.Error("the same process")
		}
		// The pool may still hand out a connection that the dead server had.
		if _, err := pool.Exec(t.Context(), "SELECT 1"); err != nil && !postgres.IsUnavailable(err) {
			t.Errorf("%v should count as unavailable", err)
		}
		pool.Reset()
		if err := pool.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestStopWithoutPatienceKillsAndTheNextStartRecovers(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	c := pgtest.Cluster(t, cfg)
	execute(t, c.URL(), "CREATE TABLE kept AS SELECT 42 AS n")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Stop(ended); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := queryInt(t, pgtest.Cluster(t, cfg).URL(), "SELECT n FROM kept"); got != 42 {
		t.Errorf("got %d", got)
	}
}

func TestAKilledOwnerLeavesNoServerAndNoObstacle(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	for range 3 {
		owner := exec.Command(os.Args[0])
		owner.Env = append(os.Environ(), ownClusterEnv+"="+cfg.Dir)
		owner.Stderr = t.Output()
		out, err := owner.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := owner.Start(); err != nil {
			t.Fatal(err)
		}
		url, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		url = strings.TrimSpace(url)
		execute(t, url, "CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (1)")
		conn := connect(t, url)
		kill(t, owner.Process.Pid)
		if err := owner.Wait(); err == nil {
			t.Fatal("the owner was not killed")
		}
		if endsWithParent {
			// The server shuts down by itself: it ends our connection.
			if _, err := conn.WaitForNotification(t.Context()); !postgres.IsUnavailable(err) {
				t.Fatal(err)
			}
		}
	}
	c := pgtest.Cluster(t, cfg)
	if got := queryInt(t, c.URL(), "SELECT sum(n) FROM kept"); got != 3 {
		t.Errorf("%d of 3 rows", got)
	}
}

func TestAServerOfAnEarlierRunIsShutDownFirst(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	c := pgtest.Cluster(t, cfg)
	execute(t, c.URL(), "CREATE TABLE kept AS SELECT 42 AS n")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	stray := postgres.StartStray(t, cfg.Dir)
	c = pgtest.Cluster(t, cfg)
	<-stray
	if got := queryInt(t, c.URL(), "SELECT n FROM kept"); got != 42 {
		t.Errorf("got %d", got)
	}
}

func TestAStalePidFileIsNoObstacle(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	if err := pgtest.Cluster(t, cfg).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"of this process": fmt.Sprintln(os.Getpid()), "of nobody": fmt.Sprintln(1 << 22), "empty": ""} {
		pidFile := filepath.Join(cfg.Dir, "pgdata", "postmaster.pid")
		if err := os.WriteFile(pidFile, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := postgres.StartCluster(t.Context(), cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := c.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// messages are sent to when a logger is given a message.
type messages chan struct{}

func (m messages) of(message string) slog.Handler { return &messageHandler{message: message, to: m} }

type messageHandler struct {
	slog.Handler
	message string
	to      messages
}

func (*messageHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *messageHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.to <- struct{}{}
	}
	return nil
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.WithoutCancel(t.Context())); err != nil && !postgres.IsUnavailable(err) {
			t.Error(err)
		}
	})
	return conn
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	if _, err := connect(t, url).Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func queryInt(t *testing.T, url, sql string) (n int) {
	t.Helper()
	if err := connect(t, url).QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func kill(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}

// wantSentence checks that an error tells what happened on one line.
func wantSentence(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", part)
	}
	if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q, want a sentence with %q", err, part)
	}
}
