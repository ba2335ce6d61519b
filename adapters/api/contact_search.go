package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

const (
	longestSearch = 5 * time.Second
	maxSearches   = 4 // at once: each may read every contact
)

type searchRequest struct {
	PageQuery
	AfterQuery
	Sort string `query:"sort" default:"createdAt:desc" maxLength:"410" example:"createdAt:desc" doc:"An attribute, then :asc or :desc. Contacts without a value come last."`
	Body *contactsSearch
}

// contactsSearch is the body of a search, read by ParseCondition: what is wrong in
// a condition is said better there than by the schema.
type contactsSearch struct {
	condition json.RawMessage
	others    bool // there are keys beside it
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *contactsSearch) UnmarshalJSON(raw []byte) error {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil {
		return errors.New("invalid body: it has to be an object")
	}
	s.condition = body["condition"]
	delete(body, "condition")
	s.others = len(body) > 0
	return nil
}

// searchContacts answers a page of contacts. Without a condition it is cheap; with
// one Postgres may have to look at every contact, so that only a few such searches
// run at once, and none for long.
func (a *API) searchContacts(ctx context.Context, in *searchRequest) (*struct{ Body contactsPage }, error) {
	if err := a.reached(ctx, in.After, projections.ContactState); err != nil {
		return nil, err
	}
	search, err := a.searchOf(ctx, in)
	if err != nil {
		return nil, err
	}
	if search.Condition != nil || in.Sort != "createdAt:desc" && in.Sort != "createdAt:asc" {
		done, err := a.searchTurn(ctx)
		if err != nil {
			return nil, err
		}
		defer done()
	}
	found, total, err := projections.SearchContacts(ctx, a.db, search)
	if errors.Is(err, projections.ErrSearchTooLong) {
		return nil, answer(http.StatusUnprocessableEntity, "search-too-long", "This search looks at too much to end in time. Narrow it: fewer conditions, or fewer pages in.")
	}
	if err != nil {
		return nil, err
	}
	page := contactsPage{Items: make([]contactObject, len(found))}
	for i, c := range found {
		page.Items[i] = storedContact(c)
	}
	page.Pagination = paginate(in.PageQuery, total, len(found), "/people/contacts", url.Values{"sort": {in.Sort}})
	return &struct{ Body contactsPage }{page}, nil
}

// searchTurn waits for one of the searches at work to end, for as long as a search
// may take.
func (a *API) searchTurn(ctx context.Context) (done func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, longestSearch)
	defer cancel()
	select {
	case a.searching <- struct{}{}:
		return func() { <-a.searching }, nil
	case <-waiting.Done():
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, tooMany("too-many-searches", "Too many searches run at the moment. Try again shortly.")
	}
}

func (a *API) searchOf(ctx context.Context, in *searchRequest) (projections.ContactSearch, error) {
	search := projections.ContactSearch{Page: in.Page, PageSize: in.PageSize, Now: a.now().UTC(), Limit: longestSearch}
	all, err := a.attributes(ctx)
	if err != nil {
		return search, err
	}
	typeOf := func(name string) (events.AttributeType, bool) {
		for _, one := range all {
			if one.Name == name {
				return events.AttributeType(one.Type), true
			}
		}
		return "", false
	}
	if search.Sort, err = sortOf(in.Sort, typeOf); err != nil {
		return search, err
	}
	if in.Body != nil && in.Body.others {
		const message = "The body of a search has the key condition, and no other."
		return search, answer(http.StatusUnprocessableEntity, commands.InvalidRequest, message, faultDetail{Field: "body", Code: "unknown-key", Message: message})
	}
	if in.Body == nil || len(in.Body.condition) == 0 || string(in.Body.condition) == "null" {
		return search, nil
	}
	search.Condition, err = projections.ParseCondition(in.Body.condition, "condition", typeOf)
	if wrong, ok := errors.AsType[*projections.ConditionError](err); ok {
		return search, answer(http.StatusUnprocessableEntity, "condition-invalid", "The condition cannot be searched for. "+wrong.Message,
			faultDetail{Field: wrong.Path, Code: wrong.Code, Message: wrong.Message})
	}
	if err != nil {
		return search, err
	}
	search.Identify, err = a.identifier(ctx)
	return search, err
}

// identifier finds contacts by the key identifier. An externalId is left to the
// ordinary comparison: as a key its case matters, in a search it does not.
func (a *API) identifier(ctx context.Context) (func(field, value string) ([16]byte, bool), error) {
	key, err := a.account.KeyIdentifier(ctx)
	return func(field, value string) ([16]byte, bool) {
		if field != key || key == events.ExternalID {
			return [16]byte{}, false
		}
		id, ok, err := a.identify(ctx, value)
		return id, ok && err == nil // without it the search is slower, and as right
	}, err
}

// sortOf reads attribute:asc or attribute:desc; a name may hold colons of its own.
func sortOf(sort string, typeOf func(string) (events.AttributeType, bool)) (projections.ContactSort, error) {
	name, order := strings.TrimSuffix(sort, ":asc"), projections.OldestFirst
	if bare, ok := strings.CutSuffix(sort, ":desc"); ok {
		name, order = bare, projections.NewestFirst
	}
	typ, known := typeOf(name)
	if !known {
		const message = "Sort by an attribute, then :asc or :desc, such as createdAt:desc. GET /people/attributes lists them."
		return projections.ContactSort{}, answer(http.StatusUnprocessableEntity, commands.InvalidRequest, message,
			faultDetail{Field: "sort", Code: "attribute-unknown", Message: message})
	}
	return projections.ContactSort{Attribute: name, Type: typ, Order: order}, nil
}
