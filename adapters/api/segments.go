package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/projections"
)

type segmentObject struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description *string `json:"description"`
	State       string  `json:"state" enum:"ready"`
	Predefined  bool    `json:"predefined"`
	Type        string  `json:"type"`
	ModifiedBy  *string `json:"modifiedBy" doc:"Id of the user or API client."`
	ModifiedAt  int64   `json:"modifiedAt" doc:"Unix epoch, milliseconds."`
}

type segmentsQuery struct {
	AfterQuery
	Type              string `query:"type" maxLength:"50"`
	ExcludePredefined bool   `query:"exclude-predefined" doc:"There are none so far."`
	Attribute         string `query:"attribute" maxLength:"400" doc:"Only segments whose conditions use it; a manual segment has none."`
}

type SegmentQuery struct {
	AfterQuery
	ID string `path:"id" maxLength:"100"`
}

type membersQuery struct {
	SegmentQuery
	PageQuery
	SortQuery
}

type membersPage struct {
	Pagination pagination      `json:"pagination"`
	Contacts   []contactObject `json:"contacts"`
}

var errNoSegment = aggregate.ErrSegmentNotFound

func (a *API) addSegments() {
	const tag = "Segments"
	missing := []int{http.StatusNotFound}
	register(a, operation{route: "GET /people/segments", id: "list-segments", tag: tag, summary: "List segments"}, a.listSegments)
	register(a, operation{route: "GET /people/segments/{id}", id: "get-segment", tag: tag, summary: "Get a segment", tagged: true, errors: missing}, a.getSegment)
	register(a, operation{route: "GET /people/segments/{id}/countContacts", id: "count-segment-contacts", tag: tag,
		summary: "Count the contacts in a segment", errors: missing}, a.countMembers)
	register(a, operation{route: "GET /people/segments/{id}/members", id: "list-segment-members", tag: tag,
		summary: "List the contacts in a segment, by the time they came in", errors: missing}, a.listMembers)
}

func segmentOf(s projections.Segment) segmentObject {
	return segmentObject{ID: s.ID, Name: s.Name, Description: orNull(s.Description), State: "ready", Type: s.Type,
		ModifiedBy: orNull(s.ModifiedBy), ModifiedAt: s.ModifiedAt}
}

func (a *API) listSegments(ctx context.Context, in *segmentsQuery) (*struct{ Body []segmentObject }, error) {
	if err := a.reached(ctx, in.After, projections.SegmentMembers); err != nil {
		return nil, err
	}
	out := &struct{ Body []segmentObject }{[]segmentObject{}}
	if in.Attribute != "" {
		return out, nil
	}
	found, err := projections.ListSegments(ctx, a.db, in.Type)
	for _, s := range found {
		out.Body = append(out.Body, segmentOf(s))
	}
	return out, err
}

// segment finds a segment once the read model is where the client wants it.
func (a *API) segment(ctx context.Context, in SegmentQuery) (projections.Segment, error) {
	if err := a.reached(ctx, in.After, projections.SegmentMembers); err != nil {
		return projections.Segment{}, err
	}
	s, err := projections.SegmentByID(ctx, a.db, in.ID)
	if errors.Is(err, projections.ErrNotFound) {
		return a.segmentInLog(ctx, in.ID)
	}
	return s, err
}

// segmentInLog finds a segment that the read model has not heard of yet: whoever was
// just answered 201 finds it.
func (a *API) segmentInLog(ctx context.Context, id string) (projections.Segment, error) {
	if !isULID(id) {
		return projections.Segment{}, errNoSegment
	}
	s, err := aggregate.LoadSegment(ctx, a.streams, id)
	if err == nil && !s.Exists() {
		err = errNoSegment
	}
	return projections.Segment{ID: s.ID, Name: s.Name, Description: s.Description, Type: manualSegment,
		CreatedAt: s.CreatedAt, ModifiedAt: s.ModifiedAt, ModifiedBy: s.ModifiedBy}, err
}

func (a *API) getSegment(ctx context.Context, in *SegmentQuery) (*struct{ Body segmentObject }, error) {
	s, err := a.segment(ctx, *in)
	return &struct{ Body segmentObject }{segmentOf(s)}, err
}

func (a *API) countMembers(ctx context.Context, in *SegmentQuery) (*struct{ Body countObject }, error) {
	s, err := a.segment(ctx, *in)
	return &struct{ Body countObject }{countObject{s.Members}}, err
}

func (a *API) listMembers(ctx context.Context, in *membersQuery) (*struct{ Body membersPage }, error) {
	if err := a.reached(ctx, in.After, projections.ContactState); err != nil {
		return nil, err
	}
	s, err := a.segment(ctx, in.SegmentQuery)
	if err != nil {
		return nil, err
	}
	ids, err := projections.SegmentMemberIDs(ctx, a.db, s.ID, in.Page, in.PageSize, in.order())
	if err != nil {
		return nil, err
	}
	page := membersPage{}
	if page.Contacts, err = a.contactsInOrder(ctx, ids); err != nil {
		return nil, err
	}
	page.Pagination = paginate(in.PageQuery, s.Members, len(page.Contacts), "/people/segments/"+url.PathEscape(s.ID)+"/members", url.Values{"sort": {in.Sort}})
	return &struct{ Body membersPage }{page}, nil
}

// contactsInOrder leaves away whom the contacts' read model does not know yet.
func (a *API) contactsInOrder(ctx context.Context, ids []uuid.UUID) ([]contactObject, error) {
	found, err := projections.ContactsByID(ctx, a.db, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]projections.Contact, len(found))
	for _, c := range found {
		byID[c.NxID] = c
	}
	all := make([]contactObject, 0, len(ids))
	for _, id := range ids {
		if c, ok := byID[id]; ok {
			all = append(all, storedContact(c))
		}
	}
	return all, nil
}
