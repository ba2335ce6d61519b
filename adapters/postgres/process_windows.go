package postgres

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
)

// serverSignal is a signal as pg_ctl names it; Windows has none of its own.
type serverSignal string

const (
	fastShutdown      serverSignal = "INT"
	immediateShutdown serverSignal = "QUIT"
)

func prepareServer(*exec.Cmd, *account) {}
func prepareTool(*exec.Cmd, *account)   {}

func signalServer(ctx context.Context, bin binaries, pid int, signal serverSignal) error {
	return exec.CommandContext(ctx, bin.path("pg_ctl"), "kill", string(signal), strconv.Itoa(pid)).Run()
}

// servesDir cannot be told here; Postgres itself refuses a folder in use.
func servesDir(context.Context, int, string) bool { return false }

// ownerOf is asked of root only, whom Windows does not have.
func ownerOf(string) (uid, gid uint32, err error) { return 0, 0, errors.ErrUnsupported }

// syncDir is not needed: the file system keeps names in order.
func syncDir(string) error { return nil }
