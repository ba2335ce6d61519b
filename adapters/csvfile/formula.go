package csvfile

import (
	"strings"
	"unicode/utf8"
)

// Harmless makes a cell safe to open in a spreadsheet: one that the spreadsheet
// would run as a formula gets an apostrophe before it. So does a cell that
// already is such a formula behind apostrophes, which is why Restore gives back
// every cell exactly.
func Harmless(cell string) string {
	if isFormula(cell) {
		return "'" + cell
	}
	return cell
}

// Restore is the inverse of Harmless.
func Restore(cell string) string {
	if bare, ok := strings.CutPrefix(cell, "'"); ok && isFormula(bare) {
		return bare
	}
	return cell
}

// isFormula tells whether a cell begins with what starts a formula, apostrophes
// before it aside.
func isFormula(cell string) bool {
	bare := strings.TrimLeft(cell, "'")
	first, _ := utf8.DecodeRuneInString(bare)
	return bare != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first)
}
