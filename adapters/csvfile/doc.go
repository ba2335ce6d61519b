// Package csvfile reads and writes CSV files. Preview, review, import, command
// line and connectors all read through it, so that they never disagree about
// what a file is, how many rows it has and which of them cannot be read.
//
// Inspect checks a file as a whole in one streaming pass, Reader hands out its
// rows, Writer writes files that Reader reads back unchanged. What the cells
// mean (mapping, attributes, row rules) belongs to package aggregate.
//
// # What a row is
//
// Fields are split by one separator, records by LF, CRLF or CR, in any mixture.
// A field is quoted when its first byte is a quote; inside, a quote is written
// twice and line breaks are kept as they are. An empty line (no characters at
// all) is not a row; a line of nothing but spaces, or of "", is one.
//
// A record that breaks the quoting rules (a quote inside an unquoted field, text
// after a closing quote, a quote that is never closed) or is longer than
// Limits.MaxRecord is one rejected row, and reading goes on at the line after its
// first line: wherever a wrong quote would have led, no other row goes with it.
// A record that is sound but has a field longer than Limits.MaxField is rejected
// as the one record that it is.
//
// # Encodings
//
// A byte order mark decides. Without one a file is UTF-8 when all of it is valid
// UTF-8, and is assumed to be Windows-1252 otherwise. Separators, quotes and line
// breaks are the same bytes in both, so rows do not depend on that decision.
// Inspect sees the whole file before it answers; whoever reads the file later
// gives Reader the separator and encoding that Inspect found.
package csvfile
