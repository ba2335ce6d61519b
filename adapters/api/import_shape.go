package api

import (
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// importObject is an Import as clients see it. Keys without a value are null,
// never absent.
type importObject struct {
	ID           string        `json:"id" doc:"A ULID."`
	Name         string        `json:"name"`
	Description  *string       `json:"description"`
	UserID       *string       `json:"userId" doc:"Who started it: a user or an API client."`
	Type         string        `json:"type" enum:"manual,ftp-template"`
	State        string        `json:"state" enum:"preparing,importing,imported,canceled,failed"`
	File         fileObject    `json:"file"`
	ImportMode   string        `json:"importMode" enum:"contacts,events"`
	OldMode      string        `json:"import_mode" enum:"contacts,events" doc:"The same as importMode, for older clients."`
	EventName    *string       `json:"eventName"`
	Segment      *segmentRef   `json:"segment"`
	Mapping      []mappingItem `json:"mapping" nullable:"true" doc:"Null until the columns are mapped."`
	RowToImport  int           `json:"rowToImport" doc:"Rows in the file, below the header."`
	RowsImported int           `json:"rowsImported"`
	RowsInError  int           `json:"rowsInError"`
	FailedReason *string       `json:"failedReason" doc:"In state failed: a stable code in kebab-case."`
	CreatedAt    int64         `json:"createdAt" doc:"Unix epoch, milliseconds."`
	ModifiedAt   int64         `json:"modifiedAt" doc:"Unix epoch, milliseconds."`
	Revision     uint64        `json:"revision" doc:"Of the last event that is part of this answer."`
}

type fileObject struct {
	Separator string `json:"separator"`
	Name      string `json:"name"`
	Size      int64  `json:"size" doc:"Bytes."`
	SHA256    string `json:"sha256" doc:"Hexadecimal, of the bytes as received."`
	Encoding  string `json:"encoding"`
	Columns   int    `json:"columns"`
}

// segmentRef names a segment: by its id, or a new one by the name it gets.
type segmentRef struct {
	_         struct{} `nullable:"true"`
	SegmentID string   `json:"segmentId,omitempty" minLength:"1"`
	Name      string   `json:"name,omitempty" minLength:"1" maxLength:"255" doc:"In requests: a new segment, or the one that has this name."`
}

// mappingItem says what becomes of one column. It reads the same in both
// directions, so that a mapping that was answered can be sent again.
type mappingItem struct {
	Header    string     `json:"header" doc:"Of the column, as in the file."`
	Skip      bool       `json:"skip" required:"false"`
	Attribute string     `json:"attribute,omitempty"`
	Create    *newColumn `json:"create,omitempty" doc:"The attribute is new, and becomes part of the account."`
	Property  string     `json:"property,omitempty" doc:"In mode events: the property of the event that the column feeds."`
	Type      string     `json:"type,omitempty" enum:"string,number,boolean" doc:"Of a property that is no attribute too. When absent: what all its cells agree on."`
	Timestamp bool       `json:"timestamp,omitempty" doc:"In mode events: the column says when the event happened."`
	Reason    string     `json:"reason,omitempty" doc:"In a suggestion: why. Ignored in requests."`
}

type newColumn struct {
	Type string `json:"type" enum:"string,number,boolean"`
}

// importOf is the only maker of importObject, whether the state was folded from the
// log or comes from the read model.
func importOf(s aggregate.Import) importObject {
	started, file := s.Started, s.File()
	o := importObject{
		ID: s.ID, Name: s.Name(), Description: orNull(s.Description()), UserID: orNull(s.CreatedBy),
		Type: string(started.Type), State: string(s.State),
		File: fileObject{Separator: file.Separator, Name: file.Name, Size: file.Size, SHA256: file.SHA256, Encoding: file.Encoding,
			Columns: len(file.Header)},
		ImportMode: string(started.ImportMode), OldMode: string(started.ImportMode), EventName: orNull(s.EventName()),
		RowToImport: s.Rows(), RowsImported: s.Accepted, RowsInError: s.Rejected,
		CreatedAt: s.CreatedAt, ModifiedAt: s.ModifiedAt, Revision: s.Events - 1,
	}
	if s.Mapped != nil {
		o.Mapping = mappingOf(s.Mapped.Columns)
		if s.Mapped.Segment != nil {
			o.Segment = &segmentRef{SegmentID: s.Mapped.Segment.ID}
		}
	}
	if s.Failure != nil {
		o.FailedReason = &s.Failure.Code
	}
	return o
}

// folded is a row of the read model as the state that it was folded from.
func folded(row projections.Import) aggregate.Import {
	s := aggregate.Import{
		ID: row.ID, State: row.State, Accepted: row.RowsImported, Rejected: row.RowsInError,
		Started: events.ImportStarted{Name: row.Name, Description: row.Description, Type: row.Type, File: row.File,
			ImportMode: row.ImportMode, EventName: row.EventName, KeyIdentifier: row.KeyIdentifier,
			DefaultCountry: row.DefaultCountry, BlankCells: row.BlankCells, Corrects: row.Corrects},
		CreatedBy: row.UserID, CreatedAt: row.CreatedAt, ModifiedAt: row.ModifiedAt, Events: row.Revision + 1, Position: row.Position,
	}
	if len(row.Mapping) > 0 {
		s.Mapped = &events.ColumnsMapped{Columns: row.Mapping}
		if row.SegmentID != "" {
			s.Mapped.Segment = &events.Segment{ID: row.SegmentID, Name: row.SegmentName}
		}
	}
	if row.State == events.Failed {
		s.Failure = &events.ImportFailed{Code: row.FailedReason, Message: row.FailedMessage}
	}
	return s
}

func mappingOf(columns []events.Column) []mappingItem {
	items := make([]mappingItem, len(columns))
	for i, c := range columns {
		items[i] = mappingItem{Header: c.Header, Skip: c.Skip, Attribute: c.Attribute, Property: c.Property, Timestamp: c.Timestamp}
		if c.Attribute == "" {
			items[i].Type = string(c.Type)
		}
		if c.Create {
			items[i].Create = &newColumn{Type: string(c.Type)}
		}
	}
	return items
}

// wishes are mapping items as the command has them.
func wishes(items []mappingItem) []commands.Column {
	columns := make([]commands.Column, len(items))
	for i, m := range items {
		columns[i] = commands.Column{Header: m.Header, Skip: m.Skip, Attribute: m.Attribute, Property: m.Property, Timestamp: m.Timestamp,
			Type: events.AttributeType(m.Type)}
		if m.Create != nil {
			columns[i].Create = &commands.NewAttribute{Type: events.AttributeType(m.Create.Type)}
		}
	}
	return columns
}

// segmentWish is a segment as the command has it before it is completed: with its
// id, or with its name.
func segmentWish(ref *segmentRef) (*events.Segment, error) {
	switch {
	case ref == nil:
		return nil, nil
	case (ref.SegmentID == "") == (ref.Name == ""):
		return nil, &commands.Refusal{Kind: commands.Unacceptable, Code: commands.InvalidRequest,
			Message: "Name the segment by segmentId, or a new one by name.",
			Details: []commands.Detail{{Field: "segment", Code: "one-of", Message: "Give segmentId or name, one of them."}}}
	}
	return &events.Segment{ID: ref.SegmentID, Name: ref.Name}, nil
}

// orNull makes null of what has no value.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
