package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8/decor"
)

// watch follows an import to its end, and until everybody can see it. The first
// interrupt asks for the import to be canceled.
func (r *importRun) watch(leave context.Context, i importObject) (importObject, error) {
	drawing := r.term.newProgress(importLayout)
	defer drawing.close()
	var inError atomic.Int64
	began := time.Now()
	line := drawing.add("Importing", int64(i.RowToImport), func(s decor.Statistics) string {
		text := fmt.Sprintf("%s of %s rows", number(s.Current), number(s.Total))
		if seconds := time.Since(began).Seconds(); seconds > 0.5 {
			text += fmt.Sprintf(" · %s rows/s", number(int64(float64(s.Current)/seconds)))
		}
		if n := inError.Load(); n > 0 {
			text += fmt.Sprintf(" · %s in error", number(n))
		}
		return text
	})
	defer line.end()

	interrupted := r.interrupted.Done()
	tick := time.NewTicker(r.pollEvery)
	defer tick.Stop()
	for {
		now, position, err := r.client.getImport(leave, i.ID)
		if err != nil {
			return i, r.lost(leave, i, err)
		}
		i = now
		inError.Store(int64(i.RowsInError))
		line.set(int64(i.settled()))
		if i.State.Final() {
			return i, r.lost(leave, i, r.client.caughtUp(leave, i.ID, position))
		}
		select {
		case <-tick.C:
		case <-leave.Done():
			return i, errLeft
		case <-interrupted:
			interrupted = nil
			drawing.say(r.term, "Canceling. Rows already imported stay; Ctrl-C again leaves without waiting.")
			now, position, err := r.client.cancelImport(leave, i.ID, "")
			if isStatus(err, http.StatusConflict) {
				continue // it has just ended by itself
			}
			if err != nil {
				return i, r.lost(leave, i, err)
			}
			return now, r.lost(leave, now, r.client.caughtUp(leave, i.ID, position))
		}
	}
}

// lost says what is known of an import that can be seen no more.
func (r *importRun) lost(leave context.Context, i importObject, err error) error {
	switch {
	case err == nil:
		return nil
	case leave.Err() != nil:
		return errLeft
	}
	return fmt.Errorf("import %s was started, but how it goes on cannot be seen: %w", i.ID, err)
}
