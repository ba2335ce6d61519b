// Package sftp is the SFTP door: an SSH server that speaks nothing but the SFTP
// subsystem, over a folder that somebody else keeps.
//
// It knows SSH and SFTP and no files: who may come in, and what a path means, it asks
// the functions and the Folder of its Config. There is no shell, no command, no
// forwarding and no environment.
package sftp
