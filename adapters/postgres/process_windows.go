package postgres

import (
	"errors"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/windows"
)

// serverSignal is a signal as pg_ctl names it; Windows has none of its own.
type serverSignal string

const (
	fastShutdown      serverSignal = "INT"
	immediateShutdown serverSignal = "QUIT"
)

func prepareServer(*exec.Cmd, *account) {}
func prepareTool(*exec.Cmd, *account)   {}

func signalServer(bin binaries, pid int, signal serverSignal) error {
	return exec.Command(bin.path("pg_ctl"), "kill", string(signal), strconv.Itoa(pid)).Run()
}

// servesDir cannot be told here; Postgres itself refuses a folder in use.
func servesDir(int, string) bool { return false }

// dirLock keeps a folder to one process; the system gives it back when the
// process ends, however it ends.
type dirLock struct{ *os.File }

func tryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// syncDir is not needed: the file system keeps names in order.
func syncDir(string) error { return nil }
