// Package connectors lets files come in by themselves: who may drop them, the folder
// that each connector sees, and what becomes of a file once its client has closed it.
//
// A connector's folder is a tree of three folders, /, /processed and /failed, that
// exists in Postgres only; bytes are in the blob store, under the id of the import
// that a file becomes. No path ever reaches the operating system. The doors (package
// sftp, package ftps) translate their protocols to a Session, which is one client's
// view of its tree; the Taker turns closed files into imports.
//
// The tables ledger.connectors, connector_files, connector_activity, connector_samples
// and connector_attempts are this package's own: a file's state and the rules about it
// change together. How an import is started does not live here, nor does a protocol.
package connectors
