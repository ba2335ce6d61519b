//go:build !linux

package pgtest

import "os"

// tempRoot is where clusters for tests are made.
func tempRoot() string { return os.TempDir() }
