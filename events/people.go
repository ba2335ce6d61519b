package events

import "github.com/google/uuid"

// SegmentCreated: a manual segment exists from now on. The first event of its
// stream.
type SegmentCreated struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	ImportID    string `json:"importId,omitempty"` // the import that asked for it; empty: somebody by hand
}

// SegmentRenamed: a segment has another name or description.
type SegmentRenamed struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// SegmentRemoved: a segment is no more, and nobody is in it. The last event of
// its stream.
type SegmentRemoved struct{}

// SegmentContactsAdded: contacts were put into a segment by hand. Some may have
// been in it.
type SegmentContactsAdded struct {
	Contacts []uuid.UUID `json:"contacts"` // nxIds
}

// SegmentContactsRemoved: contacts were taken out of a segment by hand. Some may
// not have been in it.
type SegmentContactsRemoved struct {
	Contacts []uuid.UUID `json:"contacts"` // nxIds
}

// SegmentNameClaimed: a segment is to get a name, by the event with that revision
// in its own stream and by no other. Whoever finds that event missing may add it:
// the claim holds all of it.
type SegmentNameClaimed struct {
	SegmentID   string `json:"segmentId"`
	Revision    uint64 `json:"revision"` // 0: by its creation
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	ImportID    string `json:"importId,omitempty"`
}

// AttributeCreated: contacts can have this attribute from now on, with values of
// this type. The only event of its stream.
type AttributeCreated struct {
	Name     string        `json:"name"`
	Type     AttributeType `json:"type"`
	ImportID string        `json:"importId,omitempty"` // the import whose mapping asked for it; empty: somebody by hand
}

// KeyIdentifierSet: the account's contacts are told apart by this attribute from
// now on.
type KeyIdentifierSet struct {
	Identifier string `json:"identifier"`
}

// KeyIdentifierUsed: an import is about to make contacts by the key identifier
// that is set.
type KeyIdentifierUsed struct {
	ImportID string `json:"importId"`
}

func (SegmentCreated) isEvent()         {}
func (SegmentRenamed) isEvent()         {}
func (SegmentRemoved) isEvent()         {}
func (SegmentContactsAdded) isEvent()   {}
func (SegmentContactsRemoved) isEvent() {}
func (SegmentNameClaimed) isEvent()     {}
func (AttributeCreated) isEvent()       {}
func (KeyIdentifierSet) isEvent()       {}
func (KeyIdentifierUsed) isEvent()      {}
