package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"importledger/events"
	"importledger/projections"
)

// Projections keeps the read models; a *projections.Projector does.
type Projections interface {
	Status(ctx context.Context) ([]projections.Status, error)
	WaitFor(ctx context.Context, position events.Position, names ...string) error
	Rebuild(ctx context.Context, names []string, progress func(projections.Progress)) error
	Verify(ctx context.Context, names []string) (projections.Verification, error)
}

type projectionObject struct {
	Name            string         `json:"name"`
	State           string         `json:"state" enum:"live,rebuilding,stopped"`
	Position        string         `json:"position" doc:"In the log, up to which events are applied."`
	Head            string         `json:"head" doc:"The log's end."`
	Lag             uint64         `json:"lag" doc:"Events not applied yet; 0: current."`
	EventsPerSecond float64        `json:"eventsPerSecond"`
	LastError       *string        `json:"lastError" doc:"In state stopped: the event that cannot be applied, and why."`
	Rebuild         *rebuildObject `json:"rebuild"`
}

type rebuildObject struct {
	_        struct{} `nullable:"true"`
	Position string   `json:"position"`
	Percent  int      `json:"percent"`
}

type verificationObject struct {
	Projections []verifiedObject `json:"projections"`
	Imports     struct {
		Checked         int `json:"checked"`
		RowsUnaccounted int `json:"rowsUnaccounted" doc:"Rows without exactly one outcome."`
	} `json:"imports" nameHint:"VerifiedImports"`
}

type verifiedObject struct {
	Name        string `json:"name"`
	Rows        int    `json:"rows" doc:"Compared."`
	Differences int    `json:"differences" doc:"Rows that are missing, too many or otherwise than the log says."`
}

type rebuildPath struct {
	Name string `path:"name" doc:"Of a projection, or all."`
}

type rebuildAnswer struct {
	Body struct {
		Rebuilding []string `json:"rebuilding"`
	} `nameHint:"RebuildAnswer"`
}

func (a *API) addOperations() {
	const tag = "Operations"
	register(a, operation{route: "GET /ops/projections", id: "list-projections", tag: tag,
		summary: "See how every projection stands"}, a.listProjections)
	register(a, operation{route: "POST /ops/projections/{name}/rebuild", id: "rebuild-projection", tag: tag, status: http.StatusAccepted,
		summary: "Rebuild a projection from the log", about: "The old rows serve until the swap. GET /ops/projections tells how far it is.",
		errors: []int{http.StatusNotFound, http.StatusConflict}}, a.rebuild)
	register(a, operation{route: "POST /ops/projections/verify", id: "verify-projections", tag: tag,
		summary: "Compare every projection with the log", errors: []int{http.StatusConflict}}, a.verify)
}

func (a *API) listProjections(ctx context.Context, _ *struct{}) (*struct{ Body []projectionObject }, error) {
	all, end, err := a.standing(ctx)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body []projectionObject }{[]projectionObject{}}
	for _, s := range all {
		out.Body = append(out.Body, projectionOf(s, end))
	}
	return out, nil
}

// Standing tells how the read models stand, and how many events the log has.
func (a *API) Standing(ctx context.Context) ([]projections.Status, uint64, error) {
	all, end, err := a.standing(ctx)
	return all, end.events, err
}

// standing tells how the read models stand and where the log ends.
func (a *API) standing(ctx context.Context) ([]projections.Status, logEnd, error) {
	all, err := a.projections.Status(ctx)
	if err != nil {
		return nil, logEnd{}, err
	}
	end, err := a.end.find(ctx, all)
	return all, end, err
}

func projectionOf(s projections.Status, end logEnd) projectionObject {
	o := projectionObject{Name: s.Name, State: string(s.State), Position: s.Position.String(), Head: end.position.String(),
		Lag: end.lag(s), EventsPerSecond: s.EventsPerSecond}
	if s.LastError != nil {
		o.LastError = orNull(s.LastError.Error())
	}
	if s.Rebuild != nil {
		o.Rebuild = &rebuildObject{Position: s.Rebuild.Position.String()}
		if end.events > 0 {
			o.Rebuild.Percent = int(min(100, s.Rebuild.Applied*100/end.events))
		}
	}
	return o
}

// started is how long a rebuild may take to say that it cannot begin, before the
// client is told that it goes on behind the scenes.
const started = 2 * time.Second

func (a *API) rebuild(ctx context.Context, in *rebuildPath) (*rebuildAnswer, error) {
	names := []string{in.Name}
	if in.Name == "all" {
		names = projections.Names()
	} else if !slices.Contains(projections.Names(), in.Name) {
		return nil, &projections.UnknownModelError{Name: in.Name}
	}
	if err := a.access.Audit.Note(ctx, "projection.rebuilt", a.by(ctx), in.Name, ""); err != nil {
		return nil, err
	}
	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	if !a.background.Go(func(ctx context.Context) {
		err := a.projections.Rebuild(ctx, names, func(projections.Progress) {
			select {
			case begun <- struct{}{}:
			default:
			}
		})
		a.rebuilt(ctx, names, err)
		ended <- err
	}) {
		return nil, unavailable("shutting-down", "The service is shutting down.")
	}
	select {
	case err := <-ended:
		if err != nil {
			return nil, err
		}
	case <-begun:
	case <-time.After(started):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	out := &rebuildAnswer{}
	out.Body.Rebuilding = names
	return out, nil
}

func (a *API) rebuilt(ctx context.Context, names []string, err error) {
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "rebuild failed", slog.Any("projections", names), slog.String("error", withoutValues(err)))
		return
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "rebuild done", slog.Any("projections", names))
}

func (a *API) verify(ctx context.Context, _ *struct{}) (*struct{ Body verificationObject }, error) {
	v, err := a.projections.Verify(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body verificationObject }{verificationObject{Projections: []verifiedObject{}}}
	for _, p := range v.Projections {
		out.Body.Projections = append(out.Body.Projections, verifiedObject{Name: p.Name, Rows: p.Rows, Differences: p.Differences})
	}
	out.Body.Imports.Checked, out.Body.Imports.RowsUnaccounted = v.Imports.Checked, v.Imports.RowsUnaccounted
	return out, nil
}

// explainProjection has words for what only read models report; nil for all else.
func explainProjection(err error) *errorAnswer {
	if unknown, ok := errors.AsType[*projections.UnknownModelError](err); ok {
		return answer(http.StatusNotFound, "projection-not-found", "There is no projection "+strconv.Quote(unknown.Name)+". GET /ops/projections lists them.")
	}
	if busy, ok := errors.AsType[*projections.BusyError](err); ok {
		return answer(http.StatusConflict, "projection-busy", "The projection "+busy.Name+" is being rebuilt or verified already.")
	}
	if stopped, ok := errors.AsType[*projections.Stopped](err); ok {
		return unavailable("read-model-stopped", "The read model "+stopped.Model+" has stopped, and has to be mended. GET /readyz names the event.")
	}
	return nil
}
