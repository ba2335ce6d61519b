// Package api is the HTTP API: its routes with the scope each one needs, the
// shapes of what goes in and out, and the one place where errors become statuses.
//
// What lives here is translation between HTTP and commands, aggregate and
// projections. Rules do not: what an import may do, the aggregate decides. The
// parts behind it (the service of imports, tokens, operations) are interfaces that
// this package declares and the program's wiring fills.
package api
