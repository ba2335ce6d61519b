package node

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
)

// liveBacklog is how far a live subscription may lag before it is told that it fell behind, as on a real server.
const liveBacklog = 320

var (
	caughtUp   = &streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}}
	fellBehind = &streams.ReadResp{Content: &streams.ReadResp_FellBehind_{FellBehind: &streams.ReadResp_FellBehind{}}}
)

func confirmation() *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}}
}

func checkpoint(position uint64) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: position, PreparePosition: position},
	}}
}

// until returns the call's context, which ends too when the node closes.
func (s *streamsService) until(call context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(call)
	stop := context.AfterFunc(s.closing, func() { cancel(errShuttingDown) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

func (s *streamsService) subscribeToAll(o *streams.ReadReq_Options, out *answers) error {
	feed := &allFeed{log: s.log, out: out, wanted: everything}
	if f := o.GetFilter(); f != nil {
		var err error
		if feed.wanted, err = parseFilter(f); err != nil {
			return err
		}
		if feed.interval, err = checkpointInterval(f); err != nil {
			return err
		}
	}
	var err error
	if feed.seen, err = positionIn(o.GetAll(), s.log.durable.load()); err != nil {
		return err
	}
	ctx, cancel := s.until(out.call.Context())
	defer cancel()
	return feed.run(ctx)
}

// allFeed is one subscription to $all. It keeps no events: however slow its reader is, it reads on in the log from
// where the reader is.
type allFeed struct {
	log      *eventLog
	out      *answers
	wanted   filter
	interval uint64 // events between checkpoints; 0: none, since nothing is filtered

	seen    uint64 // every event up to here was sent or not wanted
	told    uint64 // the last checkpoint
	counted uint64 // events since then
	sent    int    // bytes of the last page
}

func (f *allFeed) run(ctx context.Context) error {
	if err := f.out.send(confirmation()); err != nil {
		return err
	}
	f.told = f.seen // the reader named it, so it needs no checkpoint
	for live := false; ; {
		end := f.log.durable.load()
		if f.seen >= end {
			if !live {
				live = true
				if err := f.turn(caughtUp); err != nil {
					return err
				}
			}
			if err := f.log.durable.wait(ctx, f.seen); err != nil {
				return err
			}
			continue
		}
		if err := f.advance(end); err != nil {
			return err
		}
		if live && f.log.durable.load() > f.seen+liveBacklog {
			live = false
			if err := f.turn(fellBehind); err != nil {
				return err
			}
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// turn sends the news that the feed is live, or no longer, with a checkpoint of how far it has come.
func (f *allFeed) turn(news *streams.ReadResp) error {
	if f.interval > 0 && f.seen > f.told {
		f.told, f.counted = f.seen, 0
		if err := f.out.send(checkpoint(f.seen)); err != nil {
			return err
		}
	}
	return f.out.send(news)
}

// advance sends the next page.
func (f *allFeed) advance(end uint64) error {
	p := pageLike(f.sent)
	var failed error
	err := f.log.scan(f.seen+1, end, true, func(position uint64, r record) bool {
		p.scanned++
		f.seen = position
		if f.wanted(r) {
			p.add(r)
		}
		if f.counted++; f.interval > 0 && f.counted >= f.interval {
			f.told, f.counted = position, 0
			var encoded []byte
			encoded, failed = proto.Marshal(checkpoint(position))
			p.responses = append(p.responses, encoded)
		}
		return failed == nil && !p.full()
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if p.scanned == 0 {
		return fmt.Errorf("%w: the log has a gap after position %d", errCorruptRecord, f.seen)
	}
	f.sent = p.size
	return f.out.sendPage(p)
}

func (s *streamsService) subscribeToStream(stream string, o *streams.ReadReq_Options, out *answers) error {
	h, err := s.log.head(stream)
	if err != nil {
		return err
	}
	if h.tombstoned {
		return errStreamDeleted
	}
	next := int64(0)
	switch at := o.GetStream().GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		next = int64(min(at.Revision, deletedRevision-1)) + 1
	case *streams.ReadReq_Options_StreamOptions_End:
		next = h.last + 1
	}
	ctx, cancel := s.until(out.call.Context())
	defer cancel()
	return (&streamFeed{log: s.log, out: out, stream: stream, next: next}).run(ctx)
}

// streamFeed is one subscription to a stream.
type streamFeed struct {
	log    *eventLog
	out    *answers
	stream string
	next   int64
}

func (f *streamFeed) run(ctx context.Context) error {
	if err := f.out.send(confirmation()); err != nil {
		return err
	}
	for live := false; ; {
		end := f.log.durable.load()
		left, err := f.advance()
		switch {
		case err != nil:
			return err
		case live && left > liveBacklog:
			live = false
			err = f.out.send(fellBehind)
		case !live && left == 0:
			live = true
			err = f.out.send(caughtUp)
		}
		if err == nil && left == 0 {
			err = f.log.durable.wait(ctx, end)
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// advance sends the next page and says how many revisions are left to be read.
func (f *streamFeed) advance() (left int64, err error) {
	h, err := f.log.head(f.stream)
	if err != nil {
		return 0, err
	}
	if h.tombstoned {
		return 0, errStreamDeleted
	}
	rest := f.log.visible(h)
	rest.low = max(rest.low, f.next)
	if h.softDeleted() || rest.low > rest.high {
		return 0, nil
	}
	p, more, err := f.log.streamPage(h, &rest, true, math.MaxUint64)
	if err != nil {
		return 0, err
	}
	f.next = rest.low
	if more {
		left = rest.high - rest.low + 1
	}
	return left, f.out.sendPage(p)
}
