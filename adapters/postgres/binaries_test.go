//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

// server makes a folder with programs that say they are Postgres, whose initdb
// runs a script.
func server(t *testing.T, version, initdb string) string {
	t.Helper()
	dir := pgtest.Dir(t)
	// A program cannot be run while a child of a parallel test still has it open for writing.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	for name, script := range map[string]string{
		"postgres": "echo 'postgres (PostgreSQL) " + version + "'",
		"initdb":   initdb,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBinariesAreFoundInOrderAndByVersion(t *testing.T) {
	t.Parallel()
	v13, v14 := server(t, "13.9", ""), server(t, "14.1", "")
	v16, v18 := server(t, "16.2 (Debian 16.2-1)", ""), server(t, "18devel", "")
	fetched := server(t, "17.5", "")
	empty := pgtest.Dir(t)
	download := func(_ context.Context, major int) (string, error) {
		if major != 0 && major != 17 {
			return "", fmt.Errorf("no version %d", major)
		}
		return fetched, nil
	}
	for _, c := range []struct {
		name    string
		machine postgres.Machine
		named   string
		major   int
		want    string
	}{
		{"PATH comes first", postgres.Machine{Path: v14, Folders: []string{v16}}, "", 0, v14},
		{"the newest of the usual folders", postgres.Machine{Folders: []string{v14, v18, v16}}, "", 0, v18},
		{"not one too old", postgres.Machine{Path: v13, Folders: []string{v14}}, "", 0, v14},
		{"not an empty folder", postgres.Machine{Path: empty, Folders: []string{empty, v14}}, "", 0, v14},
		{"the version that made the database", postgres.Machine{Path: v18, Folders: []string{v14, v16}}, "", 16, v16},
		{"the one that is named", postgres.Machine{Path: v18}, v14, 0, v14},
		{"a download where there is none", postgres.Machine{Download: download}, "", 0, fetched},
		{"a download where none fits", postgres.Machine{Path: v18, Download: download}, "", 17, fetched},
		{"a download where it is asked for", postgres.Machine{Path: v18, Download: download}, postgres.BinDownload, 0, fetched},
	} {
		got, err := postgres.Find(t.Context(), c.machine, c.named, c.major)
		if err != nil || got != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
}

func TestBinariesThatAreMissingSaySo(t *testing.T) {
	t.Parallel()
	v13, v16 := server(t, "13.9", ""), server(t, "16.2", "")
	for _, c := range []struct {
		name    string
		machine postgres.Machine
		named   string
		major   int
		want    string
	}{
		{"none and no network", postgres.Machine{}, "", 0, "no Postgres server to run, and it could not be downloaded: install one"},
		{"no network", postgres.Machine{Path: v16}, postgres.BinDownload, 0, "could not be downloaded"},
		{"too old", postgres.Machine{Path: v13}, "", 0, "install 14 or later"},
		{"none of the version that made the database", postgres.Machine{}, "", 15, "made by Postgres 15, which is not on this machine"},
		{"another version made the database", postgres.Machine{Path: v16}, "", 15, "was made by Postgres 15"},
		{"a named folder without", postgres.Machine{Path: v16}, "/nonexistent", 0, "IMPORTLEDGER_POSTGRES_BIN names /nonexistent"},
		{"a named folder of another version", postgres.Machine{}, v16, 15, "install Postgres 15"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := postgres.Find(t.Context(), c.machine, c.named, c.major)
			wantSentence(t, err, c.want)
		})
	}
}

func TestAFailureToMakeTheDatabaseSaysWhatToDoAndLeavesNothingHalf(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{
		"could not write to file: No space left on device":             "no space left on the disk",
		"initdb: error: invalid locale name \"C\"":                     "no usable locale",
		"could not map anonymous shared memory: Cannot allocate":       "not enough memory",
		"FATAL: something that nobody has thought of":                  `"FATAL: something that nobody has thought of"`,
		"could not create directory: Read-only file system":            "read-only file system",
		"could not change permissions of directory: Permission denied": "may not use its folder",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			bin := server(t, "16.2", "echo '"+says+"' >&2; exit 1")
			cfg := postgres.OnMachine(pgtest.Config(pgtest.Dir(t)), postgres.Machine{Path: bin})
			_, err := postgres.StartCluster(t.Context(), cfg)
			wantSentence(t, err, want)
			for _, left := range []string{"pgdata", "pgdata.new", "password.initdb"} {
				if _, err := os.Stat(filepath.Join(cfg.Dir, left)); err == nil {
					t.Errorf("%s is left behind", left)
				}
			}
			pgtest.Cluster(t, pgtest.Config(cfg.Dir))
		})
	}
}

func TestMakingTheDatabaseCanBeInterrupted(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(pgtest.Dir(t), "begun")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(filepath.Dir(fifo), 0o711), os.Chmod(fifo, 0o666)); err != nil {
		t.Fatal(err)
	}
	bin := server(t, "16.2", "echo begun > "+fifo+"; exec sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if _, err := os.ReadFile(fifo); err != nil {
			t.Error(err)
		}
		cancel()
	}()
	_, err := postgres.StartCluster(ctx, postgres.OnMachine(pgtest.Config(pgtest.Dir(t)), postgres.Machine{Path: bin}))
	wantSentence(t, err, "was interrupted")
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestADownloadedServerRuns needs Maven Central, some 30 MB of it.
func TestADownloadedServerRuns(t *testing.T) {
	const optIn = "IMPORTLEDGER_TEST_DOWNLOAD"
	if os.Getenv(optIn) == "" {
		t.Skip("set " + optIn + "=1 to download a Postgres server and run it; CI does")
	}
	t.Setenv("XDG_CACHE_HOME", pgtest.Dir(t))
	t.Setenv(postgres.BinEnv, postgres.BinDownload)
	cfg := pgtest.Config(pgtest.Dir(t))
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	for range 2 {
		c := pgtest.Cluster(t, cfg)
		pool, err := postgres.Open(t.Context(), c.URL(), postgres.PoolConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if err := postgres.Migrate(t.Context(), pool); err != nil {
			t.Error(err)
		}
		pool.Close()
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
