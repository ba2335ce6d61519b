package node

import (
	"errors"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// Read answers reads and subscriptions, which the protocol makes one call.
func (s *streamsService) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	o := req.GetOptions()
	out := &answers{call: call, uuidAsString: o.GetUuidOption().GetString_() != nil}
	_, subscribe := o.GetCountOption().(*streams.ReadReq_Options_Subscription)
	all := o.GetAll() != nil
	stream := string(o.GetStream().GetStreamIdentifier().GetStreamName())
	var err error
	switch {
	case all && subscribe:
		err = s.subscribeToAll(o, out)
	case all:
		err = s.readAll(o, out)
	case stream == "":
		err = invalid("a read names a stream or $all")
	case subscribe:
		err = s.subscribeToStream(stream, o, out)
	default:
		err = s.readStream(stream, o, out)
	}
	if err != nil {
		return withTrailers(call, statusOf(err, stream))
	}
	return nil
}

// answers sends what a read finds.
type answers struct {
	call         grpc.ServerStream
	uuidAsString bool
}

func (a *answers) sendPage(p *page) error {
	for _, response := range p.responses {
		var message any = encoded(response)
		if a.uuidAsString {
			rewritten, err := withStringID(response)
			if err != nil {
				return err
			}
			message = rewritten
		}
		if err := a.call.SendMsg(message); err != nil {
			return err
		}
	}
	return nil
}

func (a *answers) send(resp *streams.ReadResp) error { return a.call.SendMsg(resp) }

// withStringID serves clients that want their UUIDs as text. Records hold them as numbers.
func withStringID(response []byte) (*streams.ReadResp, error) {
	var resp streams.ReadResp
	if err := proto.Unmarshal(response, &resp); err != nil {
		return nil, errors.Join(errCorruptRecord, err)
	}
	if event := resp.GetEvent().GetEvent(); event != nil {
		id := event.GetId().GetStructured()
		text := uuidOf(id.GetMostSignificantBits(), id.GetLeastSignificantBits()).String()
		event.Id = &shared.UUID{Value: &shared.UUID_String_{String_: text}}
	}
	return &resp, nil
}

func (s *streamsService) readAll(o *streams.ReadReq_Options, out *answers) error {
	wanted := filter(everything)
	if f := o.GetFilter(); f != nil {
		var err error
		if wanted, err = parseFilter(f); err != nil {
			return err
		}
	}
	forwards := o.GetReadDirection() == streams.ReadReq_Options_Forwards
	end := s.log.durable.load()
	from, err := positionIn(o.GetAll(), end+1)
	if err != nil {
		return err
	}
	if !forwards { // backwards, a position stands after the events that are read
		if from <= 1 {
			return nil
		}
		from = min(from-1, end)
	}
	for left := o.GetCount(); left > 0; {
		p, next := &page{}, uint64(0) // no next one as long as none was seen
		err := s.log.scan(max(from, 1), end, forwards, func(position uint64, r record) bool {
			p.scanned++
			if wanted(r) {
				p.add(r)
			}
			next = position + 1
			if !forwards {
				next = position - 1
			}
			return p.events < left && !p.full()
		})
		if err != nil {
			return err
		}
		if err := out.sendPage(p); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		from, left = next, left-p.events
	}
	return nil
}

// positionIn returns the position that a reader of $all names; end if it names the end.
func positionIn(o *streams.ReadReq_Options_AllOptions, end uint64) (uint64, error) {
	switch at := o.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Start:
		return 0, nil
	case *streams.ReadReq_Options_AllOptions_End:
		return end, nil
	case *streams.ReadReq_Options_AllOptions_Position:
		if at.Position.GetCommitPosition() > math.MaxInt64 { // how clients write the end
			return end, nil
		}
		return at.Position.GetCommitPosition(), nil
	}
	return 0, invalid("the position to read from is missing")
}

func (s *streamsService) readStream(stream string, o *streams.ReadReq_Options, out *answers) error {
	h, err := s.log.head(stream)
	if err != nil {
		return err
	}
	if h.tombstoned {
		return errStreamDeleted
	}
	if h.last < 0 || h.softDeleted() {
		return out.send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
			StreamNotFound: &streams.ReadResp_StreamNotFound{StreamIdentifier: o.GetStream().GetStreamIdentifier()},
		}})
	}
	forwards := o.GetReadDirection() == streams.ReadReq_Options_Forwards
	visible := s.log.visible(h)
	from, err := revisionIn(o.GetStream(), visible.high, forwards)
	if err != nil {
		return err
	}
	if forwards {
		visible.low = max(visible.low, from)
	} else {
		visible.high = min(visible.high, from)
	}
	if err := s.sendSpan(h, visible, forwards, o.GetCount(), out); err != nil {
		return err
	}
	if o.GetControlOption().GetCompatibility() == 0 {
		return nil
	}
	return out.send(&streams.ReadResp{Content: &streams.ReadResp_LastStreamPosition{LastStreamPosition: uint64(h.last)}})
}

// sendSpan sends up to count events of a stretch of a stream.
func (s *streamsService) sendSpan(h *head, rest span, forwards bool, count uint64, out *answers) error {
	for more := true; more && count > 0 && rest.low <= rest.high; {
		var p *page
		var err error
		if p, more, err = s.log.streamPage(h, &rest, forwards, count); err != nil {
			return err
		}
		if err := out.sendPage(p); err != nil {
			return err
		}
		count -= p.events
	}
	return nil
}

// streamPage reads the next events of a stretch, count at most, and takes them off it. More means that the page was
// full before the stretch came to its end.
func (l *eventLog) streamPage(h *head, rest *span, forwards bool, count uint64) (p *page, more bool, err error) {
	p = &page{}
	oldest := h.oldest(l.clock())
	var failed error
	err = l.scanStream(*rest, forwards, func(revision int64, r record) bool {
		p.scanned++
		var young bool
		if young, failed = isYoung(r, oldest); young {
			p.add(r)
		}
		if forwards {
			rest.low = revision + 1
		} else {
			rest.high = revision - 1
		}
		return failed == nil && p.events < count && !p.full()
	})
	return p, p.full(), errors.Join(err, failed)
}

func isYoung(r record, oldest int64) (bool, error) {
	if oldest == math.MinInt64 { // any age will do, and most streams never ask
		return true, nil
	}
	event, err := r.decode()
	if err != nil {
		return false, err
	}
	created, err := createdAt(event)
	return err == nil && created >= oldest, err
}

// revisionIn returns the revision that a reader of a stream names.
func revisionIn(o *streams.ReadReq_Options_StreamOptions, last int64, forwards bool) (int64, error) {
	switch at := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Start:
		return 0, nil
	case *streams.ReadReq_Options_StreamOptions_End:
		if forwards {
			return last + 1, nil
		}
		return last, nil
	case *streams.ReadReq_Options_StreamOptions_Revision:
		return int64(min(at.Revision, math.MaxInt64-1)), nil
	}
	return 0, invalid("the revision to read from is missing")
}
