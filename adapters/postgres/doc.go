// Package postgres is the way to Postgres: the connection pool, the migrations
// and queries of the tables that cannot be rebuilt from the log (schema
// ledger), advisory locks, and the private cluster that serves when nobody
// brings a server of their own.
//
// Read models do not live here: each one owns a schema that the projections
// make and rebuild. Nothing here knows an event, a command or another adapter;
// the stores speak in plain types so that others can declare what they need.
package postgres
