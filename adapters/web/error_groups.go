package web

// errorGroup counts the rows that break one rule in one column.
type errorGroup struct {
	Code    string
	Column  string // empty: the row as a whole
	Count   int
	Message string   // of the first
	Rows    []int    // the first 20
	Values  []string // the cell of each
	Advice  string
	Address string // of rows, but for their number; empty: they have no page
}

// errorExample is a row that breaks a rule, and the cell that does.
type errorExample struct {
	Row   int
	Value string
}

const shownExamples = 5

// Examples are the first rows with their cells, where it is a cell that is wrong.
func (g errorGroup) Examples() []errorExample {
	var all []errorExample
	for i, row := range g.Rows {
		if len(all) == shownExamples || i >= len(g.Values) {
			break
		}
		if g.Values[i] != "" {
			all = append(all, errorExample{row, g.Values[i]})
		}
	}
	return all
}

// advice says how rows that break a rule are mended.
func advice(code string) string {
	if words, ok := advices[code]; ok {
		return words
	}
	return "Mend the cells as the sentence above says, or skip the column when mapping."
}

var advices = map[string]string{
	"identifier-missing":  "Fill the cell in: without it nobody can tell which contact the row is about.",
	"email-invalid":       "Look for spaces, missing @ signs and two addresses in one cell.",
	"phone-invalid":       "Write the number with its country, such as +32 478 11 22 33, or choose the file's country when mapping.",
	"external-id-invalid": "Use 1 to 64 letters, digits, and _ - . / only.",
	"timestamp-invalid":   "Write times as 2026-03-25 14:00, with a zone where it matters, or as seconds since 1970.",
	"boolean-invalid":     "Write yes or no, true or false, 1 or 0.",
	"language-invalid":    "Use the language's two letters, such as fr.",
	"number-invalid":      "Write numbers with a decimal point and without thousands separators: 1234.5.",
	"value-too-long":      "Shorten the text to 1,000 characters.",
	"row-width":           "Look for a separator inside a cell that is not quoted, or for one too few.",
	"row-malformed":       "Look for a quote that is not closed, or one inside a cell that is not doubled.",
	"row-too-long":        "Look for a quote that is not closed: it swallows the rows after it.",
}
