package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/projections"
)

// fault is what a person is told when a request cannot be answered: what is the
// matter, and what to do about it.
type fault struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Title   string `json:"-"`
	Message string `json:"message"`
	Retry   bool   `json:"-"` // the same request may work in a moment
	Request string `json:"-"` // the request's number, where only the log knows more

	Details []commands.Detail `json:"details,omitempty"`
}

func (f *fault) Error() string { return f.Code + ": " + f.Message }

var (
	errNoPage = &fault{Status: http.StatusNotFound, Code: "page-not-found", Title: "There is no such page",
		Message: "The address may be mistyped, or what it showed is gone. Everything there is can be reached from the navigation."}
	errMethod = &fault{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed", Title: "This address cannot be used that way",
		Message: "Go back and use the buttons of the page."}
	errNotText = &fault{Status: http.StatusBadRequest, Code: "malformed", Title: "This address cannot be read",
		Message: "It holds bytes that are not text. Copy the link again, whole."}
	errCrossOrigin = &fault{Status: http.StatusForbidden, Code: "cross-origin", Title: "This came from another site",
		Message: "The form was sent from a page of another address, so that nothing was done. Open the page here and send it again."}
	errSignedOut = &fault{Status: http.StatusUnauthorized, Code: "signed-out", Title: "You are signed out",
		Message: "Your session has ended, so that nothing was done. Sign in, and do it again."}
	errInternal = &fault{Status: http.StatusInternalServerError, Code: "internal", Title: "Something went wrong on our side",
		Message: "Nothing that was acknowledged is lost. Try again; if it stays like this, give the number below to whoever runs the service."}
	errForm = &fault{Status: http.StatusBadRequest, Code: "form-malformed", Title: "The form could not be read",
		Message: "It is larger than any form of ours, or broke off on the way. Go back and send it again."}
	errBehind = &fault{Status: http.StatusServiceUnavailable, Code: "read-model-behind", Title: "A moment, please", Retry: true,
		Message: "What was just written is kept, and cannot be shown yet. Try again in a few seconds."}
	errTooManyStreams = &fault{Status: http.StatusTooManyRequests, Code: "too-many-streams", Title: "Too many pages are watching",
		Message: "The page refreshes by itself less often meanwhile.", Retry: true}
)

func notAllowed(who User, scope string) *fault {
	return &fault{Status: http.StatusForbidden, Code: "not-allowed", Title: "You may not see this",
		Message: "This needs the right " + scope + ", which " + who.Name + " does not have. An administrator can give it, under Users."}
}

// kinds is the one place where a kind of refusal becomes a status and a title.
var kinds = map[commands.Kind]struct {
	status int
	title  string
}{
	commands.Malformed:    {http.StatusBadRequest, "This could not be read"},
	commands.NotFound:     {http.StatusNotFound, "There is no such thing"},
	commands.Conflict:     {http.StatusConflict, "This cannot be done any more"},
	commands.TooLarge:     {http.StatusRequestEntityTooLarge, "The file is too large"},
	commands.Unsupported:  {http.StatusUnsupportedMediaType, "This kind of file is not taken"},
	commands.Unacceptable: {http.StatusUnprocessableEntity, "This cannot be accepted"},
	commands.Unavailable:  {http.StatusServiceUnavailable, "A moment, please"},
	commands.Forbidden:    {http.StatusForbidden, "You may not do this"},
	commands.TooMany:      {http.StatusTooManyRequests, "A moment, please"},
}

// explain turns any error into what a person is told. What it has no words for is
// logged, and the page says no more than the request's number.
func (v *visit) explain(err error) *fault {
	if ready, ok := errors.AsType[*fault](err); ok {
		return v.numbered(ready)
	}
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && kinds[refusal.Kind].status != 0 {
		return refused(refusal)
	}
	switch {
	case errors.Is(err, aggregate.ErrStreamNotFound), errors.Is(err, projections.ErrNotFound):
		return errNoPage
	case errors.Is(err, aggregate.ErrOvertaken):
		return &fault{Status: http.StatusConflict, Code: "overtaken", Title: "Somebody was faster",
			Message: "This was changed in the meantime. Look at it again, then decide."}
	case errors.Is(err, aggregate.ErrLogUnavailable):
		return away("event-store-unavailable", "The event store")
	case v.IsUnavailable(err):
		return away("database-unavailable", "The database")
	}
	if f := explainProjection(err); f != nil {
		return f
	}
	if stopped, ok := errors.AsType[*projections.Stopped](err); ok {
		return &fault{Status: http.StatusServiceUnavailable, Code: "read-model-stopped", Title: "A read model has stopped", Retry: true,
			Message: "The read model " + stopped.Model + " met an event that it cannot apply. Operations names the event and how to go on."}
	}
	v.Logger.LogAttrs(v.ctx(), slog.LevelError, "page failed", slog.String("request", v.id), slog.String("error", withoutValues(err)))
	return v.numbered(errInternal)
}

// explainProjection has words for what cannot be done to a read model; nil for all else.
func explainProjection(err error) *fault {
	f := &fault{Status: http.StatusConflict, Title: "This cannot be done now"}
	if busy, ok := errors.AsType[*projections.BusyError](err); ok {
		f.Code, f.Message = "projection-busy", "The read model "+busy.Name+" is to be rebuilt, or is being verified, already. Operations shows how far that is."
		return f
	}
	if not, ok := errors.AsType[*projections.NotRebuildingError](err); ok {
		f.Code, f.Message = "projection-not-rebuilding", "The rebuild of "+not.Name+" has ended in the meantime."
		return f
	}
	if none, ok := errors.AsType[*projections.NoRollbackError](err); ok {
		f.Code, f.Message = "projection-rollback-missing", "The tables that "+none.Name+" had before are gone: they are kept for a day, or until the next rebuild."
		if none.OtherVersion {
			f.Code, f.Message = "projection-rollback-version", "The tables that "+none.Name+" had before were filled by another version of the program. Start that version, or rebuild."
		}
		return f
	}
	return nil
}

func refused(r *commands.Refusal) *fault {
	kind := kinds[r.Kind]
	return &fault{Status: kind.status, Code: r.Code, Title: kind.title, Message: r.Message, Details: r.Details, Retry: r.Kind == commands.Unavailable || r.Kind == commands.TooMany}
}

func away(code, what string) *fault {
	return &fault{Status: http.StatusServiceUnavailable, Code: code, Title: "A moment, please", Retry: true,
		Message: what + " cannot be reached. Nothing is lost: imports go on by themselves when it is back. Try again in a few seconds."}
}

// numbered gives an internal fault the number that the log has too.
func (v *visit) numbered(f *fault) *fault {
	if f.Status != http.StatusInternalServerError {
		return f
	}
	with := *f
	with.Request = v.id
	return &with
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

// fail shows a fault: as a page to a person, as JSON to a script of a page.
func (v *visit) fail(err error) {
	if v.ctx().Err() != nil {
		v.w.WriteHeader(statusGone)
		return
	}
	f := v.explain(err)
	if f.Retry {
		v.w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	var sent error
	if v.wantsPage() {
		sent = v.render(f.Status, "fault", view{Title: f.Title, Body: f})
	} else {
		sent = v.sendJSON(f.Status, struct {
			Error *fault `json:"error"`
		}{f})
	}
	if sent != nil && v.ctx().Err() == nil {
		v.Logger.LogAttrs(v.ctx(), slog.LevelWarn, "page not sent", slog.String("request", v.id), slog.String("error", sent.Error()))
	}
}

const (
	statusGone = 499 // what the log says of a request whose browser did not wait for the answer
	retryAfter = 2   // seconds
)

func (v *visit) sendJSON(status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	_, err = v.w.Write(append(text, '\n'))
	return err
}
