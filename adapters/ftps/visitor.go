package ftps

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"importledger/commands"
)

// visitor translates FTP's requests of one client to its folder. The library asks
// for files and lists by the extensions below; the rest of afero.Fs is refused.
type visitor struct {
	folder Folder
	server *Server
	conn   *connection
}

var errUnsupported = errors.New("this is not offered here")

// answer is an error as the client may see it; what is nobody's fault who is
// connected is logged.
func (v *visitor) answer(what string, err error) error {
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		if refusal.Kind == commands.TooLarge {
			return fmt.Errorf("%s (%w)", refusal.Message, ftpserver.ErrStorageExceeded)
		}
		return errors.New(refusal.Message)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w here", fs.ErrPermission)
	case errors.Is(err, fs.ErrExist):
		return fs.ErrExist
	}
	if !errors.Is(err, fs.ErrClosed) && v.conn.ctx.Err() == nil {
		v.server.cfg.Logger.Warn("an FTPS request failed", "request", what, "error", err)
	}
	return errors.New("the file cannot be handled at the moment, try again")
}

// GetHandle implements ftpserver.ClientDriverExtentionFileTransfer. A file is always
// new: what an earlier one of the name has is never added to or changed.
func (v *visitor) GetHandle(name string, flags int, offset int64) (ftpserver.FileTransfer, error) {
	if flags&os.O_WRONLY == 0 {
		return v.read(name)
	}
	if flags&os.O_APPEND != 0 || offset != 0 {
		return nil, errors.New("files cannot be resumed or added to, send the whole file")
	}
	file, err := v.folder.Create(v.conn.ctx, name)
	if err != nil {
		return nil, v.answer("create", err)
	}
	v.server.active.begin()
	return &receiving{Receiving: file, visitor: v}, nil
}

// receiving gives the errors of a file to the client in its language.
type receiving struct {
	Receiving
	visitor *visitor
	ended   sync.Once
}

func (r *receiving) Write(p []byte) (int, error) {
	n, err := r.Receiving.Write(p)
	return n, r.visitor.answer("write", err)
}

func (r *receiving) Close() error {
	defer r.ended.Do(r.visitor.server.active.end)
	return r.visitor.answer("close", r.Receiving.Close())
}

func (r *receiving) Read([]byte) (int, error)       { return 0, errUnsupported }
func (r *receiving) Seek(int64, int) (int64, error) { return 0, errUnsupported }

func (v *visitor) read(name string) (ftpserver.FileTransfer, error) {
	file, err := v.folder.Open(v.conn.ctx, name)
	if err != nil {
		return nil, v.answer("open", err)
	}
	return sending{file}, nil
}

// sending is a file that a client reads.
type sending struct{ io.ReadSeekCloser }

func (sending) Write([]byte) (int, error) { return 0, errUnsupported }

// ReadDir implements ftpserver.ClientDriverExtensionFileList.
func (v *visitor) ReadDir(name string) ([]os.FileInfo, error) {
	all, err := v.folder.List(v.conn.ctx, name)
	return all, v.answer("list", err)
}

// Stat implements afero.Fs.
func (v *visitor) Stat(name string) (os.FileInfo, error) {
	info, err := v.folder.Stat(v.conn.ctx, name)
	return info, v.answer("stat", err)
}

// Remove implements afero.Fs.
func (v *visitor) Remove(name string) error {
	return v.answer("remove", v.folder.Remove(v.conn.ctx, name))
}

// RemoveDir implements ftpserver.ClientDriverExtensionRemoveDir.
func (v *visitor) RemoveDir(string) error { return v.answer("rmdir", fs.ErrPermission) }

// Rename implements afero.Fs.
func (v *visitor) Rename(from, to string) error {
	return v.answer("rename", v.folder.Rename(v.conn.ctx, from, to))
}

// Mkdir implements afero.Fs.
func (v *visitor) Mkdir(name string, _ os.FileMode) error {
	return v.answer("mkdir", v.folder.MakeFolder(v.conn.ctx, name))
}

// The rest of afero.Fs. The library does not come here with the settings it has.

// Name implements afero.Fs.
func (v *visitor) Name() string { return "importledger" }

// Create implements afero.Fs.
func (v *visitor) Create(string) (afero.File, error) { return nil, errUnsupported }

// Open implements afero.Fs.
func (v *visitor) Open(string) (afero.File, error) { return nil, errUnsupported }

// OpenFile implements afero.Fs.
func (v *visitor) OpenFile(string, int, os.FileMode) (afero.File, error) {
	return nil, errUnsupported
}

// MkdirAll implements afero.Fs.
func (v *visitor) MkdirAll(string, os.FileMode) error { return errUnsupported }

// RemoveAll implements afero.Fs.
func (v *visitor) RemoveAll(string) error { return errUnsupported }

// Chmod implements afero.Fs.
func (v *visitor) Chmod(string, os.FileMode) error { return errUnsupported }

// Chown implements afero.Fs.
func (v *visitor) Chown(string, int, int) error { return errUnsupported }

// Chtimes implements afero.Fs.
func (v *visitor) Chtimes(string, time.Time, time.Time) error { return errUnsupported }
