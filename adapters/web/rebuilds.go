package web

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"importledger/events"
	"importledger/projections"
)

// The rebuilds that are asked for here are done by whichever process comes to them,
// and outlive this one.

func (v *visit) rebuild() error {
	return v.changeRebuild("projection.rebuilt", "rebuilding", v.Projections.AskRebuild)
}

func (v *visit) pauseRebuild() error {
	return v.changeRebuild("projection.rebuild-paused", "rebuild-paused", v.Projections.PauseRebuild)
}

func (v *visit) resumeRebuild() error {
	return v.changeRebuild("projection.rebuild-resumed", "rebuild-resumed", v.Projections.ResumeRebuild)
}

func (v *visit) cancelRebuild() error {
	return v.changeRebuild("projection.rebuild-canceled", "rebuild-canceled", v.Projections.CancelRebuild)
}

func (v *visit) rollback() error {
	return v.changeRebuild("projection.rolled-back", "rolling-back", func(ctx context.Context, names []string) error {
		if len(names) != 1 {
			return errNoPage
		}
		return v.Projections.AskRollback(ctx, names[0])
	})
}

// changeRebuild does something to the read models that the address names.
func (v *visit) changeRebuild(action, done string, change func(context.Context, []string) error) error {
	name := v.r.PathValue("name")
	names := []string{name}
	if name == "all" {
		names = projections.Names()
	} else if !slices.Contains(projections.Names(), name) {
		return errNoPage
	}
	if err := v.Audit.Note(v.ctx(), action, v.by(), name, ""); err != nil {
		return err
	}
	if err := change(v.ctx(), names); err != nil {
		return err
	}
	return v.seeOther("/operations?done=" + done)
}

// retry tries the event again at which a read model has stopped, behind the scenes.
func (v *visit) retry() error {
	name := v.r.PathValue("name")
	if !slices.Contains(projections.Names(), name) {
		return errNoPage
	}
	if err := v.Audit.Note(v.ctx(), "projection.retried", v.by(), name, ""); err != nil {
		return err
	}
	v.upkeep.begin(&v.upkeep.retry, v.Now, func(ctx context.Context) error { return v.Projections.Retry(ctx, name) })
	return v.seeOther("/operations?done=retrying")
}

// mostPerSecond is more than any rebuild comes to.
const mostPerSecond = 10_000_000

func (v *visit) limitRebuilds() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	perSecond := 0
	if text := strings.TrimSpace(v.r.PostForm.Get("limit")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostPerSecond {
			return &fault{Status: http.StatusUnprocessableEntity, Code: "limit-invalid", Title: "This is no speed",
				Message: "Say a whole number of events a second, from 1 to 10,000,000, or nothing for as fast as they can."}
		}
		perSecond = n
	}
	if err := v.Audit.Note(v.ctx(), "rebuilds.limited", v.by(), "", ""); err != nil {
		return err
	}
	if err := v.Projections.LimitRebuilds(v.ctx(), perSecond); err != nil {
		return err
	}
	return v.seeOther("/operations?done=limit-set")
}

// stoppedView is the event at which a read model, or its rebuild, has stopped.
type stoppedView struct {
	Model          string
	Rebuild        bool
	Why            *projections.Stopped
	Event          events.Recorded
	Import         string // empty: it is of none
	Data, Metadata recordedBytes
}

// recordedBytes are bytes as a page shows them.
type recordedBytes struct {
	Text   string
	Base64 bool
	Size   int
	Cut    bool
}

// mostBytesShown is how much of an event a page shows.
const mostBytesShown = 64 << 10

func showBytes(b []byte) recordedBytes {
	shown := recordedBytes{Size: len(b), Cut: len(b) > mostBytesShown}
	text := utf8.Valid(b)
	b = b[:min(len(b), mostBytesShown)]
	if !text {
		shown.Text, shown.Base64 = base64.StdEncoding.EncodeToString(b), true
		return shown
	}
	shown.Text = strings.ToValidUTF8(string(b), "") // it may be cut in the middle of a character
	return shown
}

func (v *visit) stoppedEvent() error {
	all, _, err := v.Standing(v.ctx())
	if err != nil {
		return err
	}
	for _, s := range all {
		why, rebuild := s.StoppedAt()
		if s.Name != v.r.PathValue("name") || why == nil || why.Event == "" {
			continue
		}
		for event, err := range v.Streams.Read(v.ctx(), why.Stream, why.Revision) {
			if err != nil {
				return err
			}
			page := stoppedView{Model: s.Name, Rebuild: rebuild, Why: why, Event: event, Data: showBytes(event.Data), Metadata: showBytes(event.Metadata)}
			page.Import, _ = events.ImportOfStream(event.Stream)
			return v.render(http.StatusOK, "stopped", view{Title: "The event that stops " + s.Name, Section: "operations", Body: page})
		}
	}
	return errNoPage
}
