// Package events holds the facts of the ledger: one struct per event, under a
// name and version that are written out in the registry and stay for ever, the
// codec with its upcasters, and a sentence for each fact.
//
// It is a leaf: nothing here decides anything, reads a clock or does I/O.
package events
