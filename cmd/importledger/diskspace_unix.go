//go:build linux || darwin || freebsd

package main

import "golang.org/x/sys/unix"

// freeSpace tells the bytes that this user may still write to the disk of a folder.
func freeSpace(dir string) (free int64, known bool, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false, err
	}
	return int64(s.Bavail) * int64(s.Bsize), true, nil
}
