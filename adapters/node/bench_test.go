package node_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"importledger/adapters/node"
)

const benchEvents = 20_000

// A row of a real import comes to about 300 bytes.
func benchmarkEvents(n int) []esdb.EventData {
	events := make([]esdb.EventData, n)
	for i := range events {
		events[i] = esdb.EventData{
			EventID:     uuid.New(),
			EventType:   "RowAccepted",
			ContentType: esdb.ContentTypeJson,
			Data: fmt.Appendf(nil, `{"row":%d,"contact":{"email":"person%d@example.com","firstName":"Ada %d","lastName":"Lovelace",`+
				`"city":"London","birthday":"1815-12-10","score":%d,"phone":"+4420%07d","plan":"premium"}}`, i, i, i, i%100, i),
			Metadata: []byte(`{"v":1,"actor":"u-7","correlation":"01J9ZQ4Y8E7V6T5R4W3Q2P1N0M"}`),
		}
	}
	return events
}

func appendChunks(b *testing.B, c *esdb.Client, stream string, events []esdb.EventData, chunk int) {
	b.Helper()
	var expected esdb.ExpectedRevision = esdb.NoStream{}
	for len(events) > 0 {
		now := events[:min(chunk, len(events))]
		events = events[len(now):]
		result, err := c.AppendToStream(b.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, now...)
		if err != nil {
			b.Fatal(err)
		}
		expected = esdb.Revision(result.NextExpectedVersion)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, chunk := range []int{500, 2000} {
		b.Run(fmt.Sprintf("chunk=%d", chunk), func(b *testing.B) {
			c := connect(b, start(b, node.Config{}).ConnectionString())
			events := benchmarkEvents(benchEvents)
			for i := 0; b.Loop(); i++ {
				appendChunks(b, c, fmt.Sprintf("import-%d", i), events, chunk)
			}
			b.ReportMetric(float64(b.N)*benchEvents/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkReadAll(b *testing.B) {
	client := connect(b, start(b, node.Config{}).ConnectionString())
	appendChunks(b, client, "import-1", benchmarkEvents(benchEvents), 2000)
	readAll(b, client)
}

// BenchmarkReadAllFloor is what the client can do with a server that reads nothing.
func BenchmarkReadAllFloor(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	one := benchmarkEvents(1)[0]
	server := node.NewFloor(benchEvents, append(one.Data, one.Metadata...))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	readAll(b, connect(b, fmt.Sprintf("esdb://%s?tls=false", listener.Addr())))
}

func readAll(b *testing.B, client *esdb.Client) {
	b.Helper()
	for b.Loop() {
		stream, err := client.ReadAll(b.Context(), esdb.ReadAllOptions{From: esdb.Start{}}, benchEvents)
		if err != nil {
			b.Fatal(err)
		}
		got := 0
		for ; ; got++ {
			if _, err := stream.Recv(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		stream.Close()
		if got != benchEvents {
			b.Fatalf("read %d events", got)
		}
	}
	b.ReportMetric(float64(b.N)*benchEvents/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkSubscribeFiltered(b *testing.B) {
	c := connect(b, start(b, node.Config{}).ConnectionString())
	appendChunks(b, c, "import-1", benchmarkEvents(benchEvents), 2000)
	for b.Loop() {
		sub, err := c.SubscribeToAll(b.Context(), esdb.SubscribeToAllOptions{
			From: esdb.Start{}, CheckpointInterval: 1000,
			Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"import-"}},
		})
		if err != nil {
			b.Fatal(err)
		}
		got := 0
		for caughtUp := false; !caughtUp; {
			e := sub.Recv()
			switch {
			case e.EventAppeared != nil:
				got++
			case e.CaughtUp != nil:
				caughtUp = true
			case e.SubscriptionDropped != nil:
				b.Fatal(e.SubscriptionDropped.Error)
			}
		}
		if err := sub.Close(); err != nil {
			b.Fatal(err)
		}
		if got != benchEvents {
			b.Fatalf("got %d events", got)
		}
	}
	b.ReportMetric(float64(b.N)*benchEvents/b.Elapsed().Seconds(), "events/s")
}
