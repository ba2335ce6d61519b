// Package blob keeps files as they were received, byte for byte, under keys.
//
// Bytes come in through an Upload, can be read back and checked there, and become
// a blob only with Commit: whole, durable and for good, or not at all. Nothing
// here knows what the bytes mean, and no name that somebody else chose ever
// becomes a path: keys are ids.
//
// Folder keeps blobs in a folder of a local disk. A folder belongs to one process
// that commits and removes; an Upload that a killed process left behind is swept
// when the folder is opened again.
package blob
