package node

import (
	"context"
	"errors"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

const allStream = "$all"

// streamsService answers the protocol's Streams service. BatchAppend stays unimplemented, and is not announced.
type streamsService struct {
	streams.UnimplementedStreamsServer
	log     *eventLog
	closing context.Context // ends when the node closes
}

func (s *streamsService) Append(call streams.Streams_AppendServer) error {
	a, err := receiveAppend(call)
	if err != nil {
		return withTrailers(call, err)
	}
	result, err := s.log.append(a.stream, a.expected, a.events)
	if wrong, ok := errors.AsType[*wrongRevision](err); ok {
		return call.SendAndClose(&streams.AppendResp{Result: wrongVersionAnswer(a.expected, wrong.current)})
	}
	if err != nil {
		return withTrailers(call, statusOf(err, a.stream))
	}
	success := &streams.AppendResp_Success{
		PositionOption: &streams.AppendResp_Success_Position{
			Position: &streams.AppendResp_Position{CommitPosition: result.position, PreparePosition: result.position},
		},
		CurrentRevisionOption: &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}},
	}
	if result.revision >= 0 {
		success.CurrentRevisionOption = &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(result.revision)}
	}
	return call.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: success}})
}

func (s *streamsService) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	position, err := end(ctx, "Delete", s.log.delete, req.GetOptions())
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

func (s *streamsService) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	position, err := end(ctx, "Tombstone", s.log.tombstone, req.GetOptions())
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

func end(ctx context.Context, operation string, act func(string, expectation) (written, error), options options) (uint64, error) {
	stream, expected, err := target(options)
	if err != nil {
		return 0, err
	}
	result, err := act(stream, expected)
	if wrong, ok := errors.AsType[*wrongRevision](err); ok {
		err = wrongExpectedVersion(operation, stream, expected, wrong.current)
	}
	if err == nil {
		return result.position, nil
	}
	err = statusOf(err, stream)
	if refused, ok := errors.AsType[*exception](err); ok {
		err = errors.Join(err, grpc.SetTrailer(ctx, refused.trailers))
	}
	return 0, err
}

// options is what the options of an append, a delete and a tombstone have in common.
type options interface {
	proto.Message
	GetStreamIdentifier() *shared.StreamIdentifier
	GetAny() *shared.Empty
	GetNoStream() *shared.Empty
	GetStreamExists() *shared.Empty
	GetRevision() uint64
}

// target returns the stream that a write is for, and the revision that it expects.
func target(o options) (stream string, expected expectation, err error) {
	stream = string(o.GetStreamIdentifier().GetStreamName())
	if stream == "" || stream == metadataPrefix || stream == allStream {
		return "", 0, invalid("'%s' is not the name of a stream that can be written", stream)
	}
	message := o.ProtoReflect()
	switch {
	case o.GetAny() != nil:
		expected = expectAny
	case o.GetNoStream() != nil:
		expected = expectNoStream
	case o.GetStreamExists() != nil:
		expected = expectStreamExists
	case message.WhichOneof(message.Descriptor().Oneofs().ByName("expected_stream_revision")) == nil:
		return "", 0, invalid("the expected revision is missing")
	case o.GetRevision() >= deletedRevision:
		return "", 0, invalid("%d is not a revision", o.GetRevision())
	default:
		expected = expectation(o.GetRevision())
	}
	return stream, expected, nil
}

// wrongVersionAnswer says it twice, as real servers do: once for clients from before 20.6.1.
func wrongVersionAnswer(expected expectation, current int64) *streams.AppendResp_WrongExpectedVersion_ {
	answer := &streams.AppendResp_WrongExpectedVersion{
		CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}},
		CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: &shared.Empty{}},
		ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(expected)},
		ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: uint64(expected)},
	}
	if current >= 0 {
		answer.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(current)}
		answer.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: uint64(current)}
	}
	switch expected {
	case expectAny:
		answer.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
		answer.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: &shared.Empty{}}
	case expectStreamExists:
		answer.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
		answer.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: &shared.Empty{}}
	case expectNoStream:
		answer.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	}
	return &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: answer}
}

func withTrailers(call grpc.ServerStream, err error) error {
	if e, ok := errors.AsType[*exception](err); ok {
		call.SetTrailer(e.trailers)
	}
	return err
}
