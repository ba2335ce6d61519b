package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"
)

// ServeHTTP implements http.Handler: every request passes these steps, outermost
// first, before its route.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	known, r := newRequest(r, a.now())
	known.address = a.access.Address(r)
	out := &responseWriter{ResponseWriter: w}
	out.Header().Set("X-Request-Id", known.id)
	secure(out.Header())
	r, span := a.traced(r, known)
	defer a.finish(out, r, known, span)
	a.route(out, r)
}

// secure sets the headers of an API whose answers are data: never shown as a page,
// never framed, never kept.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// finish answers for a handler that panicked, and writes the request down. Paths
// and queries stay out of the log: they can hold an address.
func (a *API) finish(w *responseWriter, r *http.Request, known *request, span trace.Span) {
	broken := recover()
	if broken != nil && broken != http.ErrAbortHandler { //nolint:errorlint // a panic's value, compared as net/http does
		a.log.LogAttrs(r.Context(), slog.LevelError, "request panicked", slog.String("request", known.id),
			slog.String("panic", panicText(broken)), slog.String("stack", string(debug.Stack())))
		if w.status == 0 {
			a.fail(w, r, internalAnswer(known.id))
			broken = nil
		}
	}
	duration := a.now().Sub(known.started)
	pattern := routeOf(r)
	a.metrics.observe(methodOf(r), pattern, w.status, duration)
	endTrace(span, methodOf(r), pattern, w.status)
	a.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request", known.id), slog.String("method", methodOf(r)),
		slog.String("route", pattern), slog.Int("status", w.status), slog.Duration("duration", duration), slog.String("client", known.caller.id))
	if broken != nil {
		panic(http.ErrAbortHandler) // cuts the connection: what was sent is not the whole answer
	}
}

// panicText says what broke; values of other types could be data.
func panicText(broken any) string {
	if err, ok := broken.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", broken)
}

// unmatched is the route of a request that no route serves.
const unmatched = "unmatched"

func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return unmatched
	}
	_, path, _ := strings.Cut(r.Pattern, " ")
	return path
}

// methodOf keeps words that a client makes up out of logs and metrics.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// route hands a request to its route, or says in our own form that there is none.
func (a *API) route(w *responseWriter, r *http.Request) {
	if !textual(r.URL) {
		a.fail(w, r, answer(http.StatusBadRequest, "malformed", "The address holds bytes that are not text."))
		return
	}
	handler, pattern := a.mux.Handler(r)
	switch {
	case a.tagged[pattern]:
		a.serveTagged(w, r)
		return
	case pattern != "":
		a.mux.ServeHTTP(w, r)
		return
	}
	// The router answers in plain text; only its status and Allow are of use.
	said := &muted{header: http.Header{}}
	handler.ServeHTTP(said, r)
	if said.status == http.StatusMethodNotAllowed {
		allow := said.header.Get("Allow") + ", OPTIONS"
		if r.Method == http.MethodOptions {
			w.Header().Set("Allow", allow)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		a.fail(w, r, answer(said.status, "method-not-allowed", "This address takes "+allow+" only.").with("Allow", allow))
		return
	}
	a.fail(w, r, answer(http.StatusNotFound, "route-not-found", "There is nothing at this address. See /docs for what there is."))
}

// textual refuses NUL and bytes that are not UTF-8: Postgres cannot take them, and
// no id or name has them.
func textual(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	whole := u.Path + query
	return err == nil && utf8.ValidString(whole) && !strings.ContainsRune(whole, 0)
}

// muted takes an answer and keeps only its head.
type muted struct {
	header http.Header
	status int
}

func (m *muted) Header() http.Header         { return m.header }
func (m *muted) WriteHeader(status int)      { m.status = status }
func (m *muted) Write(p []byte) (int, error) { return len(p), nil }

// fail sends an error answer from outside huma.
func (a *API) fail(w http.ResponseWriter, r *http.Request, e *errorAnswer) {
	if err := e.write(w); err != nil && r.Context().Err() == nil {
		a.notSent(r, err)
	}
}

func (a *API) notSent(r *http.Request, err error) {
	a.log.LogAttrs(r.Context(), slog.LevelWarn, "answer not sent",
		slog.String("request", requestOf(r.Context()).id), slog.String("error", err.Error()))
}
