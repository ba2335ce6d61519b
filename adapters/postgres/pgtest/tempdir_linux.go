package pgtest

import (
	"os"
	"syscall"
)

// tempRoot is where clusters for tests are made: in memory where there is
// plenty, since a database is some 300 files and a disk may take a millisecond
// for each, else in the system's temporary folder.
func tempRoot() string {
	const memory, plenty = "/dev/shm", 2 << 30
	var fs syscall.Statfs_t
	if os.Getenv("TMPDIR") == "" && syscall.Statfs(memory, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= plenty {
		return memory
	}
	return os.TempDir()
}
