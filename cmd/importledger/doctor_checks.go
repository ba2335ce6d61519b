package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"importledger/adapters/eventstore"
	"importledger/adapters/postgres"
)

// doctor looks at the installation without changing it.
type doctor struct {
	*program
	running *client // the server on the data directory; nil: none
}

func (d *doctor) findServer(ctx context.Context) *client {
	running, err := d.runningServer(ctx)
	if err != nil {
		return nil // whatever it is, the data directory's own check says it
	}
	return running
}

func (d *doctor) settingsFile(context.Context) finding {
	path := d.settings.file
	if path == "" {
		return allWell("no configuration file; flags and environment only")
	}
	info, err := os.Stat(path)
	if err != nil {
		return mustMend("make it readable for this user", "%s cannot be read (%v)", path, cause(err))
	}
	for _, v := range d.settings.inForce {
		if v.from == fromFile && v.setting.secret && info.Mode().Perm()&0o077 != 0 {
			return mustMend("chmod 600 "+shellWord(path), "%s holds secrets, and others may read it", path)
		}
	}
	return allWell("%s", path)
}

func (d *doctor) dataDirectory(context.Context) finding {
	dir := d.settings.Data
	const elsewhere = "make it writable for this user, or name another with --data or IMPORTLEDGER_DATA"
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		parent := nearestFolder(dir)
		if err := writable(parent); err != nil {
			return mustMend(elsewhere, "%s cannot be made: %s is not writable (%v)", dir, parent, cause(err))
		}
		return allWell("%s will be made at the first start", dir)
	case err != nil:
		return mustMend(elsewhere, "%s cannot be used (%v)", dir, cause(err))
	case !info.IsDir():
		return mustMend("name another with --data or IMPORTLEDGER_DATA", "%s is a file", dir)
	}
	if err := writable(dir); err != nil {
		return mustMend(elsewhere, "%s is not writable (%v)", dir, cause(err))
	}
	if who := heldDataDir(dir); who != "" {
		if d.running == nil {
			return worthKnowing("wait for it to end, or for its server to be ready", "%s is held by %s, whose server cannot be reached", dir, who)
		}
		return allWell("%s, held by %s", dir, who)
	}
	return allWell("%s, writable and free", dir)
}

// heldDataDir names the process that has the data directory; empty when none has.
func heldDataDir(dir string) string {
	path := filepath.Join(dir, "lock")
	if _, err := os.Stat(path); err != nil {
		return "" // nobody ever had it
	}
	lock := flock.New(path)
	free, err := lock.TryRLock()
	if free {
		err = lock.Close()
	}
	if free && err == nil {
		return ""
	}
	var h holder
	if readJSON(filepath.Join(dir, "holder.json"), &h) != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d (importledger %s)", h.PID, h.Command)
}

// nearestFolder is the folder itself or the nearest one above it that exists.
func nearestFolder(dir string) string {
	dir, err := filepath.Abs(dir)
	for err == nil {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

// writable tries it: permissions, quotas and read-only disks have no other test.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

const (
	littleSpace  = 2 << 30
	tooLittle    = 200 << 20
	roughPerRow  = "an import of 20,000 rows takes about 50 MB"
	spaceMending = "free some; " + roughPerRow
)

func (d *doctor) diskSpace(context.Context) finding {
	dir := nearestFolder(d.settings.Data)
	free, known, err := freeSpace(dir)
	switch {
	case err != nil:
		return worthKnowing("", "free space of %s cannot be told (%v)", dir, err)
	case !known:
		return worthKnowing("", "free space cannot be told on this system")
	case free < tooLittle:
		return mustMend(spaceMending, "%s free at %s", byteSize(free), dir)
	case free < littleSpace:
		return worthKnowing(spaceMending, "%s free at %s", byteSize(free), dir)
	}
	return allWell("%s free", byteSize(free))
}

func (d *doctor) secretKey(context.Context) finding {
	return d.key(d.settings.SecretKey, "IMPORTLEDGER_SECRET_KEY", "secret.key", "restore it from a backup: without it contacts get other ids")
}

func (d *doctor) auditKey(context.Context) finding {
	return d.key(d.settings.AuditKey, "IMPORTLEDGER_AUDIT_KEY", "audit.key", "restore it from a backup, or remove it: another one is made, and what this one signed still verifies")
}

// key looks at a key that is set, or made once in the data directory.
func (d *doctor) key(set, variable, file, mend string) finding {
	if set != "" {
		return allWell("from %s or the configuration file", variable)
	}
	path := filepath.Join(d.settings.Data, file)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return allWell("will be made at the first start")
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return mustMend("chmod 600 "+shellWord(path), "others may read %s", path)
	}
	text, readErr := os.ReadFile(path)
	if err = errors.Join(err, readErr); err != nil {
		return mustMend("give it back to the user who runs importledger", "%s cannot be read (%v)", path, cause(err))
	}
	if isSecretKey(strings.TrimSpace(string(text))) != nil {
		return mustMend(mend, "%s is no such key", path)
	}
	return allWell("%s, for its owner only", path)
}

func (d *doctor) eventStore(ctx context.Context) finding {
	if d.settings.EventStoreURL == "" {
		return allWell("embedded node, in the data directory")
	}
	log, err := eventstore.Open(ctx, d.settings.EventStoreURL, eventstore.Config{Timeout: patienceOfDoctor / 2})
	if err != nil {
		what, mend := explainEventStore(err, d.settings.EventStoreURL)
		return mustMend(mend, "%v", what)
	}
	log.Close()
	return allWell("%s answers", maskURL(d.settings.EventStoreURL))
}

func (d *doctor) database(ctx context.Context) finding {
	if d.settings.DatabaseURL == "" {
		return d.postgresPrograms(ctx)
	}
	pool, err := postgres.Open(ctx, d.settings.DatabaseURL, postgres.PoolConfig{MaxConns: 1})
	if err != nil {
		return mustMend("see that it runs, and that IMPORTLEDGER_DATABASE_URL is right", "%v", err)
	}
	defer pool.Close()
	var version string
	if err := pool.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return mustMend("see that it runs", "Postgres does not say its version (%v)", err)
	}
	return allWell("Postgres %s at %s", version, maskURL(d.settings.DatabaseURL))
}

// postgresPrograms looks where most machines have the server's programs. The
// private cluster looks further, and downloads them where there are none.
func (d *doctor) postgresPrograms(ctx context.Context) finding {
	if named := d.settings.PostgresBin; named != "" {
		if named == postgres.BinDownload {
			return allWell("private cluster, with programs that are downloaded")
		}
		version, err := postgresVersion(ctx, named)
		if err != nil {
			return mustMend("name the folder that has postgres and initdb", "IMPORTLEDGER_POSTGRES_BIN names %s, which has no Postgres server that runs (%v)", named, cause(err))
		}
		return allWell("private cluster, Postgres %s of %s", version, named)
	}
	var folders []string
	if path, err := exec.LookPath("postgres"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	if usual, err := filepath.Glob("/usr/lib/postgresql/*/bin"); err == nil {
		folders = append(folders, usual...)
	}
	for _, dir := range folders {
		if version, err := postgresVersion(ctx, dir); err == nil {
			return allWell("private cluster, Postgres %s of %s", version, dir)
		}
	}
	return worthKnowing("install the package postgresql, set IMPORTLEDGER_POSTGRES_BIN, or set IMPORTLEDGER_DATABASE_URL to a server of yours",
		"no Postgres server found in the usual places: the first start looks further, then downloads one")
}

func postgresVersion(ctx context.Context, dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return "", err
	}
	_, version, found := strings.Cut(string(out), "(PostgreSQL) ")
	if !found {
		return "", fmt.Errorf("it does not say its version")
	}
	return strings.Fields(version + " unknown")[0], nil
}

func (d *doctor) addresses(ctx context.Context) finding {
	if d.running != nil {
		return allWell("in use by the running server")
	}
	var free []string
	for _, at := range []struct{ key, address string }{
		{"listen", d.settings.Listen}, {"ops-listen", d.settings.OpsListen},
		{"sftp-listen", d.settings.SFTPListen}, {"ftps-listen", d.settings.FTPSListen},
	} {
		if at.address == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at.address)
		if err != nil {
			return mustMend("end what listens there, or choose another address with --"+at.key, "%s cannot be listened on (%v)", at.address, listenCause(err))
		}
		if err := listener.Close(); err != nil {
			return mustMend("try again", "%s cannot be given back (%v)", at.address, err)
		}
		free = append(free, at.address)
	}
	return allWell("%s, free", strings.Join(free, ", "))
}

func listenCause(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	return err
}

func (d *doctor) server(ctx context.Context) (f finding) {
	c := d.running
	if d.settings.Server != "" {
		c = newClient(d.settings.Server, "", "")
		defer c.close()
	}
	if c == nil {
		return allWell("none runs on the data directory; commands open it themselves")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/readyz", nil)
	if err != nil {
		return mustMend("correct --server", "%v", err)
	}
	began := time.Now()
	response, err := c.http.Do(request)
	if err != nil {
		return mustMend("start it, or correct --server", "%s does not answer", c.base)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return mustMend("try again", "%s broke off (%v)", c.base, err)
	}
	if response.StatusCode != http.StatusOK {
		return mustMend("mend what it names; its log says more", "%s is not ready: %s", c.base, strings.TrimSpace(string(text)))
	}
	return allWell("%s is ready (%d ms)", c.base, time.Since(began).Milliseconds())
}

func (d *doctor) credentials(ctx context.Context) finding {
	const mend = "set IMPORTLEDGER_CLIENT_ID and IMPORTLEDGER_CLIENT_SECRET to those of an API client"
	if d.settings.ClientID == "" {
		return mustMend(mend, "none are set")
	}
	c := newClient(d.settings.Server, d.settings.ClientID, d.settings.ClientSecret)
	defer c.close()
	if _, err := c.bearer(ctx); err != nil {
		return mustMend(mend, "%v", err)
	}
	return allWell("%s is let in", d.settings.ClientID)
}
