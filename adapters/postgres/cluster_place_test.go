package postgres_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

// closedConfig is a cluster below a folder of mode 0700: closed to the user
// that Postgres runs under where the tests are root.
func closedConfig(t *testing.T) postgres.ClusterConfig {
	t.Helper()
	parent := filepath.Join(pgtest.Dir(t), "home")
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := pgtest.Config(filepath.Join(parent, "data"))
	cfg.SystemDir = pgtest.Dir(t)
	if err := os.Chmod(cfg.SystemDir, 0o711); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func root() bool { return os.Geteuid() == 0 }

func TestADataDirectoryThatPostgresCannotEnterPointsToOneThatItCan(t *testing.T) {
	t.Parallel()
	cfg := closedConfig(t)
	c := pgtest.Cluster(t, cfg)
	execute(t, c.URL(), "CREATE TABLE kept AS SELECT 42 AS n")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	home := cfg.Dir
	pointer, err := os.ReadFile(filepath.Join(cfg.Dir, "location"))
	if root() {
		if err != nil {
			t.Fatal(err)
		}
		home = strings.TrimSpace(string(pointer))
		if filepath.Dir(home) != cfg.SystemDir {
			t.Errorf("the cluster is in %s", home)
		}
	} else if err == nil {
		t.Errorf("moved to %s without need", pointer)
	}
	if _, err := os.Stat(filepath.Join(home, "pgdata", "PG_VERSION")); err != nil {
		t.Error(err)
	}
	if got := queryInt(t, pgtest.Cluster(t, cfg).URL(), "SELECT n FROM kept"); got != 42 {
		t.Errorf("the second start found %d", got)
	}
}

func TestADataDirectoryMadeAgainDoesNotFindTheDatabaseOfTheOldOne(t *testing.T) {
	t.Parallel()
	cfg := closedConfig(t)
	c := pgtest.Cluster(t, cfg)
	execute(t, c.URL(), "CREATE TABLE old ()")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(cfg.Dir); err != nil {
		t.Fatal(err)
	}
	if n := queryInt(t, pgtest.Cluster(t, cfg).URL(), "SELECT count(*) FROM pg_tables WHERE tablename = 'old'"); n != 0 {
		t.Error("the old database is back")
	}
}

func TestAPointerToAFolderThatIsGoneSaysSo(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	if err := os.WriteFile(filepath.Join(cfg.Dir, "location"), []byte("/nonexistent/cluster\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.StartCluster(t.Context(), cfg)
	wantSentence(t, err, "was kept in /nonexistent/cluster")
}

func TestADatabaseThatPostgresCannotEnterAnyMoreIsNotReplacedByAnEmptyOne(t *testing.T) {
	t.Parallel()
	cfg := closedConfig(t)
	parent := filepath.Dir(cfg.Dir)
	if err := os.Chmod(parent, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := pgtest.Cluster(t, cfg).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := postgres.StartCluster(t.Context(), cfg)
	if root() {
		wantSentence(t, err, "cannot enter "+cfg.Dir+" any more")
		return
	}
	if err != nil {
		t.Fatal(err) // the owner of the folder may enter it
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADataDirectoryThatIsAFileSaysSo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(pgtest.Dir(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.StartCluster(t.Context(), pgtest.Config(filepath.Join(file, "data")))
	wantSentence(t, err, "cannot be used for the private Postgres")
}

func TestALostPasswordFileSaysSo(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	if err := pgtest.Cluster(t, cfg).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cfg.Dir, "password")); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.StartCluster(t.Context(), cfg)
	wantSentence(t, err, "restore "+filepath.Join(cfg.Dir, "password"))
}

func TestADatabaseRunsUnderTheUserItBelongsTo(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	if err := pgtest.Cluster(t, cfg).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if root() { // as if the user postgres had come after the database
		chownAll(t, filepath.Join(cfg.Dir, "pgdata"), 12345)
	}
	if err := pgtest.Cluster(t, cfg).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if root() { // as a copy that did not keep the owner
		chownAll(t, filepath.Join(cfg.Dir, "pgdata"), 0)
		_, err := postgres.StartCluster(t.Context(), cfg)
		wantSentence(t, err, "belongs to root, as whom Postgres does not run")
	}
}

func chownAll(t *testing.T, dir string, uid int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, uid, uid))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatAStartThatWasKilledHalfwayLeftIsClearedAway(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Config(pgtest.Dir(t))
	half := filepath.Join(cfg.Dir, "pgdata.new")
	if err := errors.Join(
		os.Mkdir(half, 0o700),
		os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600),
		os.WriteFile(filepath.Join(cfg.Dir, "password"), []byte("old\n"), 0o600),
		os.WriteFile(filepath.Join(cfg.Dir, "password.initdb"), []byte("old"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	execute(t, pgtest.Cluster(t, cfg).URL(), "SELECT 1")
	for _, left := range []string{half, filepath.Join(cfg.Dir, "password.initdb")} {
		if _, err := os.Stat(left); err == nil {
			t.Errorf("%s is left behind", left)
		}
	}
}
