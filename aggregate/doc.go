// Package aggregate holds the rules: the state of an import, Evolve (what a fact
// changes), Decide (what a command causes), the rules that turn a row of the file
// into a contact or into problems, the same for segments, attributes and the
// account's key identifier, and the load → decide → append loop over the small
// Streams interface that it declares itself.
//
// Nothing here reads a clock, draws a random number or does I/O of its own: times
// and ids arrive inside commands and metadata.
package aggregate
