package node

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// encoded is a message in the form that goes over the wire.
type encoded []byte

// codec is gRPC's protobuf codec, but for messages that are wanted as they are on the wire: those that make up nearly
// all of the traffic, the events of reads and appends.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if b, ok := v.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal copies a message that is wanted encoded, since the data is gone when it returns.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if b, ok := v.(*encoded); ok {
		*b = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}
