package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8/decor"

	"importledger/adapters/eventstore"
)

// copyWatch shows how a copy of the log goes: a line for each step on a terminal,
// elsewhere a sentence now and then.
type copyWatch struct {
	term    *terminal
	drawing *progress
	line    bar
	step    eventstore.CopyStep
	began   time.Time    // the step
	said    time.Time    // the last sentence
	notes   atomic.Value // string
}

// copyWords are the steps as people read them.
var copyWords = map[eventstore.CopyStep]string{
	eventstore.CopyLooking: "Looking", eventstore.CopyCopying: "Copying", eventstore.CopyComparing: "Comparing",
}

const (
	copyScale    = 1000
	sentencesGap = 10 * time.Second
)

func (p *program) newCopyWatch() *copyWatch {
	return &copyWatch{term: p.term, drawing: p.term.newProgress(importLayout), said: time.Now()}
}

func (w *copyWatch) see(now eventstore.CopyProgress) {
	if now.Step != w.step {
		w.line.end()
		w.step, w.began = now.Step, time.Now()
		w.notes.Store("")
		w.line = w.drawing.add(copyWords[now.Step], copyScale, func(decor.Statistics) string {
			return w.notes.Load().(string)
		})
	}
	done := fractionOf(now)
	text := copyNotes(now.Events, done, time.Since(w.began))
	w.notes.Store(text)
	w.line.set(int64(done * copyScale))
	if !w.term.animated && time.Since(w.said) >= sentencesGap {
		w.said = time.Now()
		w.term.say("%s %s", copyWords[now.Step], text)
	}
}

func (w *copyWatch) close() {
	w.line.end()
	w.drawing.close()
}

// fractionOf goes by positions, which is all that is known of the source's size.
func fractionOf(now eventstore.CopyProgress) float64 {
	whole := float64(now.End.Commit) - float64(now.After.Commit)
	if whole <= 0 {
		return 1
	}
	return min(1, max(0, (float64(now.At.Commit)-float64(now.After.Commit))/whole))
}

// copyNotes says how many, how fast and how long yet.
func copyNotes(events uint64, done float64, spent time.Duration) string {
	text := number(int64(events)) + " events"
	if spent < time.Second {
		return text
	}
	text += fmt.Sprintf(" · %s/s", number(int64(float64(events)/spent.Seconds())))
	if done > 0.01 && done < 1 {
		text += fmt.Sprintf(" · %s left", time.Duration(float64(spent)*(1-done)/done).Round(time.Second))
	}
	return text
}
