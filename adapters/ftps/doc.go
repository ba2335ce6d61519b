// Package ftps is the FTPS door: FTP over TLS that the client asks for (explicit TLS,
// RFC 4217), over a folder that somebody else keeps.
//
// It knows FTP and TLS and no files: who may come in, and what a path means, it asks
// the functions and the Folder of its Config. Nothing is said in clear but the request
// for TLS; data channels are encrypted too, and only opened by the client: the server
// never connects to anybody.
package ftps
