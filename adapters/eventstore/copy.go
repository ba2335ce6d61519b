package eventstore

import (
	"context"
	"errors"
	"fmt"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Copy is one log of the ledger becoming another: the same events of the same streams,
// at the same revisions, in the same order. How far it has come is known by the target
// alone, so that it can be ended at any moment and begun again.
type Copy struct {
	From, To *Log
	// Report is told how it goes, often; nil: nobody is.
	Report func(CopyProgress)
}

// CopyStep is what a Copy is doing.
type CopyStep string

// The steps of a copy, in their order.
const (
	CopyLooking   CopyStep = "looking" // compares what the target holds already
	CopyCopying   CopyStep = "copying"
	CopyComparing CopyStep = "comparing" // all of both
)

// CopyProgress is how far a step has come.
type CopyProgress struct {
	Step   CopyStep
	Events uint64          // in this step
	After  events.Position // in the source, where the step began
	At     events.Position // in the source
	End    events.Position // of the source, as it was when the step began
}

// CopyResult is what is known of both logs in the end.
type CopyResult struct {
	Copied uint64 // events appended by this run
	WentOn bool   // the source has more by now: somebody writes to it
	Source Content
	Target Content
}

// What a Copy refuses. Each says what to do.
var (
	// ErrCopySourceEmpty: there is nothing to copy.
	ErrCopySourceEmpty = &commands.Refusal{Kind: commands.NotFound, Code: "copy-source-empty",
		Message: "the source holds no events of a ledger: correct --from"}
	// ErrCopySourceBroken: the source is not what was recorded.
	ErrCopySourceBroken = &commands.Refusal{Kind: commands.Conflict, Code: "copy-source-broken"}
	// ErrCopyTargetDiffers: the target holds events of another ledger, or went on by itself.
	ErrCopyTargetDiffers = &commands.Refusal{Kind: commands.Conflict, Code: "copy-target-differs"}
	// ErrCopyTargetBusy: somebody else writes to the target.
	ErrCopyTargetBusy = &commands.Refusal{Kind: commands.Conflict, Code: "copy-target-busy"}
	// ErrCopyTargetBehind: the target lacks the last events of the source.
	ErrCopyTargetBehind = &commands.Refusal{Kind: commands.Conflict, Code: "copy-target-behind"}
)

// Run copies what the target lacks and compares all of both logs. Without an error the
// target holds what the source held when Run began, and nothing else than the source.
func (c *Copy) Run(ctx context.Context) (CopyResult, error) {
	var result CopyResult
	chains := newChains(c.From)
	found, err := c.compare(ctx, CopyLooking, chains)
	result.Source, result.Target = found.source, found.target
	switch {
	case err != nil:
		return result, err
	case found.source.Events == 0 && !found.behind:
		return result, ErrCopySourceEmpty
	}
	if found.behind {
		if result.Copied, err = c.copyAfter(ctx, found.until, chains); err != nil {
			return result, err
		}
	}
	found, err = c.compare(ctx, CopyComparing, newChains(c.From))
	result.Source, result.Target, result.WentOn = found.source, found.target, found.behind
	return result, err
}

// Verify compares all of both logs, and changes neither. A target that lacks anything of
// the source is refused.
func (c *Copy) Verify(ctx context.Context) (CopyResult, error) {
	found, err := c.compare(ctx, CopyComparing, newChains(c.From))
	result := CopyResult{Source: found.source, Target: found.target}
	switch {
	case err != nil:
		return result, err
	case found.behind:
		return result, refused(ErrCopyTargetBehind, nil,
			"the target ends after %d events, and the source goes on: stop whatever writes to the source, and run copy-log without --verify-only", found.target.Events)
	case found.source.Events == 0:
		return result, ErrCopySourceEmpty
	}
	return result, nil
}

const (
	// copiedAtOnce bounds the events of one append, as the worker's chunks are bounded.
	copiedAtOnce = 2000
	// copyBatch is how many events are read ahead.
	copyBatch = 4000
)

// copyAfter appends what the source has after a position. Runs of events of one stream
// become one append; the next begins when the one before is recorded, so that the order
// across streams is kept.
func (c *Copy) copyAfter(ctx context.Context, after events.Position, chains *chains) (copied uint64, err error) {
	source, err := openReading(ctx, c.From, after)
	if err != nil {
		return 0, err
	}
	defer source.close()
	var run pending
	for {
		e, err := source.next(ctx)
		if err != nil {
			return copied, err
		}
		if e != nil {
			if err := chains.follow(ctx, *e); err != nil {
				return copied, err
			}
		}
		if e == nil || !run.takes(e) {
			if err := run.append(ctx, c.To); err != nil {
				return copied, err
			}
			copied += uint64(len(run.events))
			c.report(CopyProgress{Step: CopyCopying, Events: copied, After: after, At: run.until, End: source.end})
			run = pending{events: run.events[:0]}
		}
		if e == nil {
			return copied, nil
		}
		run.add(e)
	}
}

func (c *Copy) report(p CopyProgress) {
	if c.Report != nil {
		c.Report(p)
	}
}

// pending is a run of events of one stream, to be appended as one.
type pending struct {
	stream string
	first  uint64
	bytes  int
	events []events.Proposed
	until  events.Position
}

// takes tells whether an event goes on where the run ends, and fits one append with it.
func (p *pending) takes(e *events.Recorded) bool {
	if len(p.events) == 0 {
		return true
	}
	next := proposal(e)
	return e.Stream == p.stream && len(p.events) < copiedAtOnce && p.bytes+size(&next) <= maxAppend
}

func (p *pending) add(e *events.Recorded) {
	if len(p.events) == 0 {
		p.stream, p.first = e.Stream, e.Revision
	}
	next := proposal(e)
	p.events, p.bytes, p.until = append(p.events, next), p.bytes+size(&next), e.Position
}

func proposal(e *events.Recorded) events.Proposed {
	return events.Proposed{ID: e.ID, Type: e.Type, Data: e.Data, Metadata: e.Metadata}
}

func (p *pending) append(ctx context.Context, to *Log) error {
	if len(p.events) == 0 {
		return nil
	}
	err := patiently(ctx, to.config, func() error {
		_, err := to.Append(ctx, p.stream, p.first, p.events)
		return err
	})
	switch {
	case errors.Is(err, aggregate.ErrOvertaken):
		return refused(ErrCopyTargetBusy, err, "somebody else has written to %s in the target: stop every importledger that uses the target, and run copy-log again", p.stream)
	case errors.Is(err, ErrStreamDeleted):
		return refused(ErrCopyTargetDiffers, err, "the target's stream %s has been deleted for good: copy into an empty event store", p.stream)
	case err != nil:
		return fmt.Errorf("the target: %w", err)
	}
	return nil
}

// refused gives a refusal its sentence.
func refused(as *commands.Refusal, cause error, message string, args ...any) error {
	r := *as
	r.Err, r.Message = cause, fmt.Sprintf(message, args...)
	return &r
}
