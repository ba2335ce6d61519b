// Package node is the embedded event store: one EventStoreDB leader in this process, over local files.
//
// It speaks EventStoreDB's gRPC protocol (Streams, ServerFeatures and Gossip, as a 24.10 server answers them), so that
// one machine and every test take the same way to the log as production does: the EventStoreDB client. What lives here
// is the log on disk, the rules of an append, reads, subscriptions and their translation to the protocol. What may not:
// anything that knows of imports, and any second way to the log that goes around the protocol.
//
// The conformance package next door says, in tests, which behaviour we rely on; it runs against this node and against
// real servers.
package node
