package postgres

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockFile keeps a cluster's folder to one process; the system gives the lock
// back when the process ends, however it ends.
const lockFile = "lock"

func lockDir(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, lockFile))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, explainPath(err, dir)
	}
	if !ok {
		return nil, fmt.Errorf("another importledger uses the database in %s: stop it, or choose another data directory", dir)
	}
	return lock, nil
}

func closeLocks(locks []*flock.Flock) error {
	var errs []error
	for _, l := range locks {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// ClusterInUse tells whether a process has the cluster in dir open.
func ClusterInUse(dir string) (bool, error) {
	lock := flock.New(filepath.Join(dir, lockFile))
	free, err := lock.TryLock()
	if err != nil {
		return false, fmt.Errorf("lock of %s: %w", dir, err)
	}
	if !free {
		return true, nil
	}
	return false, lock.Close()
}
