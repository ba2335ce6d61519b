package node

import (
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
)

// NewFloor returns a server that answers every read with the same n events of that size, from memory: as fast as the
// client and gRPC can be, and so the floor that benchmarks compare with.
func NewFloor(n int, data []byte) *grpc.Server {
	var e encoder
	r := e.encode(&proposed{eventType: "RowAccepted", json: true, data: data}, place{stream: "import-1", position: 1})
	server := grpc.NewServer(serverOptions()...)
	streams.RegisterStreamsServer(server, &floor{n: n, response: encoded(r.response())})
	serverfeatures.RegisterServerFeaturesServer(server, featuresService{})
	return server
}

type floor struct {
	streams.UnimplementedStreamsServer
	n        int
	response encoded
}

func (f *floor) Read(_ *streams.ReadReq, call streams.Streams_ReadServer) error {
	for range f.n {
		if err := call.SendMsg(f.response); err != nil {
			return err
		}
	}
	return nil
}
