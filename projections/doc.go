// Package projections holds the read models: for each one its tables
// (<name>.sql), its fold (<name>.go) and its queries (<name>_queries.go), and
// the projector that keeps them at the log's end, rebuilds and verifies them.
//
// Whatever is here can be made again from the log alone. No rule is decided
// here, nothing is sent from here, and there is no clock and no randomness: what
// needs the time is given it.
package projections
