// Package blob keeps files as they were received, byte for byte, under keys.
//
// Bytes come in through an Upload, can be read back and checked there, and become
// a blob only with Commit: whole, durable and for good, or not at all. Nothing
// here knows what the bytes mean, and no name that somebody else chose ever
// becomes a path: keys are ids.
//
// Folder keeps blobs in a folder, which several processes may share. Bucket keeps
// them in a store that speaks the S3 protocol; there an upload waits in a folder of
// this machine until Commit, so its size costs disk and not memory. Both are a
// Store, and one suite of tests says what a Store does. An Upload that a killed
// process left behind is swept when its folder is opened again.
package blob
