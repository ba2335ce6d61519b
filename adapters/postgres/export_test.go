package postgres

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Machine is what a finder sees of a machine.
type Machine struct {
	Path     string   // the folder of a postgres in PATH
	Folders  []string // where distributions put theirs
	Download func(ctx context.Context, major int) (string, error)
}

// OnMachine has the cluster look for its binaries there.
func OnMachine(cfg ClusterConfig, m Machine) ClusterConfig {
	cfg.finder = finderOn(m)
	return cfg
}

// Find looks for binaries of a major version, 0 for any, and returns their folder.
func Find(ctx context.Context, m Machine, named string, major int) (string, error) {
	b, err := finderOn(m).find(ctx, named, major)
	return b.dir, err
}

func finderOn(m Machine) *finder {
	acct, err := serverAccount()
	if err != nil {
		panic(err)
	}
	if m.Download == nil {
		m.Download = func(context.Context, int) (string, error) { return "", errors.New("network is unreachable") }
	}
	return &finder{
		lookPath: func(program string) (string, error) {
			if m.Path == "" {
				return "", exec.ErrNotFound
			}
			return filepath.Join(m.Path, program), nil
		},
		pgConfig: func(context.Context) (string, error) { return "", exec.ErrNotFound },
		folders:  m.Folders, download: m.Download, account: acct,
	}
}

// StartStray starts a server on a stopped cluster behind its back, as one that
// outlived its importledger would run, and returns a channel that is closed
// when it has ended.
func StartStray(t *testing.T, dir string) <-chan struct{} {
	t.Helper()
	p := &place{home: dir}
	acct, err := serverAccount()
	if err == nil {
		acct, err = acct.forData(p.pgdata())
	}
	if err != nil {
		t.Fatal(err)
	}
	bin, err := machineFinder(acct, dir, nil).find(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	password, err := p.readPassword()
	if err != nil {
		t.Fatal(err)
	}
	port, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	output, err := openOutputLog(filepath.Join(t.TempDir(), "stray.log"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := startServer(t.Context(), serverSpec{
		bin: bin, account: acct, pgdata: p.pgdata(), port: port, password: password,
		settings: serverSettings(map[string]string{"shared_buffers": "16MB"}), output: output,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		<-s.exited
		if err := output.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.exited
}

// SetHeartbeat is how often locks look after their connection.
func (l *Locks) SetHeartbeat(every time.Duration) { l.heartbeat = every }
