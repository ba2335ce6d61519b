package eventstore

import (
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/google/uuid"

	"importledger/events"
)

// underRace is set in builds with the race detector.
var underRace bool

// TestPubSubPassesWatermillsSuite runs what of the suite applies:
//
//   - ConsumerGroups is off: a subscription reads the stream from its beginning
//     and keeps no place on the server; projectors keep theirs beside their rows.
//   - ExactlyOnceDelivery is off: what was not acked comes again.
//   - RestartServiceCommand is not set: TestReconnect reads a slice that another
//     goroutine still writes, so that it fails under the race detector. Our own
//     TestNothingIsLostOrDoubledAcrossRestarts is the stricter one.
//   - ContextPreserved is off: a message's context does not go through a server.
//   - RequireSingleInstance is off: instances share nothing but the server.
func TestPubSubPassesWatermillsSuite(t *testing.T) {
	t.Parallel()
	l := sharedServer(t)
	tests.TestPubSub(t, tests.Features{
		GuaranteedOrder:                  true,
		Persistent:                       true,
		NewSubscriberReceivesOldMessages: true,
		// The long form has fifty subscribers read 5,000 messages each: seconds,
		// but minutes under the race detector.
		ForceShort: underRace,
	}, func(t *testing.T) (message.Publisher, message.Subscriber) {
		s := NewSubscriber(l, SubscriberConfig{NackDelay: time.Millisecond, MaxNackDelay: time.Millisecond})
		t.Cleanup(func() { // TestPublishSubscribeInOrder closes its subscribers before it uses them
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return NewPublisher(l), s
	}, nil)
}

func TestMessageBecomesAnEventAndBack(t *testing.T) {
	t.Parallel()
	sent := message.NewMessage(uuid.NewString(), []byte(`{"row":1}`))
	sent.Metadata.Set(TypeKey, "RowAccepted")
	sent.Metadata.Set("correlation", "c1")
	e, err := proposed(sent)
	if err != nil {
		t.Fatal(err)
	}
	if e.Type != "RowAccepted" || string(e.Metadata) != `{"correlation":"c1"}` || e.ID.String() != sent.UUID {
		t.Fatalf("event %+v", e)
	}
	got := received(events.Recorded{ID: e.ID, Type: e.Type, Data: e.Data, Metadata: e.Metadata})
	if !got.Equals(sent) {
		t.Errorf("came back as %+v", got)
	}
}

func TestForeignMetadataComesAsText(t *testing.T) {
	t.Parallel()
	m := received(events.Recorded{Type: "T", Metadata: []byte(`{"v":2,"by":{"id":7},"s":"x"}`)})
	for key, want := range map[string]string{"v": "2", "by": `{"id":7}`, "s": "x", TypeKey: "T"} {
		if got := m.Metadata.Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if m := received(events.Recorded{Type: "T", Metadata: []byte{0xff}}); len(m.Metadata) != 1 {
		t.Errorf("metadata that is no JSON: %v", m.Metadata)
	}
}

func TestMessageWithoutAUUIDIsRefused(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "7", uuid.Nil.String()} {
		if _, err := proposed(message.NewMessage(id, nil)); err == nil {
			t.Errorf("%q was taken", id)
		}
	}
}

func TestClosedPublisherPublishesNothing(t *testing.T) {
	t.Parallel()
	p := NewPublisher(nil)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Publish("topic", message.NewMessage(uuid.NewString(), nil)); err == nil {
		t.Error("published")
	}
}
