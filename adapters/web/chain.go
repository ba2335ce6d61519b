package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode/utf8"
)

// ServeHTTP implements http.Handler: every request passes these steps, outermost
// first, before its route.
func (w *Web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	answer := &answer{ResponseWriter: out}
	v := &visit{Web: w, w: answer, id: rand.Text(), started: w.Now()}
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	v.r = r
	v.secure()
	defer v.finish(answer)
	if err := w.guard.Check(r); err != nil {
		v.fail(errCrossOrigin)
		return
	}
	v.route()
}

// policy lets a page use what comes from here and nothing else; nothing inline runs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (v *visit) secure() {
	h := v.w.Header()
	h.Set("X-Request-Id", v.id)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

// route hands a request to its route, or shows a page that says that there is none.
func (v *visit) route() {
	if !textual(v.r.URL) {
		v.fail(errNotText)
		return
	}
	handler, pattern := v.mux.Handler(v.r)
	if pattern != "" {
		v.mux.ServeHTTP(v.w, v.r)
		return
	}
	// The router answers in plain text; only its status and Allow are of use.
	said := &muted{header: http.Header{}}
	handler.ServeHTTP(said, v.r)
	if err := v.identify(); err != nil {
		v.fail(err)
		return
	}
	if said.status == http.StatusMethodNotAllowed {
		v.w.Header().Set("Allow", said.header.Get("Allow"))
		v.fail(errMethod)
		return
	}
	v.fail(errNoPage)
}

// textual refuses NUL and bytes that are not UTF-8: no id or name has them.
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

// finish answers for a handler that panicked, and writes the request down. Paths and
// queries stay out of the log: they can hold an address.
func (v *visit) finish(w *answer) {
	broken := recover()
	if broken != nil && broken != http.ErrAbortHandler { //nolint:errorlint // a panic's value, compared as net/http does
		v.Logger.LogAttrs(v.ctx(), slog.LevelError, "page panicked", slog.String("request", v.id),
			slog.String("panic", panicText(broken)), slog.String("stack", string(debug.Stack())))
		if w.status == 0 {
			v.fail(errInternal)
			broken = nil
		}
	}
	took := v.Now().Sub(v.started)
	v.Observe(methodOf(v.r), routeOf(v.r), w.status, took)
	v.Logger.LogAttrs(v.ctx(), slog.LevelInfo, "page", slog.String("request", v.id), slog.String("method", methodOf(v.r)),
		slog.String("route", routeOf(v.r)), slog.Int("status", w.status), slog.Duration("duration", took), slog.String("user", v.user.ID))
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

func routeOf(r *http.Request) string {
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		return path
	}
	return "unmatched"
}

// methodOf keeps words that a client makes up out of the log.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return r.Method
	}
	return "other"
}
