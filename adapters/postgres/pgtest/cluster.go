package pgtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"importledger/adapters/postgres"
)

const clusterPrefix = "importledger-pgtest-"

// removeAbandoned clears away what test binaries that were killed left behind.
// A folder of the last minutes may belong to one that is just starting.
func removeAbandoned() error {
	dirs, err := filepath.Glob(filepath.Join(tempRoot(), clusterPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < 10*time.Minute {
			continue // gone already, or young
		}
		inUse, err := postgres.ClusterInUse(dir)
		if err != nil || inUse {
			continue // somebody else's
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// Dir is a folder for a cluster of the test's own. Unlike t.TempDir, the user
// that Postgres runs under can enter it where the test is root.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(tempRoot(), clusterPrefix)
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Config is a cluster for tests in dir: it loses data with the machine's power,
// though not when a process is killed, and takes as many clients as parallel
// tests make.
func Config(dir string) postgres.ClusterConfig {
	return postgres.ClusterConfig{
		Dir:       dir,
		SystemDir: filepath.Join(os.TempDir(), "importledger-pgtest-system"),
		Settings: map[string]string{
			"fsync": "off", "full_page_writes": "off",
			"max_connections": "200", "shared_buffers": "64MB", "max_wal_size": "256MB",
		},
	}
}

// Cluster starts a cluster for one test, which may kill and stop it.
func Cluster(t testing.TB, cfg postgres.ClusterConfig) *postgres.Cluster {
	t.Helper()
	c, err := postgres.StartCluster(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}
