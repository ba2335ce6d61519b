//go:build unix && !linux

package postgres

import "syscall"

// endWithParent has no counterpart here: a server that outlives this process
// is shut down by the next start.
func endWithParent(*syscall.SysProcAttr, syscall.Signal) {}
