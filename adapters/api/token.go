package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Tokens issues and verifies access tokens. An error with a method OAuthError()
// string is a refusal under a code of RFC 6749 §5.2 or RFC 6750 §3.1, or
// "slow_down" for a request that was not looked at; any other error is a fault.
type Tokens interface {
	// Issue answers a client-credentials grant.
	Issue(ctx context.Context, g Grant) (token string, lifetime time.Duration, granted []string, err error)
	// Verify gives the client of a token and the scopes it has now. A client whose
	// token was good once is named beside the refusal.
	Verify(ctx context.Context, token string) (clientID string, scopes []string, err error)
}

// Grant is a request for a token.
type Grant struct {
	ClientID string
	Secret   string
	Sent     string   // the secret as it was sent, where decoding changed it: not every client encodes
	Scopes   []string // none: all that the client may have
	Address  netip.Addr
	Request  string // id of the request
}

type oauthError interface {
	error
	OAuthError() string
}

// retryLater is an error that knows how long to wait.
type retryLater interface {
	error
	RetryAfter() time.Duration
}

// tokenForm and tokenAnswer are RFC 6749 §4.4.2 and §4.4.3.
type tokenForm struct {
	GrantType    string `json:"grant_type" enum:"client_credentials"`
	ClientID     string `json:"client_id,omitempty" doc:"Here, or in HTTP Basic."`
	ClientSecret string `json:"client_secret,omitempty"`
	Scope        string `json:"scope,omitempty" doc:"Scopes wanted, separated by spaces; all that the client has when absent."`
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type" enum:"Bearer"`
	ExpiresIn   int    `json:"expires_in" doc:"Seconds."`
	Scope       string `json:"scope"`
}

type tokenRefusal struct {
	Error       string `json:"error" doc:"A code of RFC 6749 §5.2."`
	Description string `json:"error_description,omitempty"`
}

const (
	maxTokenForm   = 16 << 10
	formMediaType  = "application/x-www-form-urlencoded"
	invalidRequest = "invalid_request"
	invalidClient  = "invalid_client"
)

// addToken serves the token endpoint. It stands beside huma's operations, since
// its form and its errors are those of RFC 6749 and not ours.
func (a *API) addToken() {
	const route = "POST /oauth2/token"
	if _, listed := a.admit(route); !listed {
		return
	}
	a.mux.HandleFunc(route, a.serveToken)

	schema := a.huma.OpenAPI().Components.Schemas
	refusal := &huma.Response{Description: "Refused, in the form of RFC 6749 §5.2", Content: jsonOf[tokenRefusal](schema)}
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		Method: http.MethodPost, Path: "/oauth2/token", OperationID: "issue-token", Tags: []string{"Tokens"},
		Summary:     "Get an access token (OAuth 2.0 client credentials)",
		Description: "The client's id and secret come in the form or in HTTP Basic.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{formMediaType: {Schema: schemaOf[tokenForm](schema)}}},
		Responses: map[string]*huma.Response{
			"200": {Description: "OK", Content: jsonOf[tokenAnswer](schema)},
			"400": refusal, "401": refusal, "429": refusal, "503": refusal,
		},
	})
}

func (a *API) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Pragma", "no-cache")
	known := requestOf(r.Context())
	wait, err := a.access.Limits.Address(r.Context(), "tokens", known.address, tokensPerMinute)
	a.logSoft(r.Context(), err)
	if wait > 0 {
		w.Header().Set("Retry-After", seconds(wait))
		a.sendJSON(w, r, http.StatusTooManyRequests, tokenRefusal{Error: "slow_down", Description: "Too many tokens are asked for from this address."})
		return
	}
	grant, refusal := tokenRequest(w, r)
	if refusal != nil {
		a.refuseToken(w, r, *refusal)
		return
	}
	grant.Address, grant.Request = known.address, known.id
	token, lifetime, granted, err := a.tokens.Issue(r.Context(), grant)
	if err != nil {
		a.tokenError(w, r, err)
		return
	}
	known.caller = caller{id: grant.ClientID}
	a.sendJSON(w, r, http.StatusOK, tokenAnswer{AccessToken: token, TokenType: "Bearer", ExpiresIn: int(lifetime.Seconds()), Scope: strings.Join(granted, " ")})
}

// tokenRequest reads the grant. A parameter may be given once, and credentials in
// one place only, which the address is not (RFC 6749 §2.3, §3.2).
func tokenRequest(w http.ResponseWriter, r *http.Request) (Grant, *tokenRefusal) {
	bad := func(code, why string) (Grant, *tokenRefusal) {
		return Grant{}, &tokenRefusal{Error: code, Description: why}
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != formMediaType {
		return bad(invalidRequest, "Send the request as "+formMediaType+".")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	if err := r.ParseForm(); err != nil {
		return bad(invalidRequest, "The form cannot be read.")
	}
	if query := r.URL.Query(); query.Has("client_secret") || query.Has("client_id") {
		return bad(invalidRequest, "Credentials do not belong into the address, where logs show them. Consider this secret known.")
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return bad(invalidRequest, "A parameter is given twice.")
		}
	}
	if grant := r.PostForm.Get("grant_type"); grant != "client_credentials" {
		if grant == "" {
			return bad(invalidRequest, "Say grant_type=client_credentials.")
		}
		return bad("unsupported_grant_type", "The only grant type here is client_credentials.")
	}
	scope := r.PostForm.Get("scope")
	if strings.ContainsFunc(scope, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		return bad("invalid_scope", "A scope has characters that scopes do not have.")
	}
	grant, refusal := credentials(r, Grant{Scopes: strings.Fields(scope)})
	if refusal == nil && !(plainText(grant.ClientID) && plainText(grant.Secret)) {
		return bad(invalidRequest, "The client's id and secret are UTF-8 text without NUL.")
	}
	return grant, refusal
}

// credentials takes a client's id and secret from HTTP Basic, or else from the form.
func credentials(r *http.Request, grant Grant) (Grant, *tokenRefusal) {
	formID, formSecret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if len(r.Header.Values("Authorization")) == 0 {
		grant.ClientID, grant.Secret = formID, formSecret
		return grant, nil
	}
	user, password, ok := r.BasicAuth()
	if !ok || len(r.Header.Values("Authorization")) > 1 {
		return Grant{}, &tokenRefusal{Error: invalidClient, Description: "The Authorization header is not one of HTTP Basic."}
	}
	grant.ClientID, grant.Secret, grant.Sent = decoded(user), decoded(password), password
	if formSecret != "" || formID != "" && formID != grant.ClientID {
		return Grant{}, &tokenRefusal{Error: invalidRequest, Description: "Give the credentials of one client, in the form or in HTTP Basic, not in both."}
	}
	return grant, nil
}

// decoded undoes the form encoding that RFC 6749 §2.3.1 asks for inside Basic; what
// cannot have been encoded so is taken as it is.
func decoded(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// refuseToken answers in the form of RFC 6749 §5.2.
func (a *API) refuseToken(w http.ResponseWriter, r *http.Request, refusal tokenRefusal) {
	status := http.StatusBadRequest
	switch refusal.Error {
	case invalidClient:
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Basic realm="importledger", charset="UTF-8"`)
	case "slow_down":
		status = http.StatusTooManyRequests
	}
	a.sendJSON(w, r, status, refusal)
}

func (a *API) tokenError(w http.ResponseWriter, r *http.Request, err error) {
	if refused, ok := errors.AsType[oauthError](err); ok {
		if refused.OAuthError() == "slow_down" {
			wait := retryAfter * time.Second
			if later, ok := errors.AsType[retryLater](err); ok {
				wait = later.RetryAfter()
			}
			w.Header().Set("Retry-After", seconds(wait))
		}
		a.refuseToken(w, r, tokenRefusal{Error: refused.OAuthError(), Description: refused.Error()})
		return
	}
	e := a.explain(r.Context(), err)
	code := "server_error"
	if e.status == http.StatusServiceUnavailable {
		code = "temporarily_unavailable"
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	a.sendJSON(w, r, e.status, tokenRefusal{Error: code, Description: e.Fault.Message})
}

// sendJSON answers from outside huma.
func (a *API) sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // as huma does: links read as they are
	if err := encoder.Encode(v); err != nil {
		a.fail(w, r, a.internal(r.Context(), err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(body.Bytes()); err != nil && r.Context().Err() == nil {
		a.notSent(r, err)
	}
}
