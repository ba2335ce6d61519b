// Package ingest brings files in: it receives them, asks the aggregate to start,
// map and cancel imports, shows what a mapping would do, and works imports off row
// by row.
//
// It knows the rules only through package aggregate, and storage, files and locks
// only through the small interfaces of Deps.
package ingest
