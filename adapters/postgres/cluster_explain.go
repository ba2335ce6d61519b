package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// reasons turn what initdb and postgres say into what to do. The first that
// fits is told; again marks what passes by itself.
var reasons = []struct {
	says  []string
	tell  string // %s is the cluster's folder
	again bool
}{
	{says: []string{"No space left on device", "Disk quota exceeded"},
		tell: "there is no space left on the disk of %s: free some, then start again"},
	{says: []string{"Address already in use", "could not bind IPv4 address"},
		tell: "another program took the port of the private Postgres in %s: start again", again: true},
	{says: []string{"is still in use", `lock file "postmaster.pid" already exists`},
		tell: "an earlier Postgres still runs on %s: end it, then start again", again: true},
	{says: []string{"is not compatible with this version", "database files are incompatible", "was initialized by PostgreSQL version"},
		tell: "the database in %s was made by another Postgres version: install that version, or name its folder with " + BinEnv},
	{says: []string{"invalid locale", "failed to restore old locale"},
		tell: "Postgres finds no usable locale to make the database in %s: install the system's locale data (package locales or glibc-common)"},
	{says: []string{"could not map anonymous shared memory", "could not create shared memory", "Cannot allocate memory"},
		tell: "there is not enough memory for the private Postgres in %s: free some, or raise the limit of the container"},
	{says: []string{"Permission denied", "Operation not permitted", "has wrong ownership", "has invalid permissions"},
		tell: "Postgres may not use its folder %s: give it back to the user that Postgres runs under, mode 0700"},
	{says: []string{"Read-only file system"},
		tell: "%s is on a read-only file system: choose a data directory that can be written"},
}

// explain says why initdb or postgres ended, in one sentence.
func explain(output *outputLog, dir string, err error) error {
	said := output.recent()
	for _, r := range reasons {
		for _, s := range r.says {
			if !strings.Contains(said, s) {
				continue
			}
			tell := fmt.Errorf(r.tell, dir)
			if r.again {
				return &startAgain{tell}
			}
			return tell
		}
	}
	last := said[strings.LastIndexByte(said, '\n')+1:]
	if err == nil {
		err = errors.New("it ended by itself")
	}
	return fmt.Errorf("the private Postgres in %s did not run (%w): %q; all of it is in %s", dir, err, last, output.path)
}

// startAgain is a failure to start that passes by itself.
type startAgain struct{ error }

func (startAgain) Is(target error) bool { return target == errStartAgain }

// explainPath says what to do about a folder that something cannot be read from
// or written to.
func explainPath(err error, dir string) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s cannot be written: choose another data directory, or give this one to the user who runs importledger (%w)", dir, err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("there is no space left on the disk of %s: free some, then start again (%w)", dir, err)
	}
	return fmt.Errorf("%s cannot be used for the private Postgres: %w", dir, err)
}
