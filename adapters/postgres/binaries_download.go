package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// downloads are the versions that can be had, by major version; 0 is the one
// for a new cluster.
var downloads = map[int]embeddedpostgres.PostgresVersion{
	0: embeddedpostgres.V18, 14: embeddedpostgres.V14, 15: embeddedpostgres.V15, 16: embeddedpostgres.V16,
	17: embeddedpostgres.V17, 18: embeddedpostgres.V18,
}

// downloader gets server binaries from Maven Central.
type downloader struct {
	account *account
	home    string // the cluster's folder: the last resort to keep them in
	log     *slog.Logger
}

// download returns the folder of the programs, downloading them unless an
// earlier run did.
func (d downloader) download(ctx context.Context, major int) (string, error) {
	version, ok := downloads[major]
	if !ok {
		return "", fmt.Errorf("Postgres %d is not among the versions that can be downloaded", major)
	}
	cache, err := d.cache(ctx)
	if err != nil {
		return "", err
	}
	unpacked := filepath.Join(cache, "postgres-"+string(version))
	if _, err := os.Stat(unpacked); err == nil {
		return filepath.Join(unpacked, "bin"), nil
	}
	d.log.Info("downloading the Postgres server, once; this can take minutes", "version", version, "to", cache)
	began := time.Now()
	if err := d.await(ctx, func() error { return fetchInto(ctx, cache, unpacked, version) }); err != nil {
		return "", err
	}
	d.log.Info("the Postgres server is downloaded", "version", version, "took", time.Since(began).Round(time.Millisecond))
	return filepath.Join(unpacked, "bin"), nil
}

// await runs fetch and says now and then that it still does. The library
// cannot be interrupted, so an interrupted fetch ends in the background, into
// a folder that nobody uses.
func (d downloader) await(ctx context.Context, fetch func() error) error {
	done := make(chan error, 1)
	go func() { done <- fetch() }()
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	limit := time.After(15 * time.Minute)
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			d.log.Info("still downloading the Postgres server")
		case <-limit:
			return errors.New("the download did not end within 15 minutes")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fetchInto downloads and unpacks a version aside and renames it into place,
// so that what is there is whole and two processes do not meet.
func fetchInto(ctx context.Context, cache, unpacked string, version embeddedpostgres.PostgresVersion) error {
	aside, err := os.MkdirTemp(cache, "unpacking-")
	if err != nil {
		return err
	}
	err = unpackInto(ctx, aside, version)
	if err == nil {
		err = os.Rename(filepath.Join(aside, "server"), unpacked)
		if _, statErr := os.Stat(unpacked); statErr == nil {
			err = nil // ours, or another process was faster
		}
	}
	return errors.Join(err, os.RemoveAll(aside))
}

// unpackInto has the library download and unpack into aside/server. It would go
// on to initdb and start the server, as root too, which Postgres refuses: it is
// given a database folder that looks made and cannot be started, so that it
// ends there. What counts is that the programs have arrived.
func unpackInto(ctx context.Context, aside string, version embeddedpostgres.PostgresVersion) error {
	stub := filepath.Join(aside, "stub")
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	major, _, _ := strings.Cut(string(version), ".")
	err = errors.Join(
		os.Chmod(aside, 0o755),
		os.Mkdir(stub, 0o700),
		os.WriteFile(filepath.Join(stub, "PG_VERSION"), []byte(major+"\n"), 0o600))
	if err != nil {
		return err
	}
	defer http.DefaultClient.CloseIdleConnections() // the library's, which would live on
	err = embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).
		Port(uint32(port)).
		CachePath(filepath.Join(aside, "archive")).
		RuntimePath(filepath.Join(aside, "runtime")).
		BinariesPath(filepath.Join(aside, "server")).
		DataPath(stub).
		Logger(io.Discard)).Start()
	for _, program := range []string{"postgres", "initdb"} {
		if _, statErr := os.Stat((binaries{dir: filepath.Join(aside, "server", "bin")}).path(program)); statErr != nil {
			return errors.Join(err, statErr)
		}
	}
	return os.Chmod(filepath.Join(aside, "server"), 0o755)
}

// cache is a folder that lasts and that the account which runs Postgres can
// enter.
func (d downloader) cache(ctx context.Context) (string, error) {
	var candidates []string
	if dir, err := os.UserCacheDir(); err == nil {
		candidates = append(candidates, filepath.Join(dir, "importledger"))
	}
	if d.account != nil {
		candidates = append(candidates, "/var/cache/importledger")
	}
	candidates = append(candidates, filepath.Join(d.home, "server"))
	var errs []error
	for _, dir := range candidates {
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = d.account.canEnter(ctx, dir)
		}
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}
