package connectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"
)

// Session is one client's view of its connector's tree. Its methods may be called
// at once. Errors are fs.ErrNotExist, fs.ErrPermission and fs.ErrExist, refusals
// that say what to do, or failures of storage.
type Session struct {
	id          string
	connectors  *Connectors
	connectorID string
	access      int
	network     string
	cut         func() // ends the client's connection

	mu      sync.Mutex
	over    bool
	uploads int
	sent    map[string]int64 // sizes of the files that this session closed
}

// entry describes a file or folder.
type entry struct {
	name string
	size int64
	at   time.Time
	dir  bool
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.size }
func (e entry) ModTime() time.Time { return e.at }
func (e entry) IsDir() bool        { return e.dir }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

func folderEntry(name string) entry { return entry{name: name, dir: true, at: time.Unix(0, 0).UTC()} }

// showsContent tells that there are bytes to be shown.
func (f stored) showsContent() bool { return f.sha256 != "" }

func (f stored) entry() entry { return entry{name: f.shown, size: f.size, at: f.receivedAt} }

// hasReason tells that a file says beside it why it was not imported.
func (f stored) hasReason() bool { return f.state == done && f.outcome != Imported }

func (f stored) reasonEntry() entry {
	return entry{name: f.shown + reasonSuffix, size: int64(len(f.reasonText())), at: f.endedAt}
}

// reasonText is for the person who looks where the file went.
func (f stored) reasonText() string {
	return fmt.Sprintf("%s was not imported.\n\nReason: %s\n%s\n\nReceived: %s\nImport: %s\n",
		f.name, f.reasonCode, f.reason, f.receivedAt.UTC().Format("2006-01-02 15:04:05 UTC"), f.importID)
}

// List gives what a folder shows.
func (s *Session) List(ctx context.Context, asked string) ([]fs.FileInfo, error) {
	p, err := locate(asked)
	if err != nil {
		return nil, err
	}
	if p.name != "" {
		return nil, fs.ErrNotExist
	}
	files, err := s.connectors.inFolder(ctx, s.connectorID, p.folder)
	if err != nil {
		return nil, err
	}
	all := []fs.FileInfo{}
	if p.folder == root {
		all = append(all, folderEntry(processed), folderEntry(failed))
	}
	for _, f := range files {
		if f.showsContent() {
			all = append(all, f.entry())
		}
		if f.hasReason() {
			all = append(all, f.reasonEntry())
		}
	}
	return all, nil
}

// Stat describes a file or folder. A file that this session has put is known to it
// even when it was taken already: many clients look whether it arrived.
func (s *Session) Stat(ctx context.Context, asked string) (fs.FileInfo, error) {
	p, err := locate(asked)
	if err != nil {
		return nil, err
	}
	if p.name == "" {
		name := p.folder
		return folderEntry(name), nil
	}
	f, reason, err := s.find(ctx, p)
	switch {
	case errors.Is(err, fs.ErrNotExist) && p.folder == root:
		s.mu.Lock()
		defer s.mu.Unlock()
		if size, mine := s.sent[p.name]; mine {
			return entry{name: p.name, size: size, at: s.connectors.deps.Now()}, nil
		}
		return nil, err
	case err != nil:
		return nil, err
	case reason:
		return f.reasonEntry(), nil
	}
	return f.entry(), nil
}

// find looks a file up; reason: what was asked for is the file that says why f was
// not imported.
func (s *Session) find(ctx context.Context, p place) (f stored, reason bool, err error) {
	f, ok, err := s.connectors.inPlace(ctx, s.connectorID, p)
	if err != nil || ok && f.showsContent() {
		return f, false, err
	}
	if about, isReason := bytes.CutSuffix([]byte(p.name), []byte(reasonSuffix)); isReason && p.folder == failed {
		f, ok, err = s.connectors.inPlace(ctx, s.connectorID, place{p.folder, string(about)})
		if err != nil || ok {
			return f, true, err
		}
	}
	return stored{}, false, fs.ErrNotExist
}

// Open reads a file.
func (s *Session) Open(ctx context.Context, asked string) (io.ReadSeekCloser, error) {
	p, err := locate(asked)
	if err != nil {
		return nil, err
	}
	f, reason, err := s.find(ctx, p)
	if err != nil {
		return nil, err
	}
	if reason {
		return text{bytes.NewReader([]byte(f.reasonText()))}, nil
	}
	content, err := s.connectors.deps.OpenBlob(ctx, f.importID)
	if err != nil {
		return nil, fmt.Errorf("open a file: %w", err)
	}
	return content, nil
}

type text struct{ *bytes.Reader }

func (text) Close() error { return nil }

// Remove takes a file away: one that is held or waits for good, one that is done
// from where it is shown.
func (s *Session) Remove(ctx context.Context, asked string) error {
	p, err := locate(asked)
	if err != nil {
		return err
	}
	if p.name == "" {
		return fs.ErrPermission
	}
	f, _, err := s.find(ctx, p)
	switch {
	case err != nil:
		return err
	case f.state == done:
		return s.connectors.hide(ctx, f.importID)
	}
	ok, err := s.connectors.giveUp(ctx, f.importID)
	if err == nil && !ok {
		err = errTaken
	}
	s.forgetSent(p.name)
	return err
}

// Rename moves a file within /: a temporary name is given up, or taken.
func (s *Session) Rename(ctx context.Context, from, to string) error {
	p, err := locate(from)
	if err != nil {
		return err
	}
	target, err := locate(to)
	if err != nil {
		return err
	}
	if p.folder != root || target.folder != root || p.name == "" || target.name == "" {
		return fs.ErrPermission
	}
	f, _, err := s.find(ctx, p)
	if err != nil {
		return err
	}
	ok, replaced, err := s.connectors.rename(ctx, f, target.name)
	if err != nil {
		return err
	}
	if !ok {
		return errTaken
	}
	s.forgetSent(p.name)
	s.remember(target.name, f.size)
	if !isTemporary(target.name) {
		s.connectors.note(ctx, s.connectorID, activity{action: fileReceived, file: target.name, importID: f.importID, network: s.network})
		s.connectors.tell()
	}
	return s.connectors.sweepFiles(ctx, replaced...)
}

// MakeFolder refuses: the folders are what they are.
func (s *Session) MakeFolder(_ context.Context, asked string) error {
	p, err := locate(asked)
	if err == nil && p.name == "" {
		return fs.ErrExist
	}
	return fs.ErrPermission
}

// SetAttributes does nothing, and says so only for what could never be a file:
// clients like to set times and modes of what they have put.
func (s *Session) SetAttributes(_ context.Context, asked string) error {
	_, err := locate(asked)
	return err
}

// maxSent bounds what a session remembers of what it has put.
const maxSent = 1000

func (s *Session) remember(name string, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) >= maxSent {
		clear(s.sent)
	}
	s.sent[name] = size
}

func (s *Session) forgetSent(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sent, name)
}
