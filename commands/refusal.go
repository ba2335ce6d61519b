package commands

// Kind says whose turn it is after a refusal. It is what HTTP statuses and exit
// codes are derived from, in one place each.
type Kind int

// The kinds of refusal.
const (
	Malformed    Kind = iota + 1 // cannot be understood (400)
	NotFound                     // there is no such thing (404)
	Conflict                     // the state does not allow it (409)
	TooLarge                     // the file is over a size limit (413)
	Unsupported                  // the media type is not accepted (415)
	Unacceptable                 // understood, and against a rule (422)
	Unavailable                  // the log or the database is away, try again (503)
	Forbidden                    // who asks is known, and may not (403)
	TooMany                      // asked too often, come back later (429)
)

// Refusal is the one error type for input or commands that are turned down. The
// code is stable and kebab-case; the message is a sentence that a person can act
// on, without a full stop's worth of internals.
type Refusal struct {
	Kind    Kind
	Code    string
	Message string
	Details []Detail
	Err     error // cause, for logs; never shown
}

// Detail points at one thing that is wrong. Field, Row and Column are set where
// they apply.
type Detail struct {
	Field   string `json:"field,omitempty"`
	Row     int    `json:"row,omitempty"`
	Column  string `json:"column,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// Is makes refusals of one code equal for errors.Is, so that a package can
// declare a refusal once and callers can test for it.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Code == r.Code
}
