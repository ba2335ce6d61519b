package projections

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"

	"importledger/events"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

//go:embed contact_state.sql
var contactStateDDL string

func foldContactState(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	var c contactChanges
	for i := range run {
		if err := c.add(&run[i]); err != nil {
			return err
		}
	}
	if err := c.saveContacts(ctx, tx); err != nil {
		return err
	}
	if err := c.saveEvents(ctx, tx); err != nil {
		return err
	}
	return c.saveAttributes(ctx, tx)
}

// contactChanges is what a run says about contacts. A contact with several rows
// in it is there once: later rows win per attribute.
type contactChanges struct {
	contacts   []contactChange
	of         map[uuid.UUID]int // index in contacts
	events     []contactEvent
	attributes []attributeCreated
}

type contactChange struct {
	nxID       uuid.UUID
	attributes json.RawMessage
	merged     map[string]json.RawMessage // instead of attributes, once there are several rows
	clears     bool                       // a value may be null, which clears an attribute
	first      rowOrigin
	last       rowOrigin
}

// rowOrigin is where a row came from: import, and time in milliseconds.
type rowOrigin struct {
	importID string
	at       int64
}

type contactEvent struct {
	events.ContactEvent
	nxID     uuid.UUID
	importID string
}

type attributeCreated struct {
	name string
	typ  events.AttributeType
	by   rowOrigin
}

func (c *contactChanges) add(e *events.Envelope) error {
	switch event := e.Event.(type) {
	case events.ColumnsMapped:
		for _, column := range event.Columns {
			if column.Create {
				c.attributes = append(c.attributes, attributeCreated{column.Attribute, column.Type, rowOrigin{e.ImportID(), e.Meta.At}})
			}
		}
	case events.RowAccepted:
		origin := rowOrigin{e.ImportID(), e.Meta.At}
		if event.Event != nil {
			c.events = append(c.events, contactEvent{*event.Event, event.Contact.NxID, origin.importID})
		}
		if err := c.addContact(event.Contact, origin); err != nil {
			return fmt.Errorf("row %d: %w", event.Row, err)
		}
	}
	return nil
}

func (c *contactChanges) addContact(contact events.Contact, origin rowOrigin) error {
	attributes := contact.Attributes
	if len(attributes) == 0 || string(attributes) == "null" {
		attributes = json.RawMessage("{}")
	}
	clears := bytes.Contains(attributes, []byte("null"))
	if c.of == nil {
		c.of = map[uuid.UUID]int{}
	}
	at, known := c.of[contact.NxID]
	if !known {
		c.of[contact.NxID] = len(c.contacts)
		c.contacts = append(c.contacts, contactChange{nxID: contact.NxID, attributes: attributes, clears: clears, first: origin, last: origin})
		return nil
	}
	change := &c.contacts[at]
	change.last = origin
	change.clears = change.clears || clears
	if err := change.merge(); err != nil {
		return err
	}
	return json.Unmarshal(attributes, &change.merged)
}

func (c *contactChange) merge() error {
	if c.merged != nil {
		return nil
	}
	return json.Unmarshal(c.attributes, &c.merged)
}

// change gives the attributes as they are to be laid over those of a contact that
// exists: null clears.
func (c *contactChange) change() ([]byte, error) {
	if c.merged == nil {
		return c.attributes, nil
	}
	return json.Marshal(c.merged)
}

// whole gives the attributes of a contact that is new.
func (c *contactChange) whole() ([]byte, error) {
	if !c.clears {
		return c.change()
	}
	if err := c.merge(); err != nil {
		return nil, err
	}
	maps.DeleteFunc(c.merged, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	return json.Marshal(c.merged)
}

// saveContacts copies new contacts in, which is far cheaper than INSERT … ON
// CONFLICT, and updates known ones. Nobody else writes here meanwhile: the
// checkpoint's row is ours.
func (c *contactChanges) saveContacts(ctx context.Context, tx pgx.Tx) error {
	if len(c.contacts) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(c.contacts))
	for i := range c.contacts {
		ids[i] = c.contacts[i].nxID
	}
	known, err := idsIn(ctx, tx, "SELECT nx_id FROM contacts WHERE nx_id = ANY($1)", ids)
	if err != nil {
		return err
	}
	var changed changedContacts
	next := 0
	added, err := tx.CopyFrom(ctx, pgx.Identifier{"contacts"},
		[]string{"nx_id", "attributes", "created_at", "modified_at", "first_import", "last_import"},
		pgx.CopyFromFunc(func() ([]any, error) {
			for ; next < len(c.contacts); next++ {
				contact := &c.contacts[next]
				if known[contact.nxID] {
					if err := changed.add(contact); err != nil {
						return nil, err
					}
					continue
				}
				attributes, err := contact.whole()
				if err != nil {
					return nil, err
				}
				next++
				return []any{contact.nxID, attributes, contact.first.at, contact.last.at, contact.first.importID, contact.last.importID}, nil
			}
			return nil, nil
		}))
	if err != nil {
		return err
	}
	if err := changed.save(ctx, tx); err != nil {
		return err
	}
	if added > 0 {
		_, err = tx.Exec(ctx, "UPDATE totals SET contacts = contacts + $1", added)
	}
	return err
}

// changedContacts are the columns of the contacts that a run changes.
type changedContacts struct {
	ids        []uuid.UUID
	attributes [][]byte
	at         []int64
	imports    []string
	clears     bool
}

func (c *changedContacts) add(contact *contactChange) error {
	attributes, err := contact.change()
	if err != nil {
		return err
	}
	c.ids = append(c.ids, contact.nxID)
	c.attributes = append(c.attributes, attributes)
	c.at = append(c.at, contact.last.at)
	c.imports = append(c.imports, contact.last.importID)
	c.clears = c.clears || contact.clears
	return nil
}

func (c *changedContacts) save(ctx context.Context, tx pgx.Tx) error {
	if len(c.ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		UPDATE contacts c SET modified_at = n.at, last_import = n.import,
			attributes = CASE WHEN $5 THEN jsonb_strip_nulls(c.attributes || n.attributes) ELSE c.attributes || n.attributes END
		FROM unnest($1::uuid[], $2::jsonb[], $3::bigint[], $4::text[]) AS n (nx_id, attributes, at, import)
		WHERE c.nx_id = n.nx_id`, c.ids, c.attributes, c.at, c.imports, c.clears)
	return err
}

// saveEvents adds the events that are not there: one that was imported before is
// the same event.
func (c *contactChanges) saveEvents(ctx context.Context, tx pgx.Tx) error {
	if len(c.events) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(c.events))
	for i := range c.events {
		ids[i] = c.events[i].ID
	}
	known, err := idsIn(ctx, tx, "SELECT id FROM events WHERE id = ANY($1)", ids)
	if err != nil {
		return err
	}
	next := 0
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"events"}, []string{"id", "nx_id", "name", "at", "properties", "import_id"},
		pgx.CopyFromFunc(func() ([]any, error) {
			for ; next < len(c.events); next++ {
				e := &c.events[next]
				if known[e.ID] {
					continue
				}
				known[e.ID] = true // it may stand twice in this run
				properties := e.Properties
				if len(properties) == 0 {
					properties = json.RawMessage("{}")
				}
				next++
				return []any{e.ID, e.nxID, e.Name, e.At, properties, e.importID}, nil
			}
			return nil, nil
		}))
	return err
}

// saveAttributes keeps the first creation of an attribute.
func (c *contactChanges) saveAttributes(ctx context.Context, tx pgx.Tx) error {
	if len(c.attributes) == 0 {
		return nil
	}
	inserts := &pgx.Batch{}
	for _, a := range c.attributes {
		inserts.Queue("INSERT INTO attributes (name, type, import_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
			a.name, string(a.typ), a.by.importID, a.by.at)
	}
	return tx.SendBatch(ctx, inserts).Close()
}

// idsIn gives the ids that a query finds among some.
func idsIn(ctx context.Context, tx pgx.Tx, query string, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := tx.Query(ctx, query, ids)
	if err != nil {
		return nil, err
	}
	known := map[uuid.UUID]bool{}
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		known[id] = true
		return nil
	})
	return known, err
}
