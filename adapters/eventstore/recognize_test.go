package eventstore

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"importledger/events"
)

func TestALogIsKnownAgainByAnEvent(t *testing.T) {
	t.Parallel()
	log := startServer(t).open(Config{})
	stream := newStream()
	mustAppend(t, log, stream, 0, proposals(5))
	all := everything(t, log)
	mark := all[3].Mark()
	if err := log.Recognize(t.Context(), mark); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		change func(*events.Mark)
		want   error
	}{
		"beyond the stream": {func(m *events.Mark) { m.Revision = 5 }, ErrLogBehind},
		"no such stream":    {func(m *events.Mark) { m.Stream = newStream() }, ErrLogBehind},
		"another event":     {func(m *events.Mark) { m.ID = uuid.New() }, ErrLogOther},
		"another place":     {func(m *events.Mark) { m.Position.Commit++ }, ErrLogMoved},
	} {
		m := mark
		c.change(&m)
		if err := log.Recognize(t.Context(), m); !errors.Is(err, c.want) || !IsAnotherLog(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server comes back with an older log, which has grown past where a subscription was:
// the subscription ends rather than leave out what came meanwhile.
func TestASubscriptionEndsWhereAnotherLogHasTakenItsPlace(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	log := s.open(quick)
	mustAppend(t, log, newStream(), 0, proposals(10))
	_, messages := subscribeBatches(t, log, BatchConfig{From: from(events.Position{})})
	seen := 0
	for seen < 10 {
		m, b := next(t, messages)
		seen += len(b.Events)
		m.Ack()
	}
	s.cut()
	s.stop()
	s.config.Dir = t.TempDir()
	s.start()
	other := open(t, "esdb://"+s.node.Addr()+"?tls=false", Config{})
	mustAppend(t, other, newStream(), 0, proposals(20))
	for m := range messages {
		b, err := events.UnmarshalBatch(m.Payload)
		if err != nil || len(b.Events) > 0 {
			t.Fatalf("%d events of another log, %v", len(b.Events), err)
		}
		m.Ack()
	}
}
