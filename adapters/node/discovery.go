package node

import (
	"context"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// serverVersion is the EventStoreDB version whose behaviour the node follows.
const serverVersion = "24.10.0"

// featuresService announces what is implemented and nothing else: clients choose their calls by it.
type featuresService struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

func (featuresService) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	service := strings.ToLower(streams.Streams_ServiceDesc.ServiceName)
	method := func(name string, features ...string) *serverfeatures.SupportedMethod {
		return &serverfeatures.SupportedMethod{ServiceName: service, MethodName: name, Features: features}
	}
	return &serverfeatures.SupportedMethods{
		EventStoreServerVersion: serverVersion,
		Methods: []*serverfeatures.SupportedMethod{
			method("read", "position", "events"), method("append"), method("delete"), method("tombstone"),
			{ServiceName: strings.ToLower(gossip.Gossip_ServiceDesc.ServiceName), MethodName: "read"},
		},
	}, nil
}

// gossipService tells clients that look for a cluster of its one member: this node, the leader.
type gossipService struct {
	gossip.UnimplementedGossipServer
	instance uuid.UUID
	host     string
	port     uint32
	clock    func() time.Time
}

func (s *gossipService) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId:   &shared.UUID{Value: &shared.UUID_String_{String_: s.instance.String()}},
		TimeStamp:    ticks(s.clock()),
		State:        gossip.MemberInfo_Leader,
		IsAlive:      true,
		HttpEndPoint: &gossip.EndPoint{Address: s.host, Port: s.port},
	}}}, nil
}
