package aggregate

import "importledger/events"

// Suggestion is what a column of a file probably is, and why.
type Suggestion struct {
	Header    string
	Skip      bool
	Attribute string
	Create    events.AttributeType // type of the attribute where it is new, else empty
	Property  bool                 // mode events: the column becomes a property of the event
	Timestamp bool                 // mode events: the column is the event's time
	Reason    string               // exact, similar, synonym, content, new
}
