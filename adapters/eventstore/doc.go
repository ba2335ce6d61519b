// Package eventstore is the way to the event log, by EventStoreDB's gRPC
// protocol: Log appends, reads and catches up; Publisher, Subscriber and
// BatchSubscriber carry events over Watermill.
//
// What lives here is connections, retries, batching and the translation between
// the log's words and ours. What an event means does not: data and metadata pass
// through as bytes, and neither they nor credentials get into errors or log lines.
package eventstore
