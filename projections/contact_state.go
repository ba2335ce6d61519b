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
	"github.com/jackc/pgx/v5/pgtype"
)

//go:embed contact_state.sql
var contactStateDDL string

func foldContactState(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	c, err := contactChangesOf(run)
	if err != nil {
		return err
	}
	knownContacts, err := idsIn(ctx, tx, "SELECT nx_id FROM contacts WHERE nx_id = ANY($1)",
		uuids(len(c.contacts), func(i int) uuid.UUID { return c.contacts[i].nxID }))
	if err != nil {
		return err
	}
	knownEvents, err := idsIn(ctx, tx, "SELECT id FROM events WHERE id = ANY($1)",
		uuids(len(c.events), func(i int) uuid.UUID { return c.events[i].ID }))
	if err != nil {
		return err
	}
	return c.save(ctx, tx, knownContacts, knownEvents)
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

func contactChangesOf(run []events.Envelope) (*contactChanges, error) {
	c := &contactChanges{}
	for i := range run {
		if err := c.add(&run[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *contactChanges) add(e *events.Envelope) error {
	switch event := e.Event.(type) {
	case events.ColumnsMapped:
		for _, column := range event.Columns {
			if column.Create {
				c.attributes = append(c.attributes, attributeCreated{column.Attribute, column.Type, rowOrigin{e.ImportID(), e.Meta.At}})
			}
		}
	case events.AttributeCreated:
		c.attributes = append(c.attributes, attributeCreated{event.Name, event.Type, rowOrigin{event.ImportID, e.Meta.At}})
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
	attributes := objectOrEmpty(contact.Attributes)
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

// save writes the changes; known are the contacts and events that the tables have.
func (c *contactChanges) save(ctx context.Context, tx pgx.Tx, knownContacts, knownEvents map[uuid.UUID]bool) error {
	if err := c.saveContacts(ctx, tx, knownContacts); err != nil {
		return err
	}
	if err := c.saveEvents(ctx, tx, knownEvents); err != nil {
		return err
	}
	return c.saveAttributes(ctx, tx)
}

// saveContacts copies new contacts in, which is far cheaper than INSERT … ON
// CONFLICT, and updates known ones. Nobody else writes here meanwhile: the
// checkpoint's row is ours.
func (c *contactChanges) saveContacts(ctx context.Context, tx pgx.Tx, known map[uuid.UUID]bool) (err error) {
	added, changed := newCopyRows(6, len(c.contacts), 512), &changedContacts{}
	for i := range c.contacts {
		contact := &c.contacts[i]
		if known[contact.nxID] {
			err = changed.add(contact)
		} else {
			err = contact.appendTo(added)
		}
		if err != nil {
			return err
		}
	}
	if err := added.into(ctx, tx, "contacts", "nx_id", "attributes", "created_at", "modified_at", "first_import", "last_import"); err != nil {
		return err
	}
	if err := changed.save(ctx, tx); err != nil {
		return err
	}
	if added.rows > 0 {
		_, err = tx.Exec(ctx, "UPDATE totals SET contacts = contacts + $1", added.rows)
	}
	return err
}

func (c *contactChange) appendTo(rows *copyRows) error {
	attributes, err := c.whole()
	if err != nil {
		return err
	}
	rows.row()
	rows.uuid(c.nxID)
	rows.jsonb(attributes)
	rows.bigint(c.first.at)
	rows.bigint(c.last.at)
	rows.text(c.first.importID)
	rows.text(c.last.importID)
	return nil
}

// changedContacts are the columns of the contacts that a run changes.
type changedContacts struct {
	ids        pgtype.FlatArray[pgtype.UUID]
	attributes []string // Postgres takes an array of text far faster than one of jsonb
	at         []int64
	imports    []string
	clears     bool
}

func (c *changedContacts) add(contact *contactChange) error {
	attributes, err := contact.change()
	if err != nil {
		return err
	}
	c.ids = append(c.ids, pgtype.UUID{Bytes: contact.nxID, Valid: true})
	c.attributes = append(c.attributes, string(attributes))
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
			attributes = CASE WHEN $5 THEN jsonb_strip_nulls(c.attributes || n.attributes::jsonb) ELSE c.attributes || n.attributes::jsonb END
		FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS n (nx_id, attributes, at, import)
		WHERE c.nx_id = n.nx_id`, c.ids, c.attributes, c.at, c.imports, c.clears)
	return err
}

// saveEvents adds the events that are not there: one that was imported before is
// the same event.
func (c *contactChanges) saveEvents(ctx context.Context, tx pgx.Tx, known map[uuid.UUID]bool) error {
	inRun := make(map[uuid.UUID]bool, len(c.events))
	added := newCopyRows(6, len(c.events), 512)
	for i := range c.events {
		e := &c.events[i]
		if known[e.ID] || inRun[e.ID] {
			continue
		}
		inRun[e.ID] = true
		added.row()
		added.uuid(e.ID)
		added.uuid(e.nxID)
		added.text(e.Name)
		added.bigint(e.At)
		added.jsonb(objectOrEmpty(e.Properties))
		added.text(e.importID)
	}
	return added.into(ctx, tx, "events", "id", "nx_id", "name", "at", "properties", "import_id")
}

// objectOrEmpty gives an empty object for none.
func objectOrEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
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
func idsIn(ctx context.Context, tx pgx.Tx, query string, ids pgtype.FlatArray[pgtype.UUID]) (map[uuid.UUID]bool, error) {
	known := map[uuid.UUID]bool{}
	if len(ids) == 0 {
		return known, nil
	}
	rows, err := tx.Query(ctx, query, ids)
	if err != nil {
		return nil, err
	}
	var id [16]byte
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		known[id] = true
		return nil
	})
	return known, err
}
