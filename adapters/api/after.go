package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"importledger/commands"
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
	return a.waitFor(ctx, p, models...)
}

// caughtUp returns when read models have what the log holds now.
func (a *API) caughtUp(ctx context.Context, models ...string) error {
	all, err := a.projections.Status(ctx)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	for _, s := range all {
		if !slices.Contains(models, s.Name) {
			continue
		}
		last := s.Position
		for batch, err := range a.end.log.CatchUp(limited, s.Position, countBatch) {
			switch {
			case err != nil && limited.Err() != nil && ctx.Err() == nil:
				return errBehind
			case err != nil:
				return err
			case len(batch.Events) > 0:
				last = batch.Events[len(batch.Events)-1].Position
			}
		}
		if err := a.waitFor(ctx, last, s.Name); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) waitFor(ctx context.Context, p events.Position, models ...string) error {
	limited, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	err := a.projections.WaitFor(limited, p, models...)
	if err != nil && ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		return errBehind
	}
	return err
}

var errBehind = &commands.Refusal{Kind: commands.Unavailable, Code: "read-model-behind", Message: "What was written is not readable here yet. Try again shortly."}
