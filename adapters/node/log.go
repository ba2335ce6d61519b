package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// eventLog is the log on disk, kept in Pebble:
//
//	e · position                     → record
//	r · stream id · last revision    → the run of events that one append gave this stream: first revision, first position
//	s · stream name                  → head
//
// Positions count events from 1 without gaps, so that the events of one append stand at consecutive positions, and one
// index entry serves them all. A stream's id is the position of its first event.
type eventLog struct {
	db      *pebble.DB
	lock    *pebble.Lock
	clock   func() time.Time
	options *pebble.WriteOptions

	mu      sync.Mutex // one append at a time decides; their fsyncs are waited for outside, and so shared
	next    uint64     // position of the next event
	recent  recentIDs
	encoder encoder
	broken  error         // set once a write failed: what is in memory and what is on disk may differ from then on
	failed  chan struct{} // closed once a write failed

	durable durablePosition
}

// Memory that the log may take: small, since it shares a process with everything else.
const (
	cacheBytes    = 4 << 20
	memtableBytes = 4 << 20
	openFiles     = 64
	blockBytes    = 16 << 10
	walSyncBytes  = 512 << 10
	roomToOpen    = 2 * memtableBytes
)

// ErrInUse is what Open fails with when another node has the directory.
var ErrInUse = errors.New("is in use by another node")

var errClosed = errors.New("node: the log is closed")

func openLog(cfg Config, fs vfs.FS) (*eventLog, error) {
	if err := fs.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("node: create %s: %w", cfg.Dir, err)
	}
	if err := checkWritable(cfg.Dir, fs); err != nil {
		return nil, err
	}
	lock, err := pebble.LockDirectory(cfg.Dir, fs)
	if err != nil {
		return nil, fmt.Errorf("node: %s %w: %w", cfg.Dir, ErrInUse, err)
	}
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref()
	options := &pebble.Options{
		Cache:                       cache,
		FS:                          fs,
		Lock:                        lock,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      pebbleLogger{cfg.Logger},
		MaxOpenFiles:                openFiles,
		MemTableSize:                memtableBytes,
		MemTableStopWritesThreshold: 3,
		BytesPerSync:                walSyncBytes,
		WALBytesPerSync:             walSyncBytes,
	}
	for i := range options.Levels {
		options.Levels[i].BlockSize = blockBytes
	}
	db, err := pebble.Open(cfg.Dir, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("node: open the log in %s: %w", cfg.Dir, err), lock.Close())
	}
	l := &eventLog{db: db, lock: lock, clock: cfg.Clock, options: pebble.Sync, recent: newRecentIDs(), failed: make(chan struct{})}
	if cfg.NoSync {
		l.options = pebble.NoSync
	}
	last, err := l.lastPosition()
	if err != nil {
		return nil, errors.Join(err, db.Close(), lock.Close())
	}
	l.next = last + 1
	l.durable.advance(last)
	return l, nil
}

// checkWritable says early, and in words about the directory, what Pebble would say about one of its files. On a full
// disk Pebble would not say it at all, but try for ever to write what its last run had in memory.
func checkWritable(dir string, fs vfs.FS) error {
	path := fs.PathJoin(dir, "writable")
	probe, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("node: %s is not writable: %w", dir, err)
	}
	_, err = probe.Write(make([]byte, roomToOpen))
	if err = errors.Join(err, probe.Close(), fs.Remove(path)); err != nil {
		return fmt.Errorf("node: %s has no room for %d MiB, which opening the log may take: %w", dir, roomToOpen>>20, err)
	}
	return nil
}

func (l *eventLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.broken, errClosed) {
		return nil
	}
	l.broken = errClosed
	if err := errors.Join(l.db.Close(), l.lock.Close()); err != nil {
		return fmt.Errorf("node: close the log: %w", err)
	}
	return nil
}

func (l *eventLog) lastPosition() (last uint64, err error) {
	iter, err := l.db.NewIter(&pebble.IterOptions{LowerBound: eventKey(0), UpperBound: []byte{keyEvent + 1}})
	if err != nil {
		return 0, fmt.Errorf("node: read the log's end: %w", err)
	}
	defer closing(iter, &err)
	if iter.Last() {
		last = binary.BigEndian.Uint64(iter.Key()[1:])
	}
	return last, iter.Error()
}

// head returns a copy of a stream's head; one without id and events if the log does not know the stream.
func (l *eventLog) head(stream string) (h *head, err error) {
	value, closer, err := l.db.Get(streamKey(stream))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		h = &head{last: noRevision}
	case err != nil:
		return nil, fmt.Errorf("node: read the entry of a stream: %w", err)
	default:
		defer closing(closer, &err)
		if h, err = decodeHead(value); err != nil {
			return nil, err
		}
	}
	if !isMetastream(stream) || h.tombstoned {
		return h, nil
	}
	original, err := l.head(originalOf(stream)) // a tombstone ends a stream's metadata too
	if err != nil {
		return nil, err
	}
	h.tombstoned = original.tombstoned
	h.limits.maxCount = 1
	return h, nil
}

const (
	keyEvent  = 'e'
	keyRun    = 'r'
	keyStream = 's'
)

func eventKey(position uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyEvent}, position)
}

func runKey(stream uint64, revision int64) []byte {
	key := binary.BigEndian.AppendUint64([]byte{keyRun}, stream)
	return binary.BigEndian.AppendUint64(key, uint64(revision))
}

func streamKey(name string) []byte { return append([]byte{keyStream}, name...) }

// closing closes c when the caller returns and does not let its error get lost.
func closing(c interface{ Close() error }, err *error) {
	*err = errors.Join(*err, c.Close())
}

// durablePosition is the last position that is on disk. Readers see nothing beyond it: what they have seen must still
// be there after a crash, or a checkpoint of theirs could point past events that come to stand in the same place.
type durablePosition struct {
	mu      sync.Mutex
	last    uint64
	waiting chan struct{} // closed at the next advance; nil as long as nobody waits
}

func (d *durablePosition) load() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

func (d *durablePosition) advance(position uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if position <= d.last {
		return
	}
	d.last = position
	if d.waiting != nil {
		close(d.waiting)
		d.waiting = nil
	}
}

// wait returns once the log is durable beyond position.
func (d *durablePosition) wait(ctx context.Context, position uint64) error {
	for {
		d.mu.Lock()
		if d.last > position {
			d.mu.Unlock()
			return nil
		}
		if d.waiting == nil {
			d.waiting = make(chan struct{})
		}
		advanced := d.waiting
		d.mu.Unlock()
		select {
		case <-advanced:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pebbleLogger passes on what an operator should see: Pebble's errors, not its bookkeeping.
type pebbleLogger struct{ *slog.Logger }

func (l pebbleLogger) Infof(string, ...any) {}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.Error("event log: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// Fatalf must not return. Pebble calls it when it can no longer vouch for the files; the process ends, and finds on its
// next start everything that it has acknowledged.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	message := "event log: " + strings.TrimSpace(fmt.Sprintf(format, args...))
	l.Error(message)
	panic(message)
}
