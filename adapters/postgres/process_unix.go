//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

type serverSignal = syscall.Signal

const (
	fastShutdown      = syscall.SIGINT
	immediateShutdown = syscall.SIGQUIT
)

// prepareServer sets who runs the server. A group of its own keeps the
// terminal's Ctrl-C from it: our own shutdown needs it until its end.
func prepareServer(cmd *exec.Cmd, a *account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr, fastShutdown)
	setCredential(cmd.SysProcAttr, a)
}

// prepareTool sets who runs initdb and the like.
func prepareTool(cmd *exec.Cmd, a *account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	endWithParent(cmd.SysProcAttr, syscall.SIGKILL)
	setCredential(cmd.SysProcAttr, a)
}

func setCredential(attr *syscall.SysProcAttr, a *account) {
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
}

func signalServer(_ context.Context, _ binaries, pid int, signal serverSignal) error {
	err := syscall.Kill(pid, signal)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// servesDir tells whether the process is a Postgres that runs on pgdata. A
// process that has ended and waits for its parent is not.
func servesDir(ctx context.Context, pid int, pgdata string) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return false
	}
	if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
		return strings.Contains(string(line), "\x00"+pgdata+"\x00")
	}
	line, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(line), "-D "+pgdata+" ")
}

// ownerOf tells whose a file is.
func ownerOf(path string) (uid, gid uint32, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	return stat.Uid, stat.Gid, nil
}

// syncDir makes names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
