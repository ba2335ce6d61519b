package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"importledger/commands"
	"importledger/projections"
)

type segmentContactsRequest struct {
	SegmentPath
	Body struct {
		IDs []string `json:"ids" minItems:"1" maxItems:"10000" doc:"The contacts' nxIds."`
	} `nameHint:"SegmentContactsRequest"`
}

func (a *API) addSegmentContacts(ctx context.Context, in *segmentContactsRequest) (*writtenOnly, error) {
	ids, err := a.ExistingContacts(ctx, in.Body.IDs)
	if err != nil {
		return nil, err
	}
	return a.writeSegment(ctx, in.ID, commands.AddContacts{Contacts: ids})
}

func (a *API) removeSegmentContacts(ctx context.Context, in *segmentContactsRequest) (*writtenOnly, error) {
	ids, err := a.ExistingContacts(ctx, in.Body.IDs)
	if err != nil {
		return nil, err
	}
	return a.writeSegment(ctx, in.ID, commands.RemoveContacts{Contacts: ids})
}

// ExistingContacts reads ids and refuses those of nobody. Contacts never go away, so
// whoever the read model knows is there; before somebody is called unknown, it has
// to have read all that the log holds now.
func (a *API) ExistingContacts(ctx context.Context, texts []string) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(texts))
	for i, text := range texts {
		if id, err := uuid.Parse(text); err == nil {
			ids[i] = id
		}
	}
	unknown, err := a.unknownContacts(ctx, ids)
	if err == nil && len(unknown) > 0 {
		if err = a.caughtUp(ctx, projections.ContactState); err == nil {
			unknown, err = a.unknownContacts(ctx, ids)
		}
	}
	if err != nil || len(unknown) == 0 {
		return ids, err
	}
	return nil, refuseContacts(unknown)
}

// unknownContacts gives the places of ids that nobody has.
func (a *API) unknownContacts(ctx context.Context, ids []uuid.UUID) ([]int, error) {
	known, err := projections.KnownContacts(ctx, a.db, ids)
	if err != nil {
		return nil, err
	}
	var unknown []int
	for i, id := range ids {
		if !known[id] {
			unknown = append(unknown, i)
		}
	}
	return unknown, nil
}

// toldUnknown is how many of the unknown contacts an answer points at.
const toldUnknown = 100

func refuseContacts(unknown []int) error {
	const message = "There is no contact with this nxId."
	refusal := &commands.Refusal{Kind: commands.Unacceptable, Code: "contacts-unknown",
		Message: fmt.Sprintf("%d of the ids are those of no contact. Nothing was changed; leave them out.", len(unknown))}
	for _, i := range unknown[:min(len(unknown), toldUnknown)] {
		refusal.Details = append(refusal.Details, commands.Detail{Field: fmt.Sprintf("ids[%d]", i), Code: "contact-unknown", Message: message})
	}
	return refusal
}
