package web

import (
	"context"
	"io"
	"time"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Connectors lets files come in by SFTP and FTPS. Refusals that a person can act on
// are *commands.Refusal.
type Connectors interface {
	// List gives all, the newest first.
	List(ctx context.Context) ([]Connector, error)
	Find(ctx context.Context, id string) (Connector, error)
	// Names gives what connectors are called, removed ones too.
	Names(ctx context.Context, ids []string) (map[string]ConnectorName, error)
	// Files and Activity give a page, the newest first, and how many there are.
	Files(ctx context.Context, id string, offset, limit int) (page []ConnectorFile, total int, err error)
	Activity(ctx context.Context, id string, offset, limit int) (page []ConnectorActivity, total int, err error)
	// Create gives the password, where one was asked for: it is told once.
	Create(ctx context.Context, by By, w ConnectorWish) (made Connector, password string, err error)
	Change(ctx context.Context, by By, id string, c ConnectorChange) error
	SetPassword(ctx context.Context, by By, id string) (password string, err error)
	Remove(ctx context.Context, by By, id string) error
	// Username makes one from a name; salt keeps it from being somebody else's.
	Username(name, salt string) string
	// Doors gives the door of each protocol, open or not.
	Doors() []Door
}

// Samples are files like those that will come, while a template is made from one.
// They are their user's alone, are no imports, and leave after some days.
type Samples interface {
	// KeepSample calls read once; read hands the file to store and gives what was asked
	// beside it. A file that breaks a rule leaves nothing behind.
	KeepSample(ctx context.Context, userID, connectorID string, choices []byte,
		read func(store func(name string, r io.Reader) error) (commands.Start, error)) (Sample, error)
	Sample(ctx context.Context, userID, id string) (Sample, error)
	// PreviewSample reads the file as asked; what is not said stays as it was found.
	PreviewSample(ctx context.Context, s Sample, as commands.Reading) (aggregate.Preview, error)
	SaveSample(ctx context.Context, userID, id string, choices []byte) error
	RemoveSample(ctx context.Context, userID, id string) error
}

// Sample is one of them.
type Sample struct {
	ID          string // of the connector that is made from it, too
	ConnectorID string // that gets another template; empty: a new one is made
	Started     events.ImportStarted
	Choices     []byte // JSON
}

// Connector is somebody who may drop files.
type Connector struct {
	ID          string
	Name        string
	Protocol    string
	Username    string
	HasPassword bool
	PublicKeys  []string // as in authorized_keys
	Enabled     bool
	Template    aggregate.Template
	CreatedAt   time.Time
	Imported    int       // files
	Failed      int       // likewise
	LastAt      time.Time // when the last file came; zero: none yet
	LastFile    string
	Door        Door
}

// ProtocolName is the protocol as people write it.
func (c Connector) ProtocolName() string { return protocolName(c.Protocol) }

// ConnectorName is what a connector is called.
type ConnectorName struct {
	Name    string
	Removed bool
}

// Door is where the clients of a protocol connect to.
type Door struct {
	Protocol    string
	Host        string // empty: it is not open here
	Port        int
	Fingerprint string // of the host key or certificate
	SelfSigned  bool   // nobody vouches for the certificate
	Certificate []byte // PEM, where it is self-signed
}

// Open tells whether this server listens there.
func (d Door) Open() bool { return d.Host != "" }

// Name is the protocol as people write it.
func (d Door) Name() string { return protocolName(d.Protocol) }

// Setting opens the door.
func (d Door) Setting() string {
	if d.Protocol == protocolFTPS {
		return "IMPORTLEDGER_FTPS_LISTEN=0.0.0.0:2121"
	}
	return "IMPORTLEDGER_SFTP_LISTEN=0.0.0.0:2022"
}

// The protocols of connectors.
const (
	protocolSFTP = "sftp"
	protocolFTPS = "ftps"
)

func protocolName(protocol string) string {
	if protocol == protocolFTPS {
		return "FTPS"
	}
	return "SFTP"
}

// ConnectorFile is a file that was taken.
type ConnectorFile struct {
	ImportID   string
	Name       string
	ReceivedAt time.Time
	Outcome    string // imported, failed, quarantined; empty: it is being imported
	ReasonCode string
	Reason     string // a sentence
}

// Icon is the shape of the file's outcome.
func (f ConnectorFile) Icon() string {
	switch f.Outcome {
	case "":
		return "importing"
	case "imported":
		return "imported"
	}
	return "failed"
}

// Word is the outcome as people say it.
func (f ConnectorFile) Word() string {
	switch f.Outcome {
	case "":
		return "Importing"
	case "quarantined":
		return "Put aside"
	}
	return stateWord(events.State(f.Outcome))
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

// ConnectorWish is a connector that is asked for.
type ConnectorWish struct {
	ID         string // of the sample that it is made from
	Name       string
	Protocol   string
	Username   string
	PublicKeys []string
	Password   bool // one is to be made
	Template   aggregate.Template
}

// ConnectorChange says what is to be otherwise; nil stays.
type ConnectorChange struct {
	Name       *string
	Username   *string
	PublicKeys *[]string
	Template   *aggregate.Template
	Enabled    *bool
}
