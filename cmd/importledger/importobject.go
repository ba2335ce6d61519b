package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"importledger/commands"
	"importledger/events"
)

// importObject is the API's Import, as far as people are told of it, and the
// bytes that it came in, for scripts.
type importObject struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Description  *string      `json:"description"`
	UserID       *string      `json:"userId"`
	Type         string       `json:"type"`
	State        events.State `json:"state"`
	File         fileObject   `json:"file"`
	ImportMode   string       `json:"importMode"`
	EventName    *string      `json:"eventName"`
	Segment      *segmentRef  `json:"segment"`
	Mapping      []mappedItem `json:"mapping"`
	RowToImport  int          `json:"rowToImport"`
	RowsImported int          `json:"rowsImported"`
	RowsInError  int          `json:"rowsInError"`
	FailedReason *string      `json:"failedReason"`
	CreatedAt    int64        `json:"createdAt"`
	ModifiedAt   int64        `json:"modifiedAt"`
	Revision     uint64       `json:"revision"`

	raw json.RawMessage
}

type fileObject struct {
	Separator string `json:"separator"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	Encoding  string `json:"encoding"`
	Columns   int    `json:"columns"`
}

type segmentRef struct {
	SegmentID string `json:"segmentId,omitempty"`
	Name      string `json:"name,omitempty"`
}

// mappedItem is what becomes of a column; a suggested one says why.
type mappedItem struct {
	commands.Column
	Reason string `json:"reason,omitempty"`
}

// UnmarshalJSON keeps the bytes as well.
func (i *importObject) UnmarshalJSON(text []byte) error {
	type plain importObject
	if err := json.Unmarshal(text, (*plain)(i)); err != nil {
		return err
	}
	i.raw = append(json.RawMessage(nil), text...)
	return nil
}

// MarshalJSON gives the API's own answer.
func (i importObject) MarshalJSON() ([]byte, error) { return i.raw, nil }

// settled counts the rows that have their outcome.
func (i importObject) settled() int { return i.RowsImported + i.RowsInError }

// readingObject is how an import's file is read, and which imports mend each
// other's rows.
type readingObject struct {
	Corrects    *string  `json:"corrects"`
	CorrectedBy []string `json:"correctedBy"`
}

func (c *client) getReading(ctx context.Context, id string) (reading readingObject, err error) {
	_, err = c.get(ctx, importPath(id, "/reading"), &reading)
	return reading, err
}

func importPath(id, below string) string { return "/people/imports/" + url.PathEscape(id) + below }

func (c *client) getImport(ctx context.Context, id string) (i importObject, position string, err error) {
	header, err := c.get(ctx, importPath(id, ""), &i)
	return i, header.Get(positionHeader), err
}

// cancelImport may be repeated: canceling again is the same answer.
func (c *client) cancelImport(ctx context.Context, id, reason string) (i importObject, position string, err error) {
	body := map[string]string{}
	if reason != "" {
		body["reason"] = reason
	}
	header, err := c.send(ctx, call{method: http.MethodPost, path: importPath(id, "/cancel"), repeat: true}, body, &i)
	return i, header.Get(positionHeader), err
}

// caughtUp waits until what people look at has everything up to the position. What
// these credentials may not see, they need not wait for.
func (c *client) caughtUp(ctx context.Context, id, position string) error {
	if position == "" {
		return nil
	}
	after := url.Values{"after": {position}}.Encode()
	for _, path := range []string{
		importPath(id, "?"+after),
		importPath(id, "/errors?pageSize=1&"+after),
		"/people/contacts/count?" + after,
		"/people/segments?" + after,
	} {
		if _, err := c.get(ctx, path, nil); err != nil && !isStatus(err, http.StatusForbidden) {
			return err
		}
	}
	return nil
}
