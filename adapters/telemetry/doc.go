// Package telemetry is what operators see of the ledger at work: traces over
// OpenTelemetry, from an upload to the read models, and Prometheus metrics of the
// log.
//
// What lives here watches and changes nothing. Nothing that it records is a
// person's: no cell, no file's name, no identifier, no address of a request.
package telemetry
