package postgres

import (
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

func signalServer(bin binaries, pid int, signal serverSignal) error {
	return exec.Command(bin.path("pg_ctl"), "kill", string(signal), strconv.Itoa(pid)).Run()
}

// servesDir cannot be told here; Postgres itself refuses a folder in use.
func servesDir(int, string) bool { return false }

// syncDir is not needed: the file system keeps names in order.
func syncDir(string) error { return nil }
