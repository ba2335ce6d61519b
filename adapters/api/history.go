package api

import (
	"bufio"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/negotiation"

	"importledger/aggregate"
	"importledger/events"
)

const (
	ndjson   = "application/x-ndjson"
	backward = "backward"
)

type historyQuery struct {
	ImportPath
	From      int64  `query:"from" default:"-1" minimum:"-1" doc:"Revision to begin at; the first event when absent, or backward the last."`
	Limit     int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Events on a page."`
	Direction string `query:"direction" enum:"forward,backward" default:"forward"`
	Accept    string `header:"Accept" doc:"application/x-ndjson streams all events, each as a line."`
}

// recordedEvent is an event as the log has it.
type recordedEvent struct {
	Revision uint64          `json:"revision" doc:"Number in the import's stream, from 0."`
	Type     string          `json:"type" doc:"The event's name, such as RowAccepted."`
	At       int64           `json:"at" doc:"When it was decided, Unix epoch, milliseconds."`
	Actor    *string         `json:"actor" doc:"Id of the user or API client."`
	Summary  string          `json:"summary" doc:"The event as a sentence."`
	Data     json.RawMessage `json:"data" doc:"As recorded. A row's event has its row here."`
}

type historyPage struct {
	Pagination historyPagination `json:"pagination"`
	Items      []recordedEvent   `json:"items"`
}

type historyPagination struct {
	TotalRecord    uint64  `json:"totalRecord" doc:"Events in the whole history."`
	ReturnedRecord int     `json:"returnedRecord"`
	Limit          int     `json:"limit"`
	Direction      string  `json:"direction"`
	First          *string `json:"first"`
	Next           *string `json:"next"`
}

func (a *API) addHistory() {
	register(a, operation{route: "GET /people/imports/{id}/history", id: "get-import-history", tag: "Imports",
		summary: "Read an import's events as they were recorded", errors: []int{http.StatusNotFound},
		about:  "Pages with from, limit and direction; with Accept: application/x-ndjson all events from there, one JSON object a line.",
		stream: []string{ndjson}}, a.history)
	if path := a.huma.OpenAPI().Paths["/people/imports/{id}/history"]; path != nil && path.Get != nil {
		page := jsonOf[historyPage](a.huma.OpenAPI().Components.Schemas)
		path.Get.Responses["200"].Content["application/json"] = page["application/json"]
	}
}

func (a *API) history(ctx context.Context, in *historyQuery) (*huma.StreamResponse, error) {
	total, err := a.historyLength(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if negotiation.SelectQValueFast(in.Accept, []string{"application/json", ndjson}) == ndjson {
		return &huma.StreamResponse{Body: func(ctx huma.Context) { a.streamHistory(ctx, in) }}, nil
	}
	page := historyPage{Items: []recordedEvent{}}
	for e, err := range a.recorded(ctx, in) {
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, e)
		if len(page.Items) == in.Limit {
			break
		}
	}
	page.Pagination = in.pagination(total, page.Items)
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		a.sendJSON(w, r, http.StatusOK, page)
	}}, nil
}

// historyLength reads one event, the last, so that it takes as long for any import.
func (a *API) historyLength(ctx context.Context, id string) (uint64, error) {
	for last, err := range a.streams.ReadBack(ctx, events.ImportStream(id), aggregate.LastRevision) {
		return last.Revision + 1, err
	}
	return 0, aggregate.ErrNotFound
}

// recorded yields the events that a query asks for, in its direction.
func (a *API) recorded(ctx context.Context, in *historyQuery) iter.Seq2[recordedEvent, error] {
	stream := events.ImportStream(in.ID)
	read := a.streams.Read(ctx, stream, uint64(max(in.From, 0)))
	if in.Direction == backward {
		from := aggregate.LastRevision
		if in.From >= 0 {
			from = uint64(in.From)
		}
		read = a.streams.ReadBack(ctx, stream, from)
	}
	return func(yield func(recordedEvent, error) bool) {
		var decoder events.Decoder
		for r, err := range read {
			if err != nil {
				yield(recordedEvent{}, err)
				return
			}
			if !yield(describe(&decoder, r), nil) {
				return
			}
		}
	}
}

// describe shows also an event that this program cannot read: a history hides nothing.
func describe(decoder *events.Decoder, r events.Recorded) recordedEvent {
	e := recordedEvent{Revision: r.Revision, Type: r.Type, Data: r.Data}
	decoded, err := decoder.Decode(r)
	if err != nil {
		e.At = r.Recorded.UnixMilli()
		e.Summary = "This version of the program cannot read the event."
		if !json.Valid(r.Data) {
			e.Data = json.RawMessage("null")
		}
		return e
	}
	e.At, e.Actor, e.Summary = decoded.Meta.At, orNull(decoded.Meta.Actor), events.Describe(decoded.Event)
	return e
}

func (in *historyQuery) pagination(total uint64, items []recordedEvent) historyPagination {
	p := historyPagination{TotalRecord: total, ReturnedRecord: len(items), Limit: in.Limit, Direction: in.Direction}
	link := func(from string) *string {
		query := url.Values{"limit": {number(uint64(in.Limit))}, "direction": {in.Direction}}
		if from != "" {
			query.Set("from", from)
		}
		to := in.link("/history?") + query.Encode()
		return &to
	}
	p.First = link("")
	if len(items) == 0 {
		return p
	}
	switch last := items[len(items)-1].Revision; {
	case in.Direction == backward && last > 0:
		p.Next = link(number(last - 1))
	case in.Direction != backward && last+1 < total:
		p.Next = link(number(last + 1))
	}
	return p
}

// streamHistory writes events as they are read, so that its memory does not grow
// with the import.
func (a *API) streamHistory(ctx huma.Context, in *historyQuery) {
	r, w := humago.Unwrap(ctx)
	buffered := bufio.NewWriterSize(w, 32<<10)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", ndjson)
		return
	}
	begun := false
	for e, err := range a.recorded(r.Context(), in) {
		if err == nil && !begun {
			begun = true
			w.Header().Set("Content-Type", ndjson)
			w.WriteHeader(http.StatusOK)
		}
		if err == nil {
			err = lines.Encode(e)
		}
		if err != nil && !begun {
			a.fail(w, r, a.explain(r.Context(), err))
			return
		}
		if err != nil {
			a.cut(r, err)
		}
	}
	if !begun {
		w.Header().Set("Content-Type", ndjson)
		w.WriteHeader(http.StatusOK)
	}
	if err := buffered.Flush(); err != nil {
		a.cut(r, err)
	}
}
