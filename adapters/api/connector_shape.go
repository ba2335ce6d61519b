package api

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Connector is somebody who may drop files, and where.
type Connector struct {
	ID         string
	Name       string
	Protocol   string
	Username   string
	PublicKeys []string
	Enabled    bool
	Template   aggregate.Template
	CreatedAt  time.Time
	Files      []ConnectorFile // the newest, newest first

	Host        string // empty: this process does not know of such a door
	Port        int
	Fingerprint string // of the host key or certificate; a self-signed one says so
}

// ConnectorFile is a file that was taken.
type ConnectorFile struct {
	Name       string
	ReceivedAt time.Time
	ImportID   string
	Outcome    string // empty: it is being imported
	ReasonCode string
	Reason     string // a sentence
}

// ConnectorWish is a connector that is asked for.
type ConnectorWish struct {
	Name       string
	Protocol   string
	Username   string // empty: made from the name
	PublicKeys []string
	Password   bool // one is to be made
	Template   aggregate.Template
	By         string // id of the user or API client
}

// ConnectorChange says what is to be otherwise; nil stays.
type ConnectorChange struct {
	Name       *string
	Username   *string
	PublicKeys *[]string
	Template   *aggregate.Template
	Enabled    *bool
	Protocol   string // as it is; empty: not said
}

// ConnectorActivity is an entry of a connector's activity list.
type ConnectorActivity struct {
	At       time.Time
	Action   string
	File     string
	ImportID string
	Detail   string
	Network  string
	Times    int
}

// ConnectorObject is a Connector as clients see it. It is exported because huma passes
// over what is embedded and not.
type ConnectorObject struct {
	ID          string         `json:"id" doc:"A ULID. Imports of its files have it as their userId."`
	Name        string         `json:"name"`
	Protocol    string         `json:"protocol" enum:"sftp,ftps"`
	Host        *string        `json:"host" doc:"Null: this server does not open that door."`
	Port        *int           `json:"port"`
	Username    string         `json:"username"`
	Fingerprint *string        `json:"hostKeyFingerprint" doc:"Of the SSH host key, or of the TLS certificate; (self-signed) behind it says that nobody vouches for that one, so that clients have to be told to trust it."`
	Enabled     bool           `json:"enabled"`
	PublicKeys  []string       `json:"publicKeys" doc:"As in authorized_keys."`
	Template    templateObject `json:"template"`
	CreatedAt   int64          `json:"createdAt" doc:"Unix epoch, milliseconds."`
	Files       []fileTaken    `json:"files" doc:"The newest, newest first."`
}

// connectorWithPassword answers where a password was made.
type connectorWithPassword struct {
	ConnectorObject
	Password string `json:"password,omitempty" doc:"Told this once. Only its hash is kept."`
}

type fileTaken struct {
	Name       string  `json:"name"`
	ReceivedAt int64   `json:"receivedAt" doc:"Unix epoch, milliseconds."`
	ImportID   string  `json:"importId"`
	Outcome    *string `json:"outcome" enum:"imported,failed,quarantined" doc:"Null while it is being imported."`
	Reason     *string `json:"reason" doc:"Why it was not imported: a code, and a sentence."`
}

type templateObject struct {
	Header     []string      `json:"header" minItems:"1" maxItems:"1000" doc:"The columns that files have, in any order."`
	Separator  string        `json:"separator" required:"false" doc:"A comma, the default, or a semicolon. A file with the right columns may have the other one."`
	Encoding   string        `json:"encoding,omitempty" enum:"utf-8,utf-16le,utf-16be,windows-1252" doc:"Found for each file when absent."`
	Mapping    []mappingItem `json:"mapping" maxItems:"1000" doc:"A header that no item names is skipped."`
	ImportMode string        `json:"importMode" required:"false" enum:"contacts,events" default:"contacts"`
	EventName  *string       `json:"eventName" required:"false" nullable:"true" maxLength:"255"`
	Segment    *segmentRef   `json:"segment" required:"false"`
	RowSettings
}

type connectorWish struct {
	Name       string         `json:"name" minLength:"1" maxLength:"100"`
	Protocol   string         `json:"protocol" enum:"sftp,ftps"`
	Template   templateObject `json:"template"`
	Username   string         `json:"username,omitempty" maxLength:"32" doc:"3 to 32 of a-z, 0-9, . _ -; made from the name when absent."`
	PublicKeys []string       `json:"publicKeys,omitempty" maxItems:"20" doc:"SFTP: lines as in authorized_keys."`
	Password   bool           `json:"password,omitempty" doc:"Make one. It is in this answer and never again."`
}

type connectorChange struct {
	Name       *string         `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Template   *templateObject `json:"template,omitempty"`
	Username   *string         `json:"username,omitempty" maxLength:"32"`
	PublicKeys *[]string       `json:"publicKeys,omitempty" maxItems:"20"`
	Enabled    *bool           `json:"enabled,omitempty"`
	Protocol   string          `json:"protocol,omitempty" doc:"As it is: it cannot be changed."`
	ReadOnly
}

// ReadOnly are keys of a connector that a request may repeat and cannot change.
type ReadOnly struct {
	ID          any `json:"id,omitempty" doc:"Ignored."`
	Host        any `json:"host,omitempty" doc:"Ignored."`
	Port        any `json:"port,omitempty" doc:"Ignored."`
	Fingerprint any `json:"hostKeyFingerprint,omitempty" doc:"Ignored."`
	CreatedAt   any `json:"createdAt,omitempty" doc:"Ignored."`
	Files       any `json:"files,omitempty" doc:"Ignored."`
}

type activityObject struct {
	At       int64   `json:"at" doc:"Unix epoch, milliseconds; the last time where it happened several times."`
	Action   string  `json:"action" enum:"login,login-refused,session-cut,file-received,file-refused,file-cut-off,file-imported,file-failed,file-quarantined"`
	File     *string `json:"file"`
	ImportID *string `json:"importId"`
	Detail   *string `json:"detail" doc:"Mostly a code."`
	Network  *string `json:"network" doc:"Where it came from, in part: the /24 or /48 of the address."`
	Times    int     `json:"times" doc:"Like entries within a minute are one."`
}

func connectorOf(c Connector) ConnectorObject {
	o := ConnectorObject{ID: c.ID, Name: c.Name, Protocol: c.Protocol, Username: c.Username, Host: orNull(c.Host),
		Fingerprint: orNull(c.Fingerprint), Enabled: c.Enabled, PublicKeys: orEmpty(c.PublicKeys),
		Template: templateOf(c.Template), CreatedAt: c.CreatedAt.UnixMilli(), Files: make([]fileTaken, len(c.Files))}
	if c.Port != 0 {
		o.Port = &c.Port
	}
	for i, f := range c.Files {
		o.Files[i] = fileTaken{Name: f.Name, ReceivedAt: f.ReceivedAt.UnixMilli(), ImportID: f.ImportID, Outcome: orNull(f.Outcome)}
		if f.ReasonCode != "" {
			o.Files[i].Reason = orNull(f.ReasonCode + ": " + f.Reason)
		}
	}
	return o
}

func templateOf(t aggregate.Template) templateObject {
	o := templateObject{Header: orEmpty(t.Header), Separator: t.Separator, ImportMode: string(t.ImportMode), EventName: orNull(t.EventName), Encoding: t.Encoding,
		Mapping: make([]mappingItem, len(t.Mapping)), RowSettings: RowSettings{DefaultCountry: t.DefaultCountry, BlankCells: string(t.BlankCells)}}
	for i, m := range t.Mapping {
		o.Mapping[i] = mappingItem{Header: m.Header, Skip: m.Skip, Attribute: m.Attribute, Property: m.Property, Timestamp: m.Timestamp}
		if m.Create != nil {
			o.Mapping[i].Create = &newColumn{Type: string(m.Create.Type)}
		}
	}
	if t.Segment != nil {
		o.Segment = &segmentRef{SegmentID: t.Segment.ID, Name: t.Segment.Name}
	}
	return o
}

// template reads a template as it was answered, too: a segment that has its id needs
// no name.
func (o templateObject) template() (aggregate.Template, error) {
	t := aggregate.Template{Header: o.Header, Separator: cmp.Or(o.Separator, ","), Mapping: wishes(o.Mapping), Encoding: o.Encoding,
		ImportMode:     cmp.Or(events.Mode(o.ImportMode), events.Contacts),
		DefaultCountry: o.DefaultCountry, BlankCells: events.BlankCells(o.BlankCells)}
	if o.EventName != nil {
		t.EventName = *o.EventName
	}
	if o.Segment != nil && o.Segment.SegmentID != "" {
		t.Segment = &events.Segment{ID: o.Segment.SegmentID}
		return t, nil
	}
	var err error
	t.Segment, err = segmentWish(o.Segment)
	return t, err
}

func (b connectorWish) wish(by string) (ConnectorWish, error) {
	t, err := b.Template.template()
	if err == nil && !b.Password && len(b.PublicKeys) == 0 && b.Protocol == "ftps" {
		err = &commands.Refusal{Kind: commands.Unacceptable, Code: commands.InvalidRequest, Message: "FTPS signs in with a password: ask for one with \"password\":true.",
			Details: []commands.Detail{{Field: "password", Code: "missing", Message: "Without a password nobody could sign in."}}}
	}
	return ConnectorWish{Name: b.Name, Protocol: b.Protocol, Username: b.Username, PublicKeys: b.PublicKeys, Password: b.Password, Template: t, By: by}, err
}

func (b connectorChange) change() (ConnectorChange, error) {
	c := ConnectorChange{Name: b.Name, Username: b.Username, PublicKeys: b.PublicKeys, Enabled: b.Enabled, Protocol: b.Protocol}
	if b.Template == nil {
		return c, nil
	}
	t, err := b.Template.template()
	c.Template = &t
	return c, err
}

// changes names what is changed, for the audit log.
func (b connectorChange) changes() string {
	var all []string
	for name, asked := range map[string]bool{"name": b.Name != nil, "template": b.Template != nil, "username": b.Username != nil,
		"public keys": b.PublicKeys != nil, "enabled": b.Enabled != nil && *b.Enabled, "disabled": b.Enabled != nil && !*b.Enabled} {
		if asked {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
