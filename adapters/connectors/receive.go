package connectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"importledger/commands"
)

// Receiving is a file that a client is sending. It counts when Close returns nil;
// after TransferError it never does.
type Receiving = interface {
	io.Writer
	io.WriterAt
	io.Closer
	TransferError(err error)
}

var (
	errTaken       = refuse(commands.Conflict, "file-taken", "This file is being imported and cannot be changed any more.")
	errTooManyOpen = refuse(commands.Conflict, "too-many-uploads", "This session sends too many files at once. Send one after the other.")
	errWaiting     = refuse(commands.Conflict, "too-many-waiting", "Too many files wait to be imported or renamed. Send more when some of them are done.")
	errGap         = refuse(commands.Unacceptable, "file-incomplete", "Parts of the file are missing. Send it from its beginning to its end.")
	errRewrite     = refuse(commands.Unacceptable, "file-rewritten", "Bytes that were sent cannot be sent again. Send the whole file under its name once more.")
)

// storeWithin is how long it may take to make a closed file durable.
const storeWithin = time.Minute

// maxEarly bounds the bytes that are kept because they came before their turn.
// Clients send up to some 64 parts of 32 KiB at once, and they are handled side by side.
const maxEarly = 4 << 20

// Create begins to receive a file into /. Its old bytes, if there is one of the
// name, stay what they are until the new file was closed.
func (s *Session) Create(ctx context.Context, asked string) (Receiving, error) {
	p, err := locate(asked)
	if err == nil && (p.folder != root || p.name == "") {
		err = fs.ErrPermission
	}
	if err != nil {
		s.refused(ctx, "", "path", err)
		return nil, err
	}
	if err := s.admit(ctx); err != nil {
		s.refused(ctx, p.name, "", err)
		return nil, err
	}
	upload, err := s.connectors.deps.NewUpload(context.WithoutCancel(ctx))
	if err != nil {
		s.uploadOver()
		return nil, fmt.Errorf("receive a file: %w", err)
	}
	return &receiving{session: s, name: p.name, upload: upload, early: map[int64][]byte{}}, nil
}

// admit counts one more upload, unless that is one too many.
func (s *Session) admit(ctx context.Context) error {
	n, err := s.connectors.countOpen(ctx, s.connectorID)
	if err != nil {
		return err
	}
	limits := s.connectors.deps.Limits
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over:
		return fs.ErrClosed
	case n+s.uploads >= limits.Waiting:
		return errWaiting
	case s.uploads >= limits.Uploads:
		return errTooManyOpen
	}
	s.uploads++
	return nil
}

func (s *Session) uploadOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads--
}

// refused writes down what a client was not let do.
func (s *Session) refused(ctx context.Context, file, code string, err error) {
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		code = refusal.Code
	}
	if code != "" {
		s.connectors.note(ctx, s.connectorID, activity{action: refusedFile, file: file, detail: code, network: s.network})
	}
}

// receiving puts the parts of a file in order while they come in.
type receiving struct {
	session *Session
	name    string

	mu         sync.Mutex
	upload     Upload
	next       int64 // the offset up to which everything has come
	early      map[int64][]byte
	earlyBytes int
	failed     error // of a part: the file cannot count any more
	cut        bool  // the transfer did not end well
	over       bool
}

// Write adds to what was written.
func (r *receiving) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.add(p, r.next)
}

// WriteAt takes a part of the file. Parts may come in any order that leaves few of
// them waiting for those before them.
func (r *receiving) WriteAt(p []byte, at int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.add(p, at)
}

func (r *receiving) add(p []byte, at int64) (int, error) {
	switch {
	case r.over:
		return 0, fs.ErrClosed
	case r.failed != nil:
		return 0, r.failed
	}
	if err := r.put(p, at); err != nil {
		r.failed = err
		return 0, err
	}
	return len(p), nil
}

func (r *receiving) put(p []byte, at int64) error {
	limit := r.session.connectors.deps.MaxBytes
	switch {
	case at < r.next || r.early[at] != nil:
		return errRewrite
	case at > limit || at+int64(len(p)) > limit:
		return tooLarge(limit)
	case at > r.next:
		if r.earlyBytes += len(p); r.earlyBytes > maxEarly {
			return errGap
		}
		r.early[at] = append(make([]byte, 0, len(p)), p...)
		return nil
	}
	for {
		if _, err := r.upload.Write(p); err != nil {
			return fmt.Errorf("receive a file: %w", err)
		}
		r.next += int64(len(p))
		var more bool
		if p, more = r.early[r.next]; !more {
			return nil
		}
		delete(r.early, r.next)
		r.earlyBytes -= len(p)
	}
}

func tooLarge(limit int64) *commands.Refusal {
	return refuse(commands.TooLarge, commands.FileTooLarge,
		message.NewPrinter(language.English).Sprintf("The file is larger than %d bytes. Split it, or raise IMPORTLEDGER_MAX_BYTES.", limit))
}

// TransferError says that the client did not end the transfer, or not well.
func (r *receiving) TransferError(error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
}

// Close is the client's word that the file is whole. When it returns nil the file
// is durable and will be imported once, whatever happens. In all other cases
// nothing of it is left, but for the fact that it was too large.
func (r *receiving) Close() (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return fs.ErrClosed
	}
	r.over = true
	s := r.session
	defer s.uploadOver()
	defer func() { err = errors.Join(err, r.upload.Discard()) }()
	ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
	defer cancel()

	refusal, refused := errors.AsType[*commands.Refusal](r.failed)
	switch {
	case refused && refusal.Code == commands.FileTooLarge:
		return errors.Join(s.keepRefusal(ctx, r.name, r.next, refusal), refusal)
	case r.cut || s.isOver():
		s.connectors.note(ctx, s.connectorID, activity{action: fileCutOff, file: r.name, network: s.network})
		return nil
	case r.failed == nil && len(r.early) > 0:
		r.failed = errGap
	}
	if r.failed != nil {
		s.refused(ctx, r.name, "storage", r.failed)
		return r.failed
	}
	return s.keep(ctx, r.name, r.upload)
}

func (s *Session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// keep makes a file count: announced first, so that its bytes are swept if this
// process dies before they belong to a file.
func (s *Session) keep(ctx context.Context, name string, upload Upload) error {
	c := s.connectors
	f := stored{importID: c.deps.NewID(), connectorID: s.connectorID, name: name, size: upload.Size(), sha256: upload.SHA256(), state: waiting}
	if isTemporary(name) {
		f.state = held
	}
	if err := c.announce(ctx, f); err != nil {
		return err
	}
	if err := upload.Commit(f.importID); err != nil {
		_, swept := c.giveUp(ctx, f.importID)
		return errors.Join(fmt.Errorf("store a file: %w", err), swept)
	}
	replaced, err := c.arrived(ctx, f)
	if errors.Is(err, errSwept) {
		return errors.Join(err, c.deps.RemoveBlob(ctx, f.importID))
	}
	if err != nil {
		// Where the database fell silent nobody knows whether the file counts. The
		// client is told that it does not, so it should not.
		_, swept := c.giveUp(ctx, f.importID)
		return errors.Join(err, swept)
	}
	s.remember(name, f.size)
	if f.state == waiting {
		c.note(ctx, s.connectorID, activity{action: fileReceived, file: name, importID: f.importID, network: s.network})
		c.tell()
	}
	return c.sweepFiles(ctx, replaced...)
}

// keepRefusal keeps that a file came which was too large to be kept, so that nobody
// wonders where it went.
func (s *Session) keepRefusal(ctx context.Context, name string, size int64, why *commands.Refusal) error {
	c := s.connectors
	f := stored{importID: c.deps.NewID(), connectorID: s.connectorID, name: name, size: size, state: waiting, reasonCode: why.Code, reason: why.Message}
	s.refused(ctx, name, "", why)
	if isTemporary(name) {
		return nil // it never was a file to be imported
	}
	if err := c.announce(ctx, f); err != nil {
		return err
	}
	if _, err := c.arrived(ctx, f); err != nil {
		return err
	}
	c.tell()
	return nil
}
