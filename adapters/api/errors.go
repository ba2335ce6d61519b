package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"importledger/aggregate"
	"importledger/commands"
)

// errorAnswer is the body of every answer that is not a success, and the error
// that handlers give huma for it.
type errorAnswer struct {
	status int
	header http.Header
	Fault  fault `json:"error"`
}

type fault struct {
	Code    string        `json:"code" doc:"Stable, in kebab-case; x-error-codes of this document lists all." example:"import-not-found"`
	Message string        `json:"message" doc:"A sentence that a person can act on."`
	Details []faultDetail `json:"details,omitempty" doc:"Where input is at fault: each thing that is wrong."`
}

type faultDetail struct {
	Field   string `json:"field,omitempty"`
	Row     int    `json:"row,omitempty"`
	Column  string `json:"column,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *errorAnswer) Error() string           { return e.Fault.Code + ": " + e.Fault.Message }
func (e *errorAnswer) GetStatus() int          { return e.status }
func (e *errorAnswer) GetHeaders() http.Header { return e.header }

func answer(status int, code, message string, details ...faultDetail) *errorAnswer {
	return &errorAnswer{status: status, Fault: fault{Code: code, Message: message, Details: details}}
}

func (e *errorAnswer) with(header, value string) *errorAnswer {
	if e.header == nil {
		e.header = http.Header{}
	}
	e.header.Set(header, value)
	return e
}

// retryAfter is what clients are told to wait, in seconds, when something is away.
const retryAfter = 2

func unavailable(code, message string) *errorAnswer {
	return answer(http.StatusServiceUnavailable, code, message).with("Retry-After", strconv.Itoa(retryAfter))
}

// tooMany refuses what is asked too often, or by too many at once.
func tooMany(code, message string) *errorAnswer {
	return answer(http.StatusTooManyRequests, code, message).with("Retry-After", strconv.Itoa(retryAfter))
}

// statuses is the one place where a kind of refusal becomes a status.
var statuses = map[commands.Kind]int{
	commands.Malformed:    http.StatusBadRequest,
	commands.NotFound:     http.StatusNotFound,
	commands.Conflict:     http.StatusConflict,
	commands.TooLarge:     http.StatusRequestEntityTooLarge,
	commands.Unsupported:  http.StatusUnsupportedMediaType,
	commands.Unacceptable: http.StatusUnprocessableEntity,
	commands.Unavailable:  http.StatusServiceUnavailable,
	commands.Forbidden:    http.StatusForbidden,
	commands.TooMany:      http.StatusTooManyRequests,
}

// statusGone is what the log says of a request whose client did not wait for the
// answer; nobody receives it.
const statusGone = 499

// explain turns any error into what the client is told. What it has no words for
// is logged and becomes a 500 that says no more than the request's id.
func (a *API) explain(ctx context.Context, err error) *errorAnswer {
	if ready, ok := errors.AsType[*errorAnswer](err); ok {
		return ready
	}
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && statuses[refusal.Kind] != 0 {
		return refused(refusal)
	}
	if limited, ok := errors.AsType[oauthError](err); ok && limited.OAuthError() == "slow_down" {
		return tooMany("slow-down", limited.Error())
	}
	if e := explainProjection(err); e != nil {
		return e
	}
	switch {
	case ctx.Err() != nil:
		return answer(statusGone, "canceled", "The request was given up.")
	case errors.Is(err, aggregate.ErrStreamNotFound):
		return refused(aggregate.ErrNotFound)
	case errors.Is(err, aggregate.ErrOvertaken):
		return answer(http.StatusConflict, "overtaken", "Somebody else changed this in the meantime. Read it again, then decide.")
	case errors.Is(err, aggregate.ErrLogUnavailable):
		return unavailable("event-store-unavailable", "The event store cannot be reached at the moment. Try again shortly.")
	case a.isUnavailable(err):
		return unavailable("database-unavailable", "The database cannot be reached at the moment. Try again shortly.")
	}
	return a.internal(ctx, err)
}

func refused(r *commands.Refusal) *errorAnswer {
	e := answer(statuses[r.Kind], r.Code, r.Message)
	for _, d := range r.Details {
		e.Fault.Details = append(e.Fault.Details, faultDetail(d))
	}
	if r.Kind == commands.Unavailable || r.Kind == commands.TooMany {
		return e.with("Retry-After", strconv.Itoa(retryAfter))
	}
	return e
}

// internal logs what happened; the client is told under which number.
func (a *API) internal(ctx context.Context, err error) *errorAnswer {
	id := requestOf(ctx).id
	a.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request", id), slog.String("error", withoutValues(err)))
	return internalAnswer(id)
}

// withoutValues is an error's text for the log. Postgres quotes the values that it
// refuses, which may be personal, so that of it only the code stays.
func withoutValues(err error) string {
	text := err.Error()
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		text = strings.ReplaceAll(text, pg.Error(), "SQLSTATE "+pg.Code)
	}
	return text
}

func internalAnswer(requestID string) *errorAnswer {
	return answer(http.StatusInternalServerError, "internal",
		"Something went wrong on our side. Give this number to whoever runs the service: "+requestID)
}

// write sends an error answer where no huma operation does.
func (e *errorAnswer) write(w http.ResponseWriter) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write an error: %w", err)
	}
	for name, values := range e.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	if _, err := w.Write(append(body, '\n')); err != nil {
		return fmt.Errorf("write an error: %w", err)
	}
	return nil
}

// huma asks this function, which it keeps for the whole process, for every error
// that it finds by itself: in parameters, bodies and media types.
func init() { huma.NewError = humaError }

// A list is never null here, unless its key says so.
func init() { huma.DefaultArrayNullable = false }

func humaError(status int, message string, found ...error) huma.StatusError {
	for _, err := range found {
		if ready, ok := errors.AsType[*errorAnswer](err); ok {
			return ready // from a resolver of ours
		}
	}
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return invalid(status, message, found)
	case http.StatusRequestTimeout:
		return answer(status, "body-too-slow", "The body of the request did not arrive in time.")
	case http.StatusRequestEntityTooLarge:
		return answer(status, "body-too-large", "The body of the request is too large.")
	case http.StatusUnsupportedMediaType:
		return answer(status, "media-type-unsupported", "Send the body as application/json.")
	case http.StatusInternalServerError:
		if strings.HasPrefix(message, "cannot read request body") {
			return answer(http.StatusBadRequest, "body-incomplete", "The body of the request ended before it was complete.")
		}
	}
	return answer(status, "internal", "Something went wrong on our side.")
}

// invalid answers what huma's validation found. A parameter that cannot be read at
// all is malformed, like a body that is not JSON.
func invalid(status int, message string, found []error) *errorAnswer {
	for _, err := range found {
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok && (strings.HasPrefix(d.Message, "invalid ") || strings.HasPrefix(d.Message, "unexpected end of JSON")) {
			status = http.StatusBadRequest
		}
	}
	all := details(found)
	if len(all) > 0 {
		message = all[0].Message
	} else {
		message = strings.ToUpper(message[:1]) + message[1:] + "."
	}
	if status == http.StatusBadRequest {
		return answer(status, "malformed", message, all...)
	}
	return answer(status, commands.InvalidRequest, message, all...)
}

// details never repeats the value that huma found wrong: it may be personal.
func details(found []error) []faultDetail {
	var all []faultDetail
	for _, err := range found {
		d, ok := errors.AsType[*huma.ErrorDetail](err)
		if !ok {
			continue
		}
		field := d.Location
		if _, below, ok := strings.Cut(d.Location, "."); ok {
			field = below
		}
		code := "invalid"
		switch {
		case strings.HasPrefix(d.Message, "unexpected property"):
			code = "unknown-key"
		case strings.HasPrefix(d.Message, "expected required"), strings.HasPrefix(d.Message, "required "):
			code = "missing"
		}
		all = append(all, faultDetail{Field: field, Code: code, Message: field + ": " + d.Message + "."})
	}
	return all
}
