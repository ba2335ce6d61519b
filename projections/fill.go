package projections

import (
	"context"
	"encoding/json"

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
	// keptBack is the DDL of the table where fold writes down what has to wait, so that
	// another filler can go on after a process was killed.
	keptBack() string
	// remember finds in bare tables what the filler before this one knew.
	remember(context.Context, pgx.Tx) error
}

// keptBackTable is beside tables as long as they are bare.
const keptBackTable = "kept_back"

// noneKeptBack is the table of a model whose fold keeps nothing back.
const noneKeptBack = "CREATE TABLE kept_back ();"

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
	all, back := c.contacts, newCopyRows(4, len(c.contacts), 512)
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
		back.row()
		back.uuid(contact.nxID)
		back.jsonb(attributes)
		back.bigint(contact.last.at)
		back.text(contact.last.importID)
	}
	if err := back.into(ctx, tx, keptBackTable, "nx_id", "attributes", "at", "import_id"); err != nil {
		return err
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

func (f *contactFiller) keptBack() string {
	return "CREATE TABLE kept_back (n bigint GENERATED ALWAYS AS IDENTITY, nx_id uuid NOT NULL, attributes jsonb NOT NULL, at bigint NOT NULL, import_id text NOT NULL);"
}

func (f *contactFiller) remember(ctx context.Context, tx pgx.Tx) error {
	for query, into := range map[string]map[uuid.UUID]bool{"SELECT nx_id FROM contacts": f.contacts, "SELECT id FROM events": f.events} {
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		var id uuid.UUID
		if _, err := pgx.ForEachRow(rows, []any{(*[16]byte)(&id)}, func() error { into[id] = true; return nil }); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, "SELECT nx_id, attributes::text, at, import_id FROM kept_back ORDER BY n")
	if err != nil {
		return err
	}
	var id uuid.UUID
	var attributes string
	var by rowOrigin
	_, err = pgx.ForEachRow(rows, []any{(*[16]byte)(&id), &attributes, &by.at, &by.importID}, func() error {
		return f.later.addContact(events.Contact{NxID: id, Attributes: json.RawMessage(attributes)}, by)
	})
	return err
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
	if err := f.keepBack(&w).into(ctx, tx, keptBackTable, "nx_id", "segment_id", "is_in", "at", "import_id"); err != nil {
		return err
	}
	if err := w.saveAdded(ctx, tx); err != nil {
		return err
	}
	return counts.save(ctx, tx)
}

// keepBack leaves in w only what can be copied in, and gives the rest.
func (f *memberFiller) keepBack(w *writtenMembers) *copyRows {
	back := newCopyRows(5, len(w.changed), 128)
	added := w.added[:0]
	for _, m := range w.added {
		if _, copied := f.is[m.membership]; copied { // it was in, left, and is back
			f.keep(m, back)
		} else {
			f.is[m.membership] = true
			added = append(added, m)
		}
	}
	w.added = added
	for _, m := range w.changed {
		f.keep(m, back)
	}
	w.changed = nil
	return back
}

func (f *memberFiller) keep(m *memberChange, back *copyRows) {
	f.is[m.membership] = m.is
	f.later[m.membership] = *m
	back.row()
	back.uuid(m.nxID)
	back.text(m.segmentID)
	back.boolean(m.is)
	back.bigint(m.by.at)
	back.text(m.by.importID)
}

func (f *memberFiller) keptBack() string {
	return "CREATE TABLE kept_back (n bigint GENERATED ALWAYS AS IDENTITY, nx_id uuid NOT NULL, segment_id text NOT NULL, is_in boolean NOT NULL, at bigint NOT NULL, import_id text NOT NULL);"
}

func (f *memberFiller) remember(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, "SELECT nx_id, segment_id FROM members")
	if err != nil {
		return err
	}
	var m memberChange
	_, err = pgx.ForEachRow(rows, []any{(*[16]byte)(&m.nxID), &m.segmentID}, func() error {
		f.is[m.membership] = true
		return nil
	})
	if err != nil {
		return err
	}
	if rows, err = tx.Query(ctx, "SELECT nx_id, segment_id, is_in, at, import_id FROM kept_back ORDER BY n"); err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{(*[16]byte)(&m.nxID), &m.segmentID, &m.is, &m.by.at, &m.by.importID}, func() error {
		f.is[m.membership], f.later[m.membership] = m.is, m
		return nil
	})
	return err
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
