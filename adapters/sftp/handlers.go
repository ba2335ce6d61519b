package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	pkgsftp "github.com/pkg/sftp"

	"importledger/commands"
)

// handlers translate SFTP's requests to the folder.
type handlers struct {
	ctx    context.Context // of the connection
	folder Folder
	log    *slog.Logger
}

// told is an error as the client may see it. SFTP has few codes; the rest is text.
func told(err error) error {
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		return fmt.Errorf("%s%w", refusal.Message, quiet{pkgsftp.ErrSSHFxFailure})
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return pkgsftp.ErrSSHFxNoSuchFile
	case errors.Is(err, fs.ErrPermission):
		return pkgsftp.ErrSSHFxPermissionDenied
	case errors.Is(err, fs.ErrExist):
		return errors.New("this exists already")
	}
	return errors.New("the file cannot be handled at the moment, try again")
}

// quiet gives an error its code, and no words.
type quiet struct{ error }

func (quiet) Error() string   { return "" }
func (q quiet) Unwrap() error { return q.error }

// answer logs what is nobody's fault who is connected.
func (h *handlers) answer(what string, err error) error {
	_, refused := errors.AsType[*commands.Refusal](err)
	known := refused || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrClosed)
	if err != nil && !known && h.ctx.Err() == nil {
		h.log.Warn("an SFTP request failed", "request", what, "error", err)
	}
	return told(err)
}

// Fileread implements pkgsftp.FileReader.
func (h *handlers) Fileread(r *pkgsftp.Request) (io.ReaderAt, error) {
	file, err := h.folder.Open(h.ctx, r.Filepath)
	if err != nil {
		return nil, h.answer("open", err)
	}
	return &reading{file: file}, nil
}

// reading reads at offsets what can only be read in order and sought in.
type reading struct {
	mu   sync.Mutex
	file io.ReadSeekCloser
}

func (r *reading) ReadAt(p []byte, at int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.file.Seek(at, io.SeekStart); err != nil {
		return 0, told(err)
	}
	n, err := io.ReadFull(r.file, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

func (r *reading) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file.Close()
}

// Filewrite implements pkgsftp.FileWriter. A file is always new: what an earlier one
// of the name has is never added to or changed.
func (h *handlers) Filewrite(r *pkgsftp.Request) (io.WriterAt, error) {
	flags := r.Pflags()
	if flags.Append || !flags.Creat {
		return nil, errors.New("files cannot be resumed or added to, send the whole file")
	}
	if flags.Excl {
		if _, err := h.folder.Stat(h.ctx, r.Filepath); err == nil {
			return nil, told(fs.ErrExist)
		}
	}
	file, err := h.folder.Create(h.ctx, r.Filepath)
	if err != nil {
		return nil, h.answer("create", err)
	}
	return &writing{file, h}, nil
}

// writing gives the errors of a file to the client in its language.
type writing struct {
	Receiving
	handlers *handlers
}

func (w *writing) WriteAt(p []byte, at int64) (int, error) {
	n, err := w.Receiving.WriteAt(p, at)
	return n, w.handlers.answer("write", err)
}

func (w *writing) Close() error { return w.handlers.answer("close", w.Receiving.Close()) }

// Filecmd implements pkgsftp.FileCmder.
func (h *handlers) Filecmd(r *pkgsftp.Request) error {
	switch r.Method {
	case "Rename":
		return h.answer("rename", h.folder.Rename(h.ctx, r.Filepath, r.Target))
	case "Remove":
		return h.answer("remove", h.folder.Remove(h.ctx, r.Filepath))
	case "Mkdir":
		return h.answer("mkdir", h.folder.MakeFolder(h.ctx, r.Filepath))
	case "Rmdir":
		return told(fs.ErrPermission)
	case "Setstat":
		if r.AttrFlags().Size {
			return pkgsftp.ErrSSHFxOpUnsupported
		}
		return h.answer("setstat", h.folder.SetAttributes(h.ctx, r.Filepath))
	}
	return pkgsftp.ErrSSHFxOpUnsupported // links of any kind
}

// Filelist implements pkgsftp.FileLister.
func (h *handlers) Filelist(r *pkgsftp.Request) (pkgsftp.ListerAt, error) {
	switch r.Method {
	case "List":
		all, err := h.folder.List(h.ctx, r.Filepath)
		return listing(all), h.answer("list", err)
	case "Stat":
		one, err := h.folder.Stat(h.ctx, r.Filepath)
		return listing{one}, h.answer("stat", err)
	}
	return nil, pkgsftp.ErrSSHFxOpUnsupported
}

type listing []os.FileInfo

// ListAt implements pkgsftp.ListerAt.
func (l listing) ListAt(into []os.FileInfo, from int64) (int, error) {
	if from >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(into, l[from:])
	if n < len(into) {
		return n, io.EOF
	}
	return n, nil
}
