package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"importledger/commands"
)

// client speaks the HTTP API. Safe for concurrent use.
type client struct {
	base         string // URL without a slash at the end
	id, secret   string
	http         *http.Client
	patience     time.Duration // how long what may be repeated is tried
	pause        time.Duration // between the first two attempts
	mu           sync.Mutex
	token        string
	tokenExpires time.Time
}

func newClient(base, id, secret string) *client {
	return &client{
		base: strings.TrimRight(base, "/"), id: id, secret: secret,
		// No timeout over all: uploads, reviews and histories take as long as they take.
		http:     &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4}},
		patience: 30 * time.Second,
		pause:    100 * time.Millisecond,
	}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// apiError is an answer of the server that is none of the good ones.
type apiError struct {
	Status     int
	Code       string            `json:"code"`
	Message    string            `json:"message"`
	Details    []commands.Detail `json:"details"`
	retryAfter time.Duration
}

func (e *apiError) Error() string { return e.Message }

// moreDetails are those that say more than the message does.
func (e *apiError) moreDetails() []string {
	var more []string
	for _, d := range e.Details {
		if d.Message == "" || d.Message == e.Message {
			continue
		}
		where := ""
		switch {
		case d.Row > 0 && d.Column != "":
			where = fmt.Sprintf("row %d, %s: ", d.Row, d.Column)
		case d.Row > 0:
			where = fmt.Sprintf("row %d: ", d.Row)
		case d.Column != "" && !strings.Contains(d.Message, d.Column):
			where = d.Column + ": "
		case d.Field != "":
			where = d.Field + ": "
		}
		more = append(more, where+d.Message)
	}
	return more
}

// call is one request to the API.
type call struct {
	method string
	path   string // with the query, escaped
	accept string
	header http.Header
	body   func() (io.Reader, error) // nil: none
	// repeat tells that the request may be sent again after an attempt of which
	// nobody knows what became.
	repeat bool
}

// positionHeader carries where in the log a write is.
const positionHeader = "X-Ledger-Position"

// get reads JSON.
func (c *client) get(ctx context.Context, path string, into any) (http.Header, error) {
	return c.read(ctx, call{method: http.MethodGet, path: path, repeat: true}, into)
}

// send writes JSON and reads the answer, unless into is nil.
func (c *client) send(ctx context.Context, r call, body, into any) (http.Header, error) {
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r.header = http.Header{"Content-Type": {"application/json"}}
		r.body = func() (io.Reader, error) { return bytes.NewReader(text), nil }
	}
	return c.read(ctx, r, into)
}

func (c *client) read(ctx context.Context, r call, into any) (_ http.Header, err error) {
	response, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if into == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return response.Header, err
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return nil, fmt.Errorf("the answer of the server at %s is not what importledger expects: %w", c.base, err)
	}
	return response.Header, nil
}

// do sends a request until it is answered, as far as that is safe, and gives the
// good answer, whose body the caller closes.
func (c *client) do(ctx context.Context, r call) (*http.Response, error) {
	deadline := time.Now().Add(c.patience)
	renewed := false
	for pause := c.pause; ; pause = min(2*pause, 2*time.Second) {
		response, err := c.attempt(ctx, r)
		if err == nil {
			return response, nil
		}
		refused, answered := errors.AsType[*apiError](err)
		_, lost := errors.AsType[*unreachable](err)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case answered && refused.Status == http.StatusUnauthorized && !renewed && c.forgetToken():
			renewed = true
			continue
		case answered && refused.Status == http.StatusTooManyRequests:
			pause = max(pause, refused.retryAfter)
		case answered && refused.Status == http.StatusServiceUnavailable && r.repeat:
			pause = max(pause, refused.retryAfter)
		case lost && r.repeat:
		default:
			return nil, err
		}
		if time.Now().Add(pause).After(deadline) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (c *client) attempt(ctx context.Context, r call) (*http.Response, error) {
	token, err := c.bearer(ctx)
	if err != nil {
		return nil, err
	}
	var body io.Reader // one that can be closed is closed by the transport
	if r.body != nil {
		if body, err = r.body(); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, err
	}
	for name, values := range r.header {
		request.Header[name] = values
	}
	request.Header.Set("Accept", cmp.Or(r.accept, "application/json"))
	request.Header.Set("Authorization", "Bearer "+token)
	return c.answer(request)
}

// answer gives a good answer, or the error that a bad one holds.
func (c *client) answer(request *http.Request) (*http.Response, error) {
	response, err := c.http.Do(request)
	if err != nil {
		if broken, ok := errors.AsType[*sourceError](err); ok {
			return nil, broken
		}
		if tell, ok := errors.AsType[*url.Error](err); ok {
			err = tell.Err // the rest of it is the URL again
		}
		return nil, &unreachable{c.base, err}
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	refused := &apiError{Status: response.StatusCode}
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, &unreachable{c.base, err}
	}
	wrapped := struct {
		Error json.RawMessage `json:"error"`
	}{}
	// What is no error of the API's form is told by its status below.
	if json.Unmarshal(text, &wrapped) != nil || json.Unmarshal(wrapped.Error, refused) != nil || refused.Message == "" {
		refused.Message = fmt.Sprintf("the server at %s answered %s", c.base, response.Status)
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		refused.retryAfter = time.Duration(seconds) * time.Second
	}
	return nil, refused
}

// unreachable is a request that got no answer.
type unreachable struct {
	base string
	err  error
}

func (e *unreachable) Error() string {
	return fmt.Sprintf("the server at %s does not answer (%v)", e.base, e.err)
}

func (e *unreachable) Unwrap() error { return e.err }

// bearer gives a token that is good for a while yet.
func (c *client) bearer(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" && time.Now().Before(c.tokenExpires) {
		return c.token, nil
	}
	granted, err := c.grant(ctx, nil)
	if err != nil {
		return "", err
	}
	c.token = granted.Token
	c.tokenExpires = time.Now().Add(time.Duration(granted.ExpiresIn) * time.Second * 9 / 10)
	return c.token, nil
}

// grant asks for a token with these scopes, or with all that the client has.
func (c *client) grant(ctx context.Context, scopes []string) (granted, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.id}, "client_secret": {c.secret}}
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, " "))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return granted{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.answer(request)
	refused, answered := errors.AsType[*apiError](err)
	switch {
	case answered && refused.Status == http.StatusBadRequest && len(scopes) > 0:
		return granted{}, fmt.Errorf("the server at %s does not give these credentials the scope %s", c.base, strings.Join(scopes, " "))
	case answered && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusBadRequest):
		return granted{}, fmt.Errorf("the server at %s does not accept these credentials: correct IMPORTLEDGER_CLIENT_ID and IMPORTLEDGER_CLIENT_SECRET", c.base)
	case err != nil:
		return granted{}, err
	}
	var is granted
	err = json.NewDecoder(response.Body).Decode(&is)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return granted{}, fmt.Errorf("the token that the server at %s gave cannot be read: %w", c.base, err)
	}
	return is, nil
}

// forgetToken makes the next request ask for a new one; false when there is none
// to forget.
func (c *client) forgetToken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	had := c.token != ""
	c.token = ""
	return had
}

func isStatus(err error, status int) bool {
	refused, ok := errors.AsType[*apiError](err)
	return ok && refused.Status == status
}
