package auth

// Refused is a request for a token, or a token, that is turned down.
type Refused struct {
	code    string
	message string
}

// What is refused, under the codes of RFC 6749 §5.2 and RFC 6750 §3.1.
var (
	ErrInvalidClient = &Refused{"invalid_client", "The client id or secret is wrong, or the client is disabled."}
	ErrInvalidScope  = &Refused{"invalid_scope", "The client may not have the scope asked for."}
	ErrInvalidToken  = &Refused{"invalid_token", "The access token is not valid, or no longer. Ask for a new one."}
	errBusy          = &Refused{"slow_down", "Too many clients ask for a token at once. Try again in a moment."}
)

func (r *Refused) Error() string { return r.message }

// OAuthError gives the code. "slow_down" means that the request was not looked at.
func (r *Refused) OAuthError() string { return r.code }
