package events

import "fmt"

// describePeople says the events of segments, attributes and the account.
func describePeople(e Event) string {
	switch e := e.(type) {
	case SegmentCreated:
		if e.ImportID != "" {
			return fmt.Sprintf("Segment %s created for import %s.", e.Name, e.ImportID)
		}
		return fmt.Sprintf("Segment %s created.", e.Name)
	case SegmentRenamed:
		return fmt.Sprintf("Name and description of the segment set, the name to %s.", e.Name)
	case SegmentRemoved:
		return "Segment removed."
	case SegmentContactsAdded:
		return count(len(e.Contacts), "contact") + " added by hand."
	case SegmentContactsRemoved:
		return count(len(e.Contacts), "contact") + " removed by hand."
	case SegmentNameClaimed:
		return fmt.Sprintf("The name %s is for segment %s.", e.Name, e.SegmentID)
	case AttributeCreated:
		if e.ImportID != "" {
			return fmt.Sprintf("Attribute %s of type %s created for import %s.", e.Name, e.Type, e.ImportID)
		}
		return fmt.Sprintf("Attribute %s of type %s created.", e.Name, e.Type)
	case KeyIdentifierSet:
		return fmt.Sprintf("Contacts are told apart by %s.", e.Identifier)
	case KeyIdentifierUsed:
		return fmt.Sprintf("Import %s makes contacts by the key identifier.", e.ImportID)
	}
	return fmt.Sprintf("%T", e)
}
