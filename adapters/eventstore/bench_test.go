package eventstore

import (
	"fmt"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/adapters/node"
	"importledger/events"
)

// benchLog holds 200,000 events of some 300 bytes.
func benchLog(b *testing.B) *Log {
	b.Helper()
	n, err := node.Open(node.Config{Dir: b.TempDir(), Listen: "127.0.0.1:0", NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	l, err := Open(b.Context(), n.ConnectionString(), Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		l.Close()
		if err := n.Close(); err != nil {
			b.Error(err)
		}
	})
	stream := newStream()
	for i := range uint64(200) {
		batch := proposals(1000)
		for j := range batch {
			batch[j].Data = fmt.Appendf(nil, `{"row":%d,"attributes":"%0270d"}`, j, j)
		}
		if _, err := l.Append(b.Context(), stream, i*1000, batch); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

const benchEvents = 200_000

// BenchmarkClientAlone is the floor: the library's client, doing nothing.
func BenchmarkClientAlone(b *testing.B) {
	l := benchLog(b)
	client, err := esdb.NewClient(l.clients.settings)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := client.Close(); err != nil {
			b.Error(err)
		}
	}()
	for b.Loop() {
		sub, err := all(b.Context(), client, cursor{})
		if err != nil {
			b.Fatal(err)
		}
		for n := 0; n < benchEvents; {
			switch m := sub.Recv(); {
			case m.EventAppeared != nil:
				n++
			case m.SubscriptionDropped != nil:
				b.Fatal(m.SubscriptionDropped.Error)
			}
		}
		if err := sub.Close(); err != nil {
			b.Fatal(err)
		}
	}
	report(b)
}

func BenchmarkBatchSubscriber(b *testing.B) {
	l := benchLog(b)
	for b.Loop() {
		s, err := NewBatchSubscriber(l, BatchConfig{From: from(events.Position{})})
		if err != nil {
			b.Fatal(err)
		}
		messages, err := s.Subscribe(b.Context(), "bench")
		if err != nil {
			b.Fatal(err)
		}
		for n := 0; n < benchEvents; {
			m := <-messages
			batch, err := events.UnmarshalBatch(m.Payload)
			if err != nil {
				b.Fatal(err)
			}
			n += len(batch.Events)
			m.Ack()
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	report(b)
}

func BenchmarkCatchUp(b *testing.B) {
	l := benchLog(b)
	for b.Loop() {
		n := 0
		for batch, err := range l.CatchUp(b.Context(), events.Position{}, 2000) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(batch.Events)
		}
		if n != benchEvents {
			b.Fatalf("%d events", n)
		}
	}
	report(b)
}

func report(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchEvents/b.Elapsed().Seconds(), "events/s")
}
