package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"importledger/events"
)

// eventView is one event with all that the log has of it.
type eventView struct {
	ID       string
	File     string
	Line     historyLine
	Who      string
	JSON     string
	Revision uint64
	Previous string
	Next     string
	Position string
	EventID  string
	Row      int // 0: the event is about no row
}

func (v *visit) eventPage() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	revision, err := strconv.ParseUint(v.r.PathValue("revision"), 10, 64)
	if err != nil {
		return errNoPage
	}
	r, err := readOne(v.ctx(), v.Streams, id, revision)
	if err != nil {
		return err
	}
	whole, err := v.shapeOf(id)
	if err != nil {
		return err
	}
	i, err := v.currentImport(id)
	if err != nil {
		return err
	}
	page := eventView{ID: id, File: i.File.Name, Line: lineOf(new(events.Decoder), r), JSON: indented(r.Data), Revision: revision,
		Position: r.Position.String(), EventID: r.ID.String()}
	if page.Who, err = v.nameOf(page.Line.Event.Actor); err != nil {
		return err
	}
	page.Row = rowIn(r)
	address := func(n uint64) string { return "/imports/" + id + "/history/" + strconv.FormatUint(n, 10) }
	if revision > 0 {
		page.Previous = address(revision - 1)
	}
	if revision+1 < whole.events {
		page.Next = address(revision + 1)
	}
	return v.render(http.StatusOK, "event", view{Title: "Revision " + strconv.FormatUint(revision, 10) + " of " + i.File.Name, Section: "imports", Body: page})
}

// rowIn is the row that an event is about; 0: none.
func rowIn(r events.Recorded) int {
	e, err := events.Decode(r)
	if err != nil {
		return 0
	}
	switch is := e.Event.(type) {
	case events.RowAccepted:
		return is.Row
	case events.RowRejected:
		return is.Row
	}
	return 0
}

// indented is an event's JSON for people; what is no JSON stays as it is.
func indented(data []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, data, "", "  ") != nil {
		return string(bytes.ToValidUTF8(data, []byte("\uFFFD")))
	}
	return out.String()
}
