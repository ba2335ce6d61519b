package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"importledger/events"
	"importledger/projections"
)

// contactsView is a page of contacts.
type contactsView struct {
	Contacts []contactRow
	Q        string
	Pages    pages
	Total    int
	Found    int // of a search
	Slow     bool
}

// contactRow is a contact in a list: what it is known by, and a few of its values.
type contactRow struct {
	projections.Contact
	Name   string
	Values []attributeValue
}

const (
	contactsOnPage = 50
	shownValues    = 3
	searchFor      = 5 * time.Second
)

func (v *visit) contactsPage() error {
	number := pageNumber(v.r.URL.Query())
	found, err := projections.ListContacts(v.ctx(), v.DB, number, contactsOnPage, projections.NewestFirst)
	if err != nil {
		return err
	}
	total, err := projections.CountContacts(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	page := contactsView{Contacts: contactRows(found), Total: total, Pages: paginate("/contacts", nil, number, contactsOnPage, total)}
	return v.render(http.StatusOK, "contacts", view{Title: "Contacts", Section: "contacts", Body: page})
}

// contactsSearch finds contacts by a part of an address, number or id. What is
// searched for is somebody's, so that it never stands in an address of ours.
func (v *visit) contactsSearch() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	q := limited(strings.TrimSpace(v.r.PostForm.Get("q")), 254)
	if q == "" {
		return v.seeOther("/contacts")
	}
	if id, ok, err := v.Identify(v.ctx(), q); err != nil {
		return err
	} else if ok {
		if _, err := projections.ContactByID(v.ctx(), v.DB, id); err == nil {
			return v.seeOther("/contacts/" + id.String())
		} else if !errors.Is(err, projections.ErrNotFound) {
			return err
		}
	}
	condition, err := anyContains(q)
	if err != nil {
		return err
	}
	page := contactsView{Q: q}
	found, n, err := projections.SearchContacts(v.ctx(), v.DB, projections.ContactSearch{Condition: condition, Page: 1, PageSize: contactsOnPage, Now: v.Now(),
		Limit: searchFor, Sort: projections.ContactSort{Attribute: events.CreatedAt, Type: events.Timestamp, Order: projections.NewestFirst}})
	if errors.Is(err, projections.ErrSearchTooLong) {
		page.Slow, err = true, nil
	}
	if err != nil {
		return err
	}
	page.Contacts, page.Found = contactRows(found), n
	if page.Total, err = projections.CountContacts(v.ctx(), v.DB); err != nil {
		return err
	}
	return v.render(http.StatusOK, "contacts", view{Title: "Contacts", Section: "contacts", Body: page})
}

// anyContains is the condition that one of the identifiers has a text in it.
func anyContains(q string) (projections.Condition, error) {
	type attribute struct {
		Field    string `json:"field"`
		Operator string `json:"operator"`
		Value    string `json:"value"`
	}
	var fields []map[string]attribute
	for _, field := range events.KeyIdentifiers {
		fields = append(fields, map[string]attribute{"attribute": {field, "contains", q}})
	}
	raw, err := json.Marshal(map[string][]map[string]attribute{"any": fields})
	if err != nil {
		return nil, err
	}
	return projections.ParseCondition(raw, "condition", func(string) (events.AttributeType, bool) { return events.String, true })
}

func contactRows(found []projections.Contact) []contactRow {
	rows := make([]contactRow, len(found))
	for i, c := range found {
		rows[i] = contactRow{Contact: c, Name: c.NxID.String()}
		for _, a := range attributeValues(c.Attributes) {
			switch {
			case a.Name == events.Email || a.Name == events.Phone && rows[i].Name == c.NxID.String():
				rows[i].Name = a.Value
			case len(rows[i].Values) < shownValues:
				rows[i].Values = append(rows[i].Values, a)
			}
		}
	}
	return rows
}

// contactView is one contact.
type contactView struct {
	contactRow
	All      []attributeValue
	Segments []projections.Segment
	Others   []projections.Segment // that the contact can be put into
	Events   []contactEvent
	Pages    pages // of the events
	Imports  []projections.Import
}

// contactEvent is an event with its properties as people read them.
type contactEvent struct {
	projections.ImportedEvent
	Values []attributeValue
}

const eventsOfContact = 50

func (v *visit) contactPage() error {
	id, err := uuid.Parse(v.r.PathValue("id"))
	if err != nil {
		return errNoPage
	}
	if err := v.reached(projections.SegmentMembers); err != nil {
		return err
	}
	c, err := projections.ContactByID(v.ctx(), v.DB, id)
	if err != nil {
		return err
	}
	page := contactView{contactRow: contactRows([]projections.Contact{c})[0], All: attributeValues(c.Attributes)}
	if page.Segments, err = projections.SegmentsOf(v.ctx(), v.DB, id); err != nil {
		return err
	}
	if page.Others, err = v.otherSegments(page.Segments); err != nil {
		return err
	}
	number := pageNumber(v.r.URL.Query())
	found, total, err := projections.ContactEvents(v.ctx(), v.DB, id, number, eventsOfContact)
	if err != nil {
		return err
	}
	for _, e := range found {
		page.Events = append(page.Events, contactEvent{e, attributeValues(e.Properties)})
	}
	page.Pages = paginate("/contacts/"+id.String(), nil, number, eventsOfContact, total)
	if page.Imports, err = v.importsOf(c); err != nil {
		return err
	}
	return v.render(http.StatusOK, "contact", view{Title: "Contact", Section: "contacts", Body: page})
}

// otherSegments are the segments that a contact can be put into by who looks.
func (v *visit) otherSegments(in []projections.Segment) ([]projections.Segment, error) {
	if !v.user.May(contactsWrite) {
		return nil, nil
	}
	all, err := projections.ListSegments(v.ctx(), v.DB, "manual")
	return slices.DeleteFunc(all, func(s projections.Segment) bool {
		return slices.ContainsFunc(in, func(i projections.Segment) bool { return i.ID == s.ID })
	}), err
}

// importsOf are the imports that a contact is known to come from: the first, and the
// last that changed it.
func (v *visit) importsOf(c projections.Contact) ([]projections.Import, error) {
	var all []projections.Import
	for _, id := range []string{c.LastImport, c.FirstImport} {
		if id == "" || len(all) > 0 && all[0].ID == id {
			continue
		}
		i, err := projections.ImportByID(v.ctx(), v.DB, id)
		if errors.Is(err, projections.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("import %s of a contact: %w", id, err)
		}
		all = append(all, i)
	}
	return all, nil
}
