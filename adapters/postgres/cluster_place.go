package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

const (
	systemDir = "/var/lib/importledger"
	pointer   = "location" // in Dir: the folder that holds the cluster instead
)

// place is the folder that holds a cluster: pgdata, the password of its user
// and the server's output. It belongs to the user of this process, pgdata to
// the account that Postgres runs under, so that nothing that account does can
// lead us to write elsewhere.
type place struct {
	home    string
	account *account // nil: the user of this process
	locks   []*flock.Flock
}

func (p *place) pgdata() string   { return filepath.Join(p.home, "pgdata") }
func (p *place) password() string { return filepath.Join(p.home, "password") }
func (p *place) logFile() string  { return filepath.Join(p.home, "postgres.log") }

// openPlace finds the folder that holds, or will hold, the cluster, and locks
// it for this process.
func openPlace(ctx context.Context, cfg ClusterConfig, log *slog.Logger) (*place, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("the folder for the private Postgres is unknown: %w", err)
	}
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	if err := acct.canEnter(ctx, "/"); err != nil {
		return nil, fmt.Errorf("root may not run Postgres as the user %s here: run importledger as another user than root, or set %s to a server of yours (%w)", acct.name, URLEnv, err)
	}
	p := &place{account: acct}
	err = p.take(dir)
	if err == nil {
		err = p.settle(ctx, dir, cmp.Or(cfg.SystemDir, systemDir), log)
	}
	if err != nil {
		return nil, errors.Join(err, closeLocks(p.locks))
	}
	return p, nil
}

// take makes the folder, locks it and has the cluster live in it.
func (p *place) take(dir string) (err error) {
	if err := passThrough(dir, p.account); err != nil {
		return err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	p.locks = append(p.locks, lock)
	p.home = dir
	p.account, err = p.account.forData(p.pgdata())
	return err
}

// settle leaves dir, which was taken, for the folder that an earlier start
// chose, or for one in system where the account cannot enter dir.
func (p *place) settle(ctx context.Context, dir, system string, log *slog.Logger) error {
	elsewhere, err := os.ReadFile(filepath.Join(dir, pointer))
	if err == nil {
		return p.follow(dir, strings.TrimSpace(string(elsewhere)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return explainPath(err, dir)
	}
	closed := p.account.canEnter(ctx, dir)
	if closed == nil {
		return nil
	}
	if _, err := os.Stat(p.pgdata()); err == nil {
		return fmt.Errorf("the user %s, who runs Postgres for root, cannot enter %s any more: allow it with chmod o+x on each folder above (%w)", p.account.name, dir, closed)
	}
	home, err := moveTo(ctx, system, dir, p.account)
	if err != nil {
		return fmt.Errorf("the user %s, who runs Postgres for root, can enter neither %s nor a folder in %s: allow it with chmod o+x on each folder above, or choose another data directory (%w)", p.account.name, dir, system, err)
	}
	log.Warn("the private Postgres lives outside of the data directory, which its user cannot enter: back up both",
		"user", p.account.name, "data", dir, "postgres", home)
	return p.take(home)
}

// follow takes the folder that an earlier start chose.
func (p *place) follow(dir, home string) error {
	if _, err := os.Stat(home); err != nil {
		return fmt.Errorf("the database of %s was kept in %s, as %s says, and cannot be reached there: bring it back, or remove that file to begin with an empty database (%w)",
			dir, home, filepath.Join(dir, pointer), err)
	}
	return p.take(home)
}

// moveTo makes a folder in system for the cluster of dir, and leaves the
// pointer to it. The name is never one that was used before: a data directory
// that was removed and made again must not find its old database.
func moveTo(ctx context.Context, system, dir string, acct *account) (string, error) {
	if err := os.MkdirAll(system, 0o711); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(dir))
	home, err := os.MkdirTemp(system, hex.EncodeToString(sum[:6])+"-")
	if err != nil {
		return "", err
	}
	if err := errors.Join(passThrough(home, acct), acct.canEnter(ctx, home)); err != nil {
		return "", errors.Join(err, os.Remove(home))
	}
	if err := writeDurably(filepath.Join(home, "belongs-to"), dir+"\n"); err != nil {
		return "", err
	}
	return home, writeDurably(filepath.Join(dir, pointer), home+"\n")
}

// passThrough makes the folder and lets the account pass through it, to pgdata,
// and not read it.
func passThrough(dir string, acct *account) error {
	mode := fs.FileMode(0o700)
	if acct != nil {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return explainPath(err, dir)
	}
	if err := os.Chmod(dir, mode); err != nil {
		return explainPath(err, dir)
	}
	return nil
}

// major is the version that wrote the cluster, 0 where there is none yet.
func (p *place) major() (int, error) {
	file := filepath.Join(p.pgdata(), "PG_VERSION")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("the database in %s belongs to another user: start importledger as that user, or as root (%w)", p.home, err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s does not hold a Postgres version: restore the data directory from a backup (%w)", file, err)
	}
	return major, nil
}

// writeDurably puts a file of mode 0600 in place whole, or not at all.
func writeDurably(path, text string) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
