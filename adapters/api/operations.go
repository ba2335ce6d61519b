package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"importledger/events"
	"importledger/projections"
)

// Projections keeps the read models; a *projections.Projector does.
type Projections interface {
	Status(ctx context.Context) ([]projections.Status, error)
	WaitFor(ctx context.Context, position events.Position, names ...string) error
	Verify(ctx context.Context, names []string) (projections.Verification, error)
	Retry(ctx context.Context, name string) error
	AskRebuild(ctx context.Context, names []string) error
	AskRollback(ctx context.Context, name string) error
	PauseRebuild(ctx context.Context, names []string) error
	ResumeRebuild(ctx context.Context, names []string) error
	CancelRebuild(ctx context.Context, names []string) error
	LimitRebuilds(ctx context.Context, perSecond int) error
	RebuildLimit(ctx context.Context) (perSecond int, err error)
}

type projectionObject struct {
	Name            string          `json:"name"`
	State           string          `json:"state" enum:"live,rebuilding,stopped"`
	Position        string          `json:"position" doc:"In the log, up to which events are applied."`
	Head            string          `json:"head" doc:"The log's end."`
	Lag             uint64          `json:"lag" doc:"Events not applied yet; 0: current."`
	EventsPerSecond float64         `json:"eventsPerSecond"`
	LastError       *string         `json:"lastError" doc:"In state stopped: the event that cannot be applied, and why. GET /ops/projections/{name}/event has its bytes."`
	Rebuild         *rebuildObject  `json:"rebuild" doc:"While a rebuild or a rollback is asked for and has not ended."`
	Previous        *previousObject `json:"previous" doc:"The tables of before the last rebuild or rollback, which a rollback brings back."`
}

func (a *API) addOperations() {
	const tag = "Operations"
	register(a, operation{route: "GET /ops/projections", id: "list-projections", tag: tag,
		summary: "See how every projection stands"}, a.listProjections)
	register(a, operation{route: "POST /ops/projections/verify", id: "verify-projections", tag: tag,
		summary: "Compare every projection with the log", errors: []int{http.StatusConflict},
		about: "With differing, the rows that differ are named by table, key and column. Their values are there for whoever has contacts:read and audit:read beside ops:write, and null for others."}, a.verify)
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
		o.Rebuild = rebuildOf(s.Rebuild, end.events)
	}
	if s.Previous != nil {
		o.Previous = &previousObject{ReplacedAt: s.Previous.ReplacedAt.UnixMilli(), Until: s.Previous.Until.UnixMilli(), Usable: s.Previous.Usable}
	}
	return o
}

// explainProjection has words for what only read models report; nil for all else.
func explainProjection(err error) *errorAnswer {
	if unknown, ok := errors.AsType[*projections.UnknownModelError](err); ok {
		return answer(http.StatusNotFound, "projection-not-found", "There is no projection "+strconv.Quote(unknown.Name)+". GET /ops/projections lists them.")
	}
	if busy, ok := errors.AsType[*projections.BusyError](err); ok {
		return answer(http.StatusConflict, "projection-busy", "The projection "+busy.Name+" is to be rebuilt, or is being verified, already. GET /ops/projections tells how far it is.")
	}
	if not, ok := errors.AsType[*projections.NotRebuildingError](err); ok {
		return answer(http.StatusConflict, "projection-not-rebuilding", "No rebuild of the projection "+not.Name+" is asked for, or it has ended. GET /ops/projections lists those that are.")
	}
	if none, ok := errors.AsType[*projections.NoRollbackError](err); ok {
		if none.OtherVersion {
			return answer(http.StatusConflict, "projection-rollback-version", "The tables that the projection "+none.Name+" had before were filled by another version of the program. Start that version, or rebuild.")
		}
		return answer(http.StatusConflict, "projection-rollback-missing", "There are no tables to roll the projection "+none.Name+" back to: it was not rebuilt within the last day.")
	}
	if stopped, ok := errors.AsType[*projections.Stopped](err); ok {
		return unavailable("read-model-stopped", "The read model "+stopped.Model+" has stopped, and has to be mended. GET /readyz names the event.")
	}
	return nil
}
