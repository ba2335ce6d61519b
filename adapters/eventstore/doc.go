// Package eventstore is the way to the event log, by EventStoreDB's gRPC
// protocol: Log appends, reads and catches up; Publisher, Subscriber and
// BatchSubscriber carry events over Watermill.
//
// What lives here is connections, retries, batching and the translation between
// the log's words and ours. What an event means does not: data and metadata pass
// through as bytes. Nothing here writes a stream's name, an event's data or
// credentials to a log line.
package eventstore
