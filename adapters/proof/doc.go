// Package proof writes an import as one file that proves itself, and checks such a
// file with nothing else at hand: no server, no database, no data directory. Here live
// the file's form, the keys that sign it, and the words for what was proved and what
// was not. What an import may do is decided elsewhere, on purpose without this package.
//
// # The file
//
// A proof is UTF-8 text of lines that end in LF. Each is a JSON object without spaces,
// with exactly the members below in this order (so that there is one spelling of a file):
//
//	{"format":"importledger audit export","version":1,"instance":ID,"import":ID,
//	 "file":{"name":NAME,"size":BYTES,"sha256":HEX},"exportedAt":MS,"program":VERSION}
//	{"revision":0,"type":"ImportStarted","id":UUID,"data":BASE64,"metadata":BASE64}
//	{"revision":1, …                                          one line for each event
//	{"events":N,"state":STATE,"rows":N,"accepted":N,"rejected":N,"chain":CHAIN}
//	{"sha256":HEX,"key":KEY,"signature":BASE64}
//
// The first line (here on two) says what the file is about; file is null where nothing
// of the uploaded file was kept. Then come all events of the import's stream,
// import-ID, in order: data and metadata are the bytes as the log has them, in base64.
// The line behind them counts, and repeats the chain of the last event, which begins
// its metadata; see events.Chain for what it is computed over.
//
// The last line signs: sha256 is that of all bytes above it, and the signature is
// Ed25519 (RFC 8032) over the text "importledger audit export 1 " + sha256 + LF, by the
// instance's key, whose 32 public bytes are key, in base64url without padding.
package proof
