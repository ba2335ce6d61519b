package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"importledger/events"
)

// AfterQuery lets a client read what it has written.
type AfterQuery struct {
	After string `query:"after" maxLength:"41" doc:"The X-Ledger-Position of a write: the answer waits (at most 5 s, else 503) until it shows it."`
}

const longestWait = 5 * time.Second

// reached returns when the read models that a GET answers from have what position
// names; an empty position is there at once.
func (a *API) reached(ctx context.Context, position string, models ...string) error {
	if position == "" {
		return nil
	}
	p, err := events.ParsePosition(position)
	if err != nil {
		return answer(http.StatusBadRequest, "position-malformed", "Send what a write answered in X-Ledger-Position.",
			faultDetail{Field: "after", Code: "position-malformed", Message: "A position is a number, or two joined by -."})
	}
	limited, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	err = a.projections.WaitFor(limited, p, models...)
	if err != nil && ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		return unavailable("read-model-behind", "What was written is not readable here yet. Try again shortly.")
	}
	return err
}
