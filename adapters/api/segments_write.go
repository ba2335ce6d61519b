package api

import (
	"context"
	"net/http"

	"github.com/oklog/ulid/v2"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/projections"
)

type createSegmentRequest struct {
	Body struct {
		Name        string  `json:"name" doc:"Unique among segments, exactly; at most 255 characters."`
		Description *string `json:"description,omitempty" nullable:"true" maxLength:"300"`
		Type        string  `json:"type,omitempty" enum:"manual" default:"manual" doc:"Contacts are put in by hand and by imports."`
	} `nameHint:"CreateSegmentRequest"`
}

// changeSegmentRequest leaves as it is what it does not name.
type changeSegmentRequest struct {
	SegmentPath
	IfMatchHeader
	Body struct {
		Name        *string  `json:"name,omitempty" doc:"Unique among segments, exactly; at most 255 characters. As it is when absent."`
		Description optional `json:"description,omitempty" doc:"As it is when absent; null for none."`
		Type        string   `json:"type,omitempty" enum:"manual" default:"manual"`
	} `nameHint:"ChangeSegmentRequest"`
}

// SegmentPath names a segment that is written to.
type SegmentPath struct {
	ID string `path:"id" maxLength:"100"`
}

type createdSegment struct {
	Location string `header:"Location"`
	Position string `header:"X-Ledger-Position"`
	Body     segmentObject
}

type writtenSegment struct {
	Position string `header:"X-Ledger-Position"`
	Body     segmentObject
}

// writtenOnly answers a write that leaves nothing to be shown.
type writtenOnly struct {
	Position string `header:"X-Ledger-Position"`
}

func (a *API) addSegmentWrites() {
	const tag = "Segments"
	conflicts := []int{http.StatusNotFound, http.StatusConflict}
	register(a, operation{route: "POST /people/segments", id: "create-segment", tag: tag, status: http.StatusCreated,
		summary: "Create a manual segment", errors: []int{http.StatusConflict}}, a.createSegment)
	register(a, operation{route: "PUT /people/segments/{id}", id: "change-segment", tag: tag,
		summary: "Give a segment another name or description", errors: append(conflicts, http.StatusPreconditionFailed)}, a.changeSegment)
	register(a, operation{route: "DELETE /people/segments/{id}", id: "remove-segment", tag: tag, status: http.StatusNoContent,
		summary: "Remove a segment", about: "Its contacts stay contacts. Removing it again is the same answer.", errors: conflicts}, a.removeSegment)
	register(a, operation{route: "POST /people/segments/{id}/addContacts", id: "add-segment-contacts", tag: tag, status: http.StatusNoContent,
		summary: "Put contacts into a segment", about: "Contacts that are in it already stay in it.", errors: conflicts}, a.addSegmentContacts)
	register(a, operation{route: "POST /people/segments/{id}/deleteContacts", id: "remove-segment-contacts", tag: tag, status: http.StatusNoContent,
		summary: "Take contacts out of a segment", about: "They stay contacts. Some may not be in it.", errors: conflicts}, a.removeSegmentContacts)
}

// writtenSegmentOf is a segment as the aggregate has it after a write.
func writtenSegmentOf(s aggregate.Segment) segmentObject {
	return segmentOf(projections.Segment{ID: s.ID, Name: s.Name, Description: s.Description, Type: manualSegment, ModifiedAt: s.ModifiedAt, ModifiedBy: s.ModifiedBy})
}

const manualSegment = "manual"

func (a *API) createSegment(ctx context.Context, in *createSegmentRequest) (*createdSegment, error) {
	c := commands.CreateSegment{Name: in.Body.Name}
	if in.Body.Description != nil {
		c.Description = *in.Body.Description
	}
	s, err := aggregate.ExecuteSegment(ctx, a.streams, ulid.Make().String(), a.meta(ctx), c)
	if err != nil {
		return nil, err
	}
	return &createdSegment{Location: "/people/segments/" + s.ID, Position: s.Position.String(), Body: writtenSegmentOf(s)}, nil
}

func (a *API) changeSegment(ctx context.Context, in *changeSegmentRequest) (*writtenSegment, error) {
	if err := in.meant(func() (string, error) { return a.segmentTag(ctx, in.ID) }); err != nil {
		return nil, err
	}
	s, err := a.executeSegment(ctx, in.ID, commands.ChangeSegment{Name: in.Body.Name, Description: in.Body.Description.given()})
	if err != nil {
		return nil, err
	}
	return &writtenSegment{Position: s.Position.String(), Body: writtenSegmentOf(s)}, nil
}

// segmentTag is the tag of a segment as it stands, once it can be read so.
func (a *API) segmentTag(ctx context.Context, id string) (string, error) {
	if !isULID(id) {
		return "", errNoSegment
	}
	s, err := aggregate.LoadSegment(ctx, a.streams, id)
	if err == nil && s.Exists() {
		err = a.reached(ctx, s.Position.String(), projections.SegmentMembers)
	}
	if err != nil {
		return "", err
	}
	read, err := a.segment(ctx, SegmentQuery{ID: id})
	if err != nil {
		return "", err
	}
	return tagOf(segmentOf(read))
}

func (a *API) removeSegment(ctx context.Context, in *SegmentPath) (*writtenOnly, error) {
	return a.writeSegment(ctx, in.ID, commands.RemoveSegment{})
}

func (a *API) writeSegment(ctx context.Context, id string, c commands.Command) (*writtenOnly, error) {
	s, err := a.executeSegment(ctx, id, c)
	if err != nil {
		return nil, err
	}
	return &writtenOnly{Position: s.Position.String()}, nil
}

func (a *API) executeSegment(ctx context.Context, id string, c commands.Command) (aggregate.Segment, error) {
	if !isULID(id) {
		return aggregate.Segment{}, errNoSegment
	}
	return aggregate.ExecuteSegment(ctx, a.streams, id, a.meta(ctx), c)
}

// isULID tells ids that streams are named after. The same ULID in small letters would
// be another stream.
func isULID(id string) bool {
	parsed, err := ulid.ParseStrict(id)
	return err == nil && parsed.String() == id
}
