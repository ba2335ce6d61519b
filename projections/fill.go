package projections

import (
	"context"

	"importledger/events"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// filler folds the log's beginning into tables that are still bare: without keys
// and indexes, rows are copied in at less than half the price, and nothing can be
// looked up. So it remembers which rows there are. It serves one rebuild.
type filler interface {
	fold(context.Context, pgx.Tx, []events.Envelope) error
	// full tells that it cannot remember more: the tables get their keys now, and
	// the model's own fold goes on.
	full() bool
	// settle writes what had to wait until the tables have their keys.
	settle(context.Context, pgx.Tx) error
}

// fillLimits bound a filler's memory.
type fillLimits struct {
	remembered int // keys
	keptBack   int // contacts with changes that have to wait
}

// contactFiller copies contacts and events in when it first meets them, and keeps
// back what later rows say about a contact.
type contactFiller struct {
	limits   fillLimits
	contacts map[uuid.UUID]bool
	events   map[uuid.UUID]bool
	later    contactChanges
}

func newContactFiller(limits fillLimits) filler {
	return &contactFiller{limits: limits, contacts: map[uuid.UUID]bool{}, events: map[uuid.UUID]bool{}}
}

func (f *contactFiller) fold(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	c, err := contactChangesOf(run)
	if err != nil {
		return err
	}
	all := c.contacts
	c.contacts = all[:0]
	for i := range all {
		contact := all[i]
		if !f.contacts[contact.nxID] {
			f.contacts[contact.nxID] = true
			c.contacts = append(c.contacts, contact)
			continue
		}
		attributes, err := contact.change()
		if err != nil {
			return err
		}
		if err := f.later.addContact(events.Contact{NxID: contact.nxID, Attributes: attributes}, contact.last); err != nil {
			return err
		}
	}
	if err := c.save(ctx, tx, nil, f.events); err != nil {
		return err
	}
	for i := range c.events {
		f.events[c.events[i].ID] = true
	}
	return nil
}

func (f *contactFiller) full() bool {
	return len(f.contacts)+len(f.events) >= f.limits.remembered || len(f.later.contacts) >= f.limits.keptBack
}

func (f *contactFiller) settle(ctx context.Context, tx pgx.Tx) error {
	return f.later.saveContacts(ctx, tx, f.contacts)
}

// memberFiller copies members in when it first meets them, and keeps back what
// later events say about a membership that was copied in.
type memberFiller struct {
	limits fillLimits
	is     map[membership]bool // of those that were copied in
	later  map[membership]memberChange
}

func newMemberFiller(limits fillLimits) filler {
	return &memberFiller{limits: limits, is: map[membership]bool{}, later: map[membership]memberChange{}}
}

func (f *memberFiller) fold(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	s, err := segmentChangesOf(ctx, tx, run)
	if err != nil {
		return err
	}
	if err := s.saveSegments(ctx, tx); err != nil {
		return err
	}
	w, counts := s.members.against(f.is)
	f.keepBack(&w)
	if err := w.saveAdded(ctx, tx); err != nil {
		return err
	}
	return counts.save(ctx, tx)
}

// keepBack leaves in w only what can be copied in.
func (f *memberFiller) keepBack(w *writtenMembers) {
	added := w.added[:0]
	for _, m := range w.added {
		if _, copied := f.is[m.membership]; copied { // it was in, left, and is back
			f.later[m.membership] = *m
		} else {
			added = append(added, m)
		}
		f.is[m.membership] = true
	}
	w.added = added
	for _, m := range w.changed {
		f.is[m.membership] = m.is
		f.later[m.membership] = *m
	}
	w.changed = nil
}

func (f *memberFiller) full() bool {
	return len(f.is) >= f.limits.remembered || len(f.later) >= f.limits.keptBack
}

func (f *memberFiller) settle(ctx context.Context, tx pgx.Tx) error {
	w := writtenMembers{}
	for _, m := range f.later {
		w.changed = append(w.changed, &m)
	}
	if err := w.saveChanged(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM members m USING removed_segments r WHERE m.segment_id = r.segment_id")
	return err
}
