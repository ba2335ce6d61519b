package node

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// expectation is what an append expects of its stream: a revision, or one of the three below.
type expectation int64

const (
	expectNoStream     expectation = -1
	expectAny          expectation = -2
	expectStreamExists expectation = -4
)

// written is the answer to an append: where its last event stands.
type written struct {
	revision int64 // noRevision if the stream has no events
	position uint64
}

type wrongRevision struct {
	current int64 // noRevision if the stream has no events
}

func (e *wrongRevision) Error() string {
	return fmt.Sprintf("node: the stream is not at the expected revision but at %d", e.current)
}

var errStreamDeleted = errors.New("node: the stream is deleted")

// append writes events to the end of a stream, all or none, and returns once they are on disk.
// Appending the same event ids again, at the same expected place, writes nothing and returns the first answer.
func (l *eventLog) append(stream string, expected expectation, events []proposed) (written, error) {
	return l.write(roomFor(stream, events), func(w *writing) (written, error) {
		h, err := w.head(stream)
		if err != nil {
			return written{}, err
		}
		repeated, err := w.check(stream, h, expected, events)
		if err != nil {
			return written{}, err
		}
		if repeated != nil {
			return *repeated, nil
		}
		if len(events) == 0 {
			return written{revision: h.last, position: w.next - 1}, nil
		}
		wasDeleted, hidden := h.softDeleted(), h.last+1
		result, err := w.put(stream, events)
		if err != nil {
			return written{}, err
		}
		if wasDeleted {
			err = w.revive(stream, hidden)
		} else if isMetastream(stream) {
			err = w.limit(originalOf(stream), events[len(events)-1].data)
		}
		return result, err
	})
}

// roomForMarker is about what one event without data takes in a batch, with its place in the indexes.
const roomForMarker = 512

// roomFor is about what events take in a batch.
func roomFor(stream string, events []proposed) int {
	room := roomForMarker
	for i := range events {
		room += roomForMarker/2 + len(stream) + len(events[i].eventType) + len(events[i].metadata) + len(events[i].data)
	}
	return room
}

// delete hides the events that a stream has now; the next append goes on after them.
func (l *eventLog) delete(stream string, expected expectation) (written, error) {
	return l.write(roomForMarker, func(w *writing) (written, error) {
		h, err := w.head(stream)
		if err != nil {
			return written{}, err
		}
		marker := []proposed{{id: uuid.New(), eventType: metadataType, json: true, data: []byte(softDeletedMeta)}}
		if _, err := w.check(stream, h, expected, marker); err != nil {
			return written{}, err
		}
		meta, err := w.head(metastreamOf(stream))
		if err != nil {
			return written{}, err
		}
		if h.last < 0 && meta.last < 0 {
			return written{}, &wrongRevision{current: noRevision}
		}
		h.limits = parseLimits(marker[0].data)
		return w.put(metastreamOf(stream), marker)
	})
}

// tombstone ends a stream for ever: it can neither be read nor written again.
func (l *eventLog) tombstone(stream string, expected expectation) (written, error) {
	return l.write(roomForMarker, func(w *writing) (written, error) {
		h, err := w.head(stream)
		if err != nil {
			return written{}, err
		}
		marker := proposed{id: uuid.New(), eventType: streamDeletedType}
		if _, err := w.check(stream, h, expected, []proposed{marker}); err != nil {
			return written{}, err
		}
		if h.id == 0 {
			h.id = w.next
		}
		h.tombstoned = true
		if err := w.record(&marker, stream, deletedRevision); err != nil {
			return written{}, err
		}
		return written{revision: deletedRevision, position: w.next - 1}, nil
	})
}

// limit gives a stream the limits of its new metadata. New metadata on a soft-deleted stream brings the stream back,
// with the deleted events still hidden.
func (w *writing) limit(stream string, metadata []byte) error {
	h, err := w.head(stream)
	if err != nil {
		return err
	}
	wasDeleted := h.softDeleted()
	h.limits = parseLimits(metadata)
	if !wasDeleted || h.softDeleted() {
		return nil
	}
	return w.keepHidden(stream, metadata, h.last+1)
}

// revive brings a soft-deleted stream back that has just been appended to: of its events only the new ones are seen.
func (w *writing) revive(stream string, hidden int64) error {
	metadata, err := w.log.lastData(metastreamOf(stream))
	if err != nil {
		return err
	}
	return w.keepHidden(stream, metadata, hidden)
}

func (w *writing) keepHidden(stream string, metadata []byte, before int64) error {
	h, err := w.head(stream)
	if err != nil {
		return err
	}
	data, err := withTruncateBefore(metadata, before)
	if err != nil {
		return err
	}
	h.limits = parseLimits(data)
	_, err = w.put(metastreamOf(stream), []proposed{{id: uuid.New(), eventType: metadataType, json: true, data: data}})
	return err
}

// check says whether events may be appended to a stream: no answer and no error mean yes. An answer means that they
// have been appended before, in just this place.
func (w *writing) check(stream string, h *head, expected expectation, events []proposed) (*written, error) {
	if h.tombstoned || expected == expectStreamExists && h.softDeleted() {
		return nil, errStreamDeleted
	}
	if expected == expectStreamExists && h.last < 0 {
		meta, err := w.log.head(metastreamOf(stream))
		if err != nil {
			return nil, err
		}
		if meta.last < 0 {
			return nil, &wrongRevision{current: noRevision}
		}
	}
	switch {
	case expected == expectAny || expected == expectStreamExists:
		return w.repeatedAnywhere(h, events)
	case int64(expected) == h.last:
		return nil, nil
	case int64(expected) > h.last:
		return nil, &wrongRevision{current: h.last}
	default:
		return w.repeatedAt(h, int64(expected), events)
	}
}

// repeatedAnywhere recognises events that were appended to the stream not long ago.
func (w *writing) repeatedAnywhere(h *head, events []proposed) (*written, error) {
	last := int64(noRevision)
	for i := range events {
		revision, ok := w.log.recent.find(h.id, events[i].id)
		switch {
		case ok:
			last = revision
		case i == 0:
			return nil, nil
		default:
			return nil, &wrongRevision{current: h.last}
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	return w.answerFor(h, last)
}

// repeatedAt recognises events that stand in the stream right after the expected revision.
func (w *writing) repeatedAt(h *head, expected int64, events []proposed) (*written, error) {
	stored, err := w.log.eventIDs(h, expected+1, len(events))
	if err != nil {
		return nil, err
	}
	if len(events) > 0 && slices.EqualFunc(events, stored, func(p proposed, id uuid.UUID) bool { return p.id == id }) {
		return w.answerFor(h, expected+int64(len(events)))
	}
	begins := len(events) > 0 && len(stored) > 0 && events[0].id == stored[0]
	if !begins && expected == int64(expectNoStream) && h.softDeleted() {
		return nil, nil
	}
	return nil, &wrongRevision{current: h.last}
}

func (w *writing) answerFor(h *head, revision int64) (*written, error) {
	position, err := w.log.positionOf(h.id, revision)
	if err != nil {
		return nil, err
	}
	return &written{revision: revision, position: position}, nil
}
