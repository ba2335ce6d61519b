package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
)

// account is the user that Postgres runs under where this process is root,
// whom Postgres refuses. A nil account stands for the user of this process.
type account struct {
	name     string
	uid, gid uint32
}

// serverAccount is nil unless this process is root.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("the user %s has no usable number: %w", name, err)
		}
		return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, errors.New("Postgres does not run as root, and there is neither a user postgres nor nobody to run it under: run importledger as another user, add a user postgres, or set " + URLEnv)
}

// forData is the account for a database that may exist: its owner, who need not
// be the one that a new database would get (a user postgres comes with a
// package), else a itself.
func (a *account) forData(pgdata string) (*account, error) {
	if a == nil {
		return nil, nil
	}
	uid, gid, err := ownerOf(pgdata)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && uid == a.uid:
		return a, nil
	case err != nil:
		return nil, explainPath(err, pgdata)
	case uid == 0:
		return nil, fmt.Errorf("the database in %s belongs to root, as whom Postgres does not run: give it back with chown -R %s %s", pgdata, a.name, pgdata)
	}
	owner := &account{name: strconv.FormatUint(uint64(uid), 10), uid: uid, gid: gid}
	if u, err := user.LookupId(owner.name); err == nil { // a number serves where there is no name
		owner.name = u.Username
	}
	return owner, nil
}

// own gives one file or folder to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// run runs a program to its end as the account. It is killed should this
// process end, which Linux ties to the thread that started it.
func (a *account) run(cmd *exec.Cmd) error {
	cmd.Env = serverEnv()
	prepareTool(cmd, a)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

// canEnter asks the system, not mode bits, whether the account can enter dir.
func (a *account) canEnter(ctx context.Context, dir string) error {
	if a == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", ":")
	cmd.Dir = dir
	return a.run(cmd)
}
