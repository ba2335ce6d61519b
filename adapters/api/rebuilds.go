package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"importledger/projections"
)

type rebuildObject struct {
	_               struct{} `nullable:"true"`
	Position        string   `json:"position"`
	Percent         int      `json:"percent" doc:"Of the log's events. What follows the reading is told by stage."`
	State           string   `json:"state" enum:"waiting,running,paused,failed" doc:"waiting: for a reading of the log that has begun before. failed: at an event; the old rows serve."`
	Stage           string   `json:"stage" enum:"waiting,reading,indexing,swapping"`
	Rollback        bool     `json:"rollback" doc:"The tables of before are brought up and put back."`
	Events          uint64   `json:"events" doc:"Applied so far."`
	EventsPerSecond float64  `json:"eventsPerSecond"`
	SecondsLeft     *int     `json:"secondsLeft" doc:"Until all is read, at this speed; null: not known."`
	LastError       *string  `json:"lastError" doc:"Why it has failed, or does not go on at the moment."`
}

type previousObject struct {
	_          struct{} `nullable:"true"`
	ReplacedAt int64    `json:"replacedAt"`
	Until      int64    `json:"until" doc:"Then they are dropped; the next rebuild drops them sooner."`
	Usable     bool     `json:"usable" doc:"This version of the program can go on with them."`
}

type projectionPath struct {
	Name string `path:"name" maxLength:"100" doc:"Of a projection."`
}

type rebuildPath struct {
	Name string `path:"name" maxLength:"100" doc:"Of a projection, or all."`
}

type rebuildAnswer struct {
	Body struct {
		Rebuilding []string `json:"rebuilding"`
	} `nameHint:"RebuildAnswer"`
}

type changedRebuild struct {
	Body struct {
		Projections []string `json:"projections" doc:"Those that were named."`
	} `nameHint:"RebuildChange"`
}

type rebuildLimit struct {
	Body rebuildLimitObject
}

type rebuildLimitObject struct {
	EventsPerSecond *int `json:"eventsPerSecond" minimum:"1" maximum:"10000000" doc:"Of all rebuilds together; null: as fast as they can."`
}

func (a *API) addRebuilds() {
	const tag = "Operations"
	conflict := []int{http.StatusNotFound, http.StatusConflict}
	register(a, operation{route: "POST /ops/projections/{name}/rebuild", id: "rebuild-projection", tag: tag, status: http.StatusAccepted, errors: conflict,
		summary: "Rebuild a projection from the log", about: "The old rows serve until the swap. GET /ops/projections tells how far it is. " +
			"Those that are asked for while the log is read for others wait, and are then read together. It outlives the process: whichever starts goes on with it."}, a.rebuild)
	register(a, operation{route: "POST /ops/projections/{name}/rebuild/pause", id: "pause-rebuild", tag: tag, errors: conflict,
		summary: "Pause the rebuild of a projection", about: "It stays paused, also when processes start anew, until it is resumed."}, a.change("projection.rebuild-paused", Projections.PauseRebuild))
	register(a, operation{route: "POST /ops/projections/{name}/rebuild/resume", id: "resume-rebuild", tag: tag, errors: conflict,
		summary: "Go on with a rebuild that was paused or has failed"}, a.change("projection.rebuild-resumed", Projections.ResumeRebuild))
	register(a, operation{route: "POST /ops/projections/{name}/rebuild/cancel", id: "cancel-rebuild", tag: tag, errors: conflict,
		summary: "Cancel the rebuild of a projection", about: "What was filled is dropped, and the old rows go on serving."}, a.change("projection.rebuild-canceled", Projections.CancelRebuild))
	register(a, operation{route: "POST /ops/projections/{name}/rollback", id: "roll-projection-back", tag: tag, status: http.StatusAccepted, errors: conflict,
		summary: "Put the tables of before the last rebuild back", about: "They are brought to the log's end first, so that nothing is missing when they serve. The tables that serve now are kept in their place."}, a.rollback)
	register(a, operation{route: "POST /ops/projections/{name}/retry", id: "retry-projection", tag: tag, status: http.StatusAccepted, errors: conflict,
		summary: "Try the event again at which a projection has stopped"}, a.retry)
	register(a, operation{route: "GET /ops/rebuild-limit", id: "get-rebuild-limit", tag: tag,
		summary: "See how fast rebuilds may go"}, a.rebuildLimit)
	register(a, operation{route: "PUT /ops/rebuild-limit", id: "set-rebuild-limit", tag: tag,
		summary: "Say how fast rebuilds may go", about: "It holds at once, for all rebuilds together, until it is said otherwise."}, a.setRebuildLimit)
}

func rebuildOf(r *projections.RebuildStatus, total uint64) *rebuildObject {
	o := &rebuildObject{Position: r.Position.String(), Percent: r.Percent(total), State: string(r.State), Stage: r.Stage, Rollback: r.Back,
		Events: r.Applied, EventsPerSecond: r.EventsPerSecond, LastError: orNull(r.Trouble)}
	if left, known := r.Left(total); known {
		seconds := int(left.Round(time.Second).Seconds())
		o.SecondsLeft = &seconds
	}
	if r.Failed != nil {
		o.LastError = orNull(r.Failed.Error())
	}
	return o
}

// modelsOf are the projections that a path names.
func modelsOf(name string) ([]string, error) {
	if name == "all" {
		return projections.Names(), nil
	}
	return []string{name}, isModel(name)
}

// isModel refuses a name that no projection has: it must not come into the audit log.
func isModel(name string) error {
	if !slices.Contains(projections.Names(), name) {
		return &projections.UnknownModelError{Name: name}
	}
	return nil
}

func (a *API) rebuild(ctx context.Context, in *rebuildPath) (*rebuildAnswer, error) {
	names, err := modelsOf(in.Name)
	if err != nil {
		return nil, err
	}
	if err := a.access.Audit.Note(ctx, "projection.rebuilt", a.by(ctx), in.Name, ""); err != nil {
		return nil, err
	}
	if err := a.projections.AskRebuild(ctx, names); err != nil {
		return nil, err
	}
	out := &rebuildAnswer{}
	out.Body.Rebuilding = names
	return out, nil
}

// change makes a handler that changes rebuilds that are asked for.
func (a *API) change(action string, change func(Projections, context.Context, []string) error) func(context.Context, *rebuildPath) (*changedRebuild, error) {
	return func(ctx context.Context, in *rebuildPath) (*changedRebuild, error) {
		names, err := modelsOf(in.Name)
		if err != nil {
			return nil, err
		}
		if err := a.access.Audit.Note(ctx, action, a.by(ctx), in.Name, ""); err != nil {
			return nil, err
		}
		if err := change(a.projections, ctx, names); err != nil {
			return nil, err
		}
		out := &changedRebuild{}
		out.Body.Projections = names
		return out, nil
	}
}

func (a *API) rollback(ctx context.Context, in *projectionPath) (*rebuildAnswer, error) {
	if err := isModel(in.Name); err != nil {
		return nil, err
	}
	if err := a.access.Audit.Note(ctx, "projection.rolled-back", a.by(ctx), in.Name, ""); err != nil {
		return nil, err
	}
	if err := a.projections.AskRollback(ctx, in.Name); err != nil {
		return nil, err
	}
	out := &rebuildAnswer{}
	out.Body.Rebuilding = []string{in.Name}
	return out, nil
}

func (a *API) rebuildLimit(ctx context.Context, _ *struct{}) (*rebuildLimit, error) {
	perSecond, err := a.projections.RebuildLimit(ctx)
	out := &rebuildLimit{}
	if perSecond > 0 {
		out.Body.EventsPerSecond = &perSecond
	}
	return out, err
}

func (a *API) setRebuildLimit(ctx context.Context, in *rebuildLimit) (*rebuildLimit, error) {
	perSecond, limit := 0, "off"
	if in.Body.EventsPerSecond != nil {
		perSecond = *in.Body.EventsPerSecond
		limit = fmt.Sprintf("%d events a second", perSecond)
	}
	if err := a.access.Audit.Note(ctx, "rebuilds.limited", a.by(ctx), "", limit); err != nil {
		return nil, err
	}
	if err := a.projections.LimitRebuilds(ctx, perSecond); err != nil {
		return nil, err
	}
	return in, nil
}

// retried is how long a retry may take to stop again, before the client is told that
// it goes on behind the scenes.
const retried = 2 * time.Second

func (a *API) retry(ctx context.Context, in *projectionPath) (*changedRebuild, error) {
	if err := isModel(in.Name); err != nil {
		return nil, err
	}
	if err := a.access.Audit.Note(ctx, "projection.retried", a.by(ctx), in.Name, ""); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	if !a.background.Go(func(ctx context.Context) {
		err := a.projections.Retry(ctx, in.Name)
		if err != nil && ctx.Err() == nil {
			a.log.LogAttrs(ctx, slog.LevelWarn, "retry failed", slog.String("projection", in.Name), slog.String("error", withoutValues(err)))
		}
		ended <- err
	}) {
		return nil, unavailable("shutting-down", "The service is shutting down.")
	}
	select {
	case err := <-ended:
		if stopped, ok := errors.AsType[*projections.Stopped](err); ok {
			return nil, answer(http.StatusConflict, "projection-stopped-again", stopped.Error())
		}
		if err != nil {
			return nil, err
		}
	case <-time.After(retried):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	out := &changedRebuild{}
	out.Body.Projections = []string{in.Name}
	return out, nil
}
