package postgres

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the first version that we run on.
const oldestMajor = 14

// binaries is a folder with initdb and postgres of one version.
type binaries struct {
	dir     string
	version string
	major   int
}

func (b binaries) path(program string) string {
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	return filepath.Join(b.dir, program)
}

// finder looks for server binaries, in this order.
type finder struct {
	lookPath func(program string) (string, error)
	pgConfig func(ctx context.Context) (bindir string, err error)
	folders  []string // patterns
	download func(ctx context.Context, major int) (dir string, err error)
	account  *account // who must be able to run them
}

func machineFinder(acct *account, home string, log *slog.Logger) *finder {
	d := downloader{account: acct, home: home, log: log}
	return &finder{
		lookPath: exec.LookPath,
		pgConfig: func(ctx context.Context) (string, error) {
			out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output()
			return strings.TrimSpace(string(out)), err
		},
		folders: []string{
			"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
			"/usr/pgsql-*/bin",                  // PGDG on Red Hat
			"/usr/libexec/postgresql*",          // Alpine
			"/usr/lib/postgresql*/bin",          // SUSE, Gentoo
			"/usr/local/pgsql/bin",              // from source
			"/usr/local/opt/postgresql*/bin",    // Homebrew on Intel
			"/opt/homebrew/opt/postgresql*/bin", // Homebrew
			"/opt/local/lib/postgresql*/bin",    // MacPorts
			"/Library/PostgreSQL/*/bin",         // EDB on macOS
			"/Applications/Postgres.app/Contents/Versions/*/bin",
			`C:\Program Files\PostgreSQL\*\bin`,
		},
		download: d.download,
		account:  acct,
	}
}

// find returns binaries of major version want, or of any we run on when want
// is 0. named is the folder to use, BinDownload, or empty.
func (f *finder) find(ctx context.Context, named string, want int) (binaries, error) {
	switch {
	case named == BinDownload:
		return f.fetch(ctx, want, nil)
	case named != "":
		b, err := f.inspect(ctx, named)
		if err != nil {
			return binaries{}, fmt.Errorf("%s names %s, which holds no Postgres server that can be run: name the folder with initdb and postgres (%w)", BinEnv, named, err)
		}
		if !b.serves(want) {
			return binaries{}, versionError(b, want)
		}
		return b, nil
	}
	found := f.installed(ctx)
	if i := slices.IndexFunc(found, func(b binaries) bool { return b.serves(want) }); i >= 0 {
		return found[i], nil
	}
	return f.fetch(ctx, want, found)
}

func (b binaries) serves(want int) bool {
	return b.major == want || want == 0 && b.major >= oldestMajor
}

// installed lists what the machine has: PATH, pg_config, then the usual
// folders, newest first.
func (f *finder) installed(ctx context.Context) []binaries {
	var found []binaries
	add := func(dir string) {
		known := slices.ContainsFunc(found, func(b binaries) bool { return b.dir == dir })
		if known || dir == "" {
			return
		}
		// A folder without a server that can be run is no candidate, whatever the reason.
		if b, err := f.inspect(ctx, dir); err == nil {
			found = append(found, b)
		}
	}
	if path, err := f.lookPath("postgres"); err == nil {
		// Distributions and people link programs into PATH; the others are beside the real one.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			add(filepath.Dir(real))
		}
	}
	if dir, err := f.pgConfig(ctx); err == nil {
		add(dir)
	}
	preferred := len(found)
	for _, pattern := range f.folders {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			panic(err) // the patterns are ours
		}
		for _, dir := range dirs {
			add(dir)
		}
	}
	slices.SortStableFunc(found[preferred:], func(a, b binaries) int { return b.major - a.major })
	return found
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)\S*`)

// inspect runs the server for its version, as the account that will run it.
func (f *finder) inspect(ctx context.Context, dir string) (binaries, error) {
	b := binaries{dir: dir}
	if _, err := os.Stat(b.path("initdb")); err != nil {
		return binaries{}, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, b.path("postgres"), "--version")
	cmd.Dir, cmd.Stdout = filepath.VolumeName(dir)+string(filepath.Separator), &out
	if err := f.account.run(cmd); err != nil {
		return binaries{}, err
	}
	m := versionPattern.FindStringSubmatch(out.String())
	if m == nil {
		return binaries{}, fmt.Errorf("%s does not say its version", b.path("postgres"))
	}
	b.version = strings.TrimPrefix(m[0], "(PostgreSQL) ")
	major, err := strconv.Atoi(m[1])
	b.major = major
	return b, err
}

// fetch downloads binaries; found are installed ones that did not fit.
func (f *finder) fetch(ctx context.Context, want int, found []binaries) (binaries, error) {
	dir, err := f.download(ctx, want)
	if err == nil {
		var b binaries
		if b, err = f.inspect(ctx, dir); err == nil {
			return b, nil
		}
	}
	switch {
	case ctx.Err() != nil:
		return binaries{}, fmt.Errorf("looking for Postgres server binaries was interrupted: %w", ctx.Err())
	case len(found) > 0:
		return binaries{}, fmt.Errorf("%w (a download failed: %w)", versionError(found[0], want), err)
	case want != 0:
		return binaries{}, fmt.Errorf("the database in the data directory was made by Postgres %d, which is not on this machine and could not be downloaded: install it, or name its folder with %s (%w)", want, BinEnv, err)
	}
	return binaries{}, fmt.Errorf("there is no Postgres server to run, and it could not be downloaded: install one (package postgresql), name its folder with %s, or set %s to a server of yours (%w)", BinEnv, URLEnv, err)
}

func versionError(b binaries, want int) error {
	if want == 0 {
		return fmt.Errorf("the Postgres server in %s is version %s: install %d or later, name its folder with %s, or set %s to a server of yours", b.dir, b.version, oldestMajor, BinEnv, URLEnv)
	}
	return fmt.Errorf("the database in the data directory was made by Postgres %d, and the server in %s is version %s: install Postgres %d, or name its folder with %s", want, b.dir, b.version, want, BinEnv)
}
