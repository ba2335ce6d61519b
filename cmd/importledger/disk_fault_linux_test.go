package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"importledger/adapters/postgres/pgtest"
)

// onSmallDisk makes a process see a folder as a disk of so many bytes, which nobody
// else sees.
func onSmallDisk(command *exec.Cmd, dir, size string) {
	script := `mount --make-rprivate / && mount -t tmpfs -o "size=$1" importledger "$2" && shift 2 && exec "$@"`
	command.Args = append([]string{"sh", "-c", script, "sh", size, dir}, command.Args...)
	command.Path = "/bin/sh"
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
}

// A file for which there is no room is refused, is no import, and leaves nothing
// behind that takes the room of the next one.
func TestAFullDiskRefusesAFileAndTakesTheNext(t *testing.T) {
	t.Parallel()
	files := t.TempDir()
	p := startProcessOn(t, func(c *exec.Cmd) { onSmallDisk(c, files, "1m") },
		[]string{"IMPORTLEDGER_BLOB_URL=file://" + filepath.Join(files, "blobs"), "IMPORTLEDGER_DATABASE_URL=" + pgtest.URL(t)},
		"serve", "--data", pgtest.Dir(t), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
	c := p.serving()
	small := contactsOf{generation: 1, rows: 1000}
	for range 3 { // were anything left of it, the small one would have no room
		large := contactsOf{rows: 20_000}
		_, err := large.send(t.Context(), c, large.name())
		refused, ok := errors.AsType[*apiError](err)
		if !ok || refused.Status != http.StatusServiceUnavailable || refused.Code != "file-store-full" || !strings.Contains(refused.Message, "room") {
			t.Fatalf("a file for which there is no room: %v", err)
		}
	}
	i, err := small.send(t.Context(), c, small.name())
	if err != nil {
		t.Fatal(err)
	}
	small.whole(t, c, i.ID)
	var all []importObject
	if _, err := c.get(t.Context(), "/people/imports", &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].ID != i.ID {
		t.Errorf("there are %d imports, want the one that was taken", len(all))
	}
	c.verified(t)
}
