package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"importledger/commands"
	"importledger/projections"
)

type SortQuery struct {
	Sort string `query:"sort" enum:"createdAt:asc,createdAt:desc" default:"createdAt:desc"`
}

func (q SortQuery) order() projections.Order {
	return projections.Order(q.Sort != "createdAt:asc")
}

type contactsPage struct {
	Pagination pagination      `json:"pagination"`
	Items      []contactObject `json:"items"`
}

type ContactPath struct {
	Identifier string `path:"identifier" maxLength:"254" doc:"The nxId, or the value of the account's key identifier."`
}

type ContactQuery struct {
	ContactPath
	AfterQuery
}

type contactEventsQuery struct {
	ContactQuery
	PageQuery
}

type contactEvent struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	At         int64           `json:"at" doc:"When it happened, Unix epoch, milliseconds."`
	Properties json.RawMessage `json:"properties"`
	ImportID   *string         `json:"importId" doc:"The import that brought it first."`
}

type contactEvents struct {
	Pagination pagination     `json:"pagination"`
	Events     []contactEvent `json:"events" doc:"Newest first."`
}

type contactSegment struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description *string `json:"description"`
	Type        string  `json:"type"`
	Predefined  bool    `json:"predefined"`
}

type contactSegments struct {
	Segments []contactSegment `json:"segments"`
}

type countObject struct {
	Count int `json:"count"`
}

var errNoContact = &commands.Refusal{Kind: commands.NotFound, Code: "contact-not-found", Message: "There is no contact with this identifier."}

func (a *API) addContacts() {
	const tag = "Contacts"
	missing := []int{http.StatusNotFound}
	register(a, operation{route: "POST /people/contacts", id: "search-contacts", tag: tag, summary: "Search contacts", ownBody: true,
		about:  "Without a body all contacts. A search with a condition that takes longer than 5 s is ended with search-too-long.",
		errors: []int{http.StatusTooManyRequests}}, a.searchContacts)
	register(a, operation{route: "GET /people/contacts/count", id: "count-contacts", tag: tag, summary: "Count contacts"}, a.countContacts)
	register(a, operation{route: "GET /people/contacts/{identifier}", id: "get-contact", tag: tag, summary: "Get a contact", tagged: true, errors: missing}, a.getContact)
	register(a, operation{route: "GET /people/contacts/{identifier}/segments", id: "list-contact-segments", tag: tag,
		summary: "List the segments that a contact is in", errors: missing}, a.listContactSegments)
	register(a, operation{route: "GET /people/contacts/{identifier}/events", id: "list-contact-events", tag: tag,
		summary: "List a contact's imported events, newest first", errors: missing}, a.listContactEvents)
}

func (a *API) countContacts(ctx context.Context, in *AfterQuery) (*struct{ Body countObject }, error) {
	if err := a.reached(ctx, in.After, projections.ContactState); err != nil {
		return nil, err
	}
	n, err := projections.CountContacts(ctx, a.db)
	return &struct{ Body countObject }{countObject{n}}, err
}

// contact finds a contact by what clients call it.
func (a *API) contact(ctx context.Context, identifier string) (projections.Contact, error) {
	id, ok, err := a.identify(ctx, identifier)
	if err != nil {
		return projections.Contact{}, err
	}
	if !ok {
		return projections.Contact{}, errNoContact
	}
	c, err := projections.ContactByID(ctx, a.db, id)
	if errors.Is(err, projections.ErrNotFound) {
		err = errNoContact
	}
	return c, err
}

func (a *API) getContact(ctx context.Context, in *ContactQuery) (*struct{ Body contactObject }, error) {
	if err := a.reached(ctx, in.After, projections.ContactState); err != nil {
		return nil, err
	}
	c, err := a.contact(ctx, in.Identifier)
	if err != nil {
		return nil, err
	}
	return &struct{ Body contactObject }{storedContact(c)}, nil
}

func (a *API) listContactSegments(ctx context.Context, in *ContactQuery) (*struct{ Body contactSegments }, error) {
	if err := a.reached(ctx, in.After, projections.ContactState, projections.SegmentMembers); err != nil {
		return nil, err
	}
	c, err := a.contact(ctx, in.Identifier)
	if err != nil {
		return nil, err
	}
	found, err := projections.SegmentsOf(ctx, a.db, c.NxID)
	if err != nil {
		return nil, err
	}
	out := contactSegments{Segments: []contactSegment{}}
	for _, s := range found {
		out.Segments = append(out.Segments, contactSegment{ID: s.ID, Name: s.Name, Description: orNull(s.Description), Type: s.Type})
	}
	return &struct{ Body contactSegments }{out}, nil
}

func (a *API) listContactEvents(ctx context.Context, in *contactEventsQuery) (*struct{ Body contactEvents }, error) {
	if err := a.reached(ctx, in.After, projections.ContactState); err != nil {
		return nil, err
	}
	c, err := a.contact(ctx, in.Identifier)
	if err != nil {
		return nil, err
	}
	found, total, err := projections.ContactEvents(ctx, a.db, c.NxID, in.Page, in.PageSize)
	if err != nil {
		return nil, err
	}
	// Links name the contact by its id: addresses do not belong into them.
	out := contactEvents{Events: []contactEvent{}, Pagination: paginate(in.PageQuery, total, len(found), "/people/contacts/"+c.NxID.String()+"/events", url.Values{})}
	for _, e := range found {
		out.Events = append(out.Events, eventOf(e.ID, e.Name, e.At, e.Properties, e.ImportID))
	}
	return &struct{ Body contactEvents }{out}, nil
}

func eventOf(id uuid.UUID, name string, at int64, properties json.RawMessage, importID string) contactEvent {
	if len(properties) == 0 {
		properties = json.RawMessage("{}")
	}
	return contactEvent{ID: id.String(), Name: name, At: at, Properties: properties, ImportID: orNull(importID)}
}
