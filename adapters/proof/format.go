package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"importledger/events"
)

const (
	formatName    = "importledger audit export"
	formatVersion = 1
	// maxLine bounds what one line takes in memory. The log takes 1 MiB at a time, which
	// base64 makes a third longer.
	maxLine = 2 << 20
)

// header is the first line.
type header struct {
	Format     string      `json:"format"`
	Version    int         `json:"version"`
	Instance   string      `json:"instance"` // of the ledger
	Import     string      `json:"import"`
	File       *sourceFile `json:"file"`
	ExportedAt int64       `json:"exportedAt"` // Unix epoch, milliseconds
	Program    string      `json:"program"`    // its version
}

// sourceFile is what was uploaded.
type sourceFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// eventLine is an event as the log has it.
type eventLine struct {
	Revision uint64    `json:"revision"`
	Type     string    `json:"type"`
	ID       uuid.UUID `json:"id"`
	Data     []byte    `json:"data"`
	Metadata []byte    `json:"metadata"`
}

func (l *eventLine) recorded(stream string) events.Recorded {
	return events.Recorded{ID: l.ID, Stream: stream, Revision: l.Revision, Type: l.Type, Data: l.Data, Metadata: l.Metadata}
}

// chainOf is the chain that an event's metadata begins with; the zero Chain: none.
func chainOf(metadata []byte) events.Chain {
	return events.Behind(events.Recorded{Metadata: metadata}).Chain
}

// ending is the line behind the events.
type ending struct {
	Events   uint64       `json:"events"`
	State    events.State `json:"state"`
	Rows     int          `json:"rows"` // of the file, below its header
	Accepted int          `json:"accepted"`
	Rejected int          `json:"rejected"`
	Chain    events.Chain `json:"chain"` // of the last event
}

// seal is the last line.
type seal struct {
	SHA256    string    `json:"sha256"`
	Key       PublicKey `json:"key"`
	Signature []byte    `json:"signature"`
}

// What a line begins with tells what it is.
const (
	eventBegins  = `{"revision":`
	endingBegins = `{"events":`
	sealBegins   = `{"sha256":`
)

func begins(line []byte, with string) bool { return bytes.HasPrefix(line, []byte(with)) }

// signed is the text that is signed for a file with this digest.
func signed(digest string) []byte {
	return []byte(fmt.Sprintf("%s %d %s\n", formatName, formatVersion, digest))
}

// encodeLine writes a line in the one spelling that it has.
func encodeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// longestName is longer than the name of any event: names are repeated to people.
const longestName = 100

var errNoName = errors.New("its event has a name that no event has")

var errSpelling = errors.New("its members are not those that such a line has, or not written as they are there")

// decodeLine reads a line, and refuses every other spelling of it: nothing can be
// hidden in what a reader skips.
func decodeLine(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("it is not JSON as such a line has it (%s)", brief(err))
	}
	again, err := encodeLine(into)
	if err != nil || !bytes.Equal(again, line) {
		return errSpelling
	}
	return nil
}

// brief is an error without what a stranger's file put into it.
func brief(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "a member has a value of another type, " + strings.SplitN(wrong.Value, " ", 2)[0]
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return "its syntax is wrong"
	}
	return "a value is wrong"
}
