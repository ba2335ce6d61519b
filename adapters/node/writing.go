package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

// write lets decide fill one batch under the lock, and waits for the disk without it: appends that come meanwhile
// share the next fsync. room is about how many bytes decide writes, so that the batch need not grow.
func (l *eventLog) write(room int, decide func(*writing) (written, error)) (written, error) {
	w := &writing{log: l, batch: l.db.NewBatchWithSize(room), heads: map[string]*head{}}
	result, err := w.apply(decide)
	if err == nil {
		err = w.settle()
	}
	if err := errors.Join(err, w.batch.Close()); err != nil {
		return written{}, err
	}
	return result, nil
}

// writing is one append while it is being decided: the heads as they will be, and the batch that makes them so.
type writing struct {
	log     *eventLog
	batch   *pebble.Batch
	next    uint64
	created int64
	heads   map[string]*head
	added   []identified
}

// identified is an event that this append adds, by what it will be recognised by.
type identified struct {
	stream   uint64
	id       uuid.UUID
	revision int64
}

func (w *writing) apply(decide func(*writing) (written, error)) (written, error) {
	l := w.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return written{}, l.broken
	}
	w.next, w.created = l.next, ticks(l.clock())
	result, err := decide(w)
	if err != nil || w.next == l.next {
		return result, err
	}
	if err := w.commit(); err != nil {
		return written{}, l.breakWith(err)
	}
	l.next = w.next
	for _, event := range w.added {
		l.recent.add(event)
	}
	return result, nil
}

var errBroken = errors.New("node: the log takes no more appends since one failed")

// breakWith ends the taking of appends. The caller holds the lock.
func (l *eventLog) breakWith(err error) error {
	if l.broken == nil {
		l.broken = fmt.Errorf("%w: %w", errBroken, err)
		close(l.failed)
	}
	return l.broken
}

func (w *writing) commit() error {
	for stream, h := range w.heads {
		if h.id == 0 && h.limits == (limits{}) {
			continue
		}
		if err := w.batch.Set(streamKey(stream), h.encode(), nil); err != nil {
			return err
		}
	}
	if !w.log.options.Sync {
		return w.log.db.Apply(w.batch, w.log.options)
	}
	return w.log.db.ApplyNoSyncWait(w.batch, w.log.options)
}

// settle waits until what was written is on disk, and makes it visible to readers. An append that wrote nothing may
// speak of an event whose fsync is still under way, so it waits too.
func (w *writing) settle() error {
	l := w.log
	var err error
	switch {
	case w.batch.Empty():
		err = l.db.LogData(nil, l.options)
	case l.options.Sync:
		err = w.batch.SyncWait()
	}
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.breakWith(err)
	}
	l.durable.advance(w.next - 1)
	return nil
}

// head returns the head of a stream as this append leaves it. Changes to it are written at commit.
func (w *writing) head(stream string) (*head, error) {
	if h, ok := w.heads[stream]; ok {
		return h, nil
	}
	h, err := w.log.head(stream)
	if err != nil {
		return nil, err
	}
	w.heads[stream] = h
	return h, nil
}

// put adds events to the end of a stream.
func (w *writing) put(stream string, events []proposed) (written, error) {
	h, err := w.head(stream)
	if err != nil {
		return written{}, err
	}
	if h.id == 0 {
		h.id = w.next
	}
	run := run{first: h.last + 1, position: w.next}
	for i := range events {
		h.last++
		if err := w.record(&events[i], stream, h.last); err != nil {
			return written{}, err
		}
		w.added = append(w.added, identified{stream: h.id, id: events[i].id, revision: h.last})
	}
	if err := w.batch.Set(runKey(h.id, h.last), run.encode(), nil); err != nil {
		return written{}, fmt.Errorf("node: index an append: %w", err)
	}
	return written{revision: h.last, position: w.next - 1}, nil
}

func (w *writing) record(p *proposed, stream string, revision int64) error {
	r := w.log.encoder.encode(p, place{stream: stream, revision: uint64(revision), position: w.next, created: w.created})
	if err := w.batch.Set(eventKey(w.next), r, nil); err != nil {
		return fmt.Errorf("node: record an event: %w", err)
	}
	w.next++
	return nil
}

// run is the index entry of the events that one append gave a stream: they stand side by side in the log.
type run struct {
	first    int64 // revision of the first event; that of the last one is in the key
	position uint64
}

// at returns the position of one of the run's revisions.
func (r run) at(revision int64) uint64 { return r.position + uint64(revision-r.first) }

func (r run) encode() []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(r.first)), r.position)
}

func decodeRun(b []byte) (run, error) {
	first, n := binary.Uvarint(b)
	if n <= 0 {
		return run{}, errCorruptRecord
	}
	position, m := binary.Uvarint(b[n:])
	if m <= 0 {
		return run{}, errCorruptRecord
	}
	return run{first: int64(first), position: position}, nil
}

// recentIDs remembers where in their streams the latest events stand, so that one appended again with no expected
// revision is recognised. Like a real server's memory of them it is bounded, and gone after a restart: whoever needs
// certainty names the revision that he expects, which is checked against the stream itself.
type recentIDs struct {
	seed maphash.Seed
	at   map[uint64]int64 // revisions, by a hash of stream and event id
	ring []uint64         // the hashes, in the order in which they are forgotten
	turn int
}

const rememberedIDs = 1 << 15

func newRecentIDs() recentIDs {
	return recentIDs{seed: maphash.MakeSeed(), at: map[uint64]int64{}}
}

func (r *recentIDs) hash(stream uint64, id uuid.UUID) uint64 {
	return maphash.Comparable(r.seed, struct {
		stream uint64
		id     uuid.UUID
	}{stream, id})
}

func (r *recentIDs) find(stream uint64, id uuid.UUID) (revision int64, ok bool) {
	revision, ok = r.at[r.hash(stream, id)]
	return revision, ok
}

func (r *recentIDs) add(e identified) {
	hash := r.hash(e.stream, e.id)
	_, known := r.at[hash]
	r.at[hash] = e.revision
	switch {
	case known:
	case len(r.ring) < rememberedIDs:
		r.ring = append(r.ring, hash)
	default:
		delete(r.at, r.ring[r.turn])
		r.ring[r.turn] = hash
		r.turn = (r.turn + 1) % rememberedIDs
	}
}
