package aggregate

import (
	"slices"

	"importledger/events"
)

// Preview is a first look at a file: what was found and what is suggested.
type Preview struct {
	File          events.File
	Columns       []ColumnGlimpse // in the file's order
	First         [][]string      // the first rows as they are, with long cells shortened
	KeyIdentifier string
	LastUsed      *LastUsed // where the suggestions come from; nil: from the file alone
	// ByFile are the suggestions that the file alone leads to, where LastUsed goes
	// before them.
	ByFile         []Suggestion
	EventName      string // mode events
	BlankCells     events.BlankCells
	DefaultCountry string
	Corrects       string // id of an import, or empty
}

// ColumnGlimpse is one column of a preview.
type ColumnGlimpse struct {
	Header     string
	Samples    []string // the first values that are not blank, at most 5
	Suggestion Suggestion
}

// LastUsed is the mapping of the newest import whose file had the same columns.
type LastUsed struct {
	ImportID  string
	Name      string // of the import
	At        int64  // when it was started, Unix epoch, milliseconds
	EventName string // mode events
	Columns   []events.Column
}

// glimpsedValues are the samples of a column that people are shown.
const glimpsedValues = 5

// NewPreview puts together what is known about an import's file. samples has some
// values of each column, as Sample gives them; last may be nil.
func NewPreview(imp Import, file events.File, samples [][]string, attributes []events.Attribute, last *LastUsed) Preview {
	p := Preview{File: file, KeyIdentifier: imp.Started.KeyIdentifier, EventName: imp.EventName(),
		BlankCells: imp.BlankCells(), DefaultCountry: imp.DefaultCountry(), Corrects: imp.Started.Corrects}
	own := file.OwnColumns()
	suggestions := Suggest(own, samples, attributes, p.KeyIdentifier, imp.Started.ImportMode)
	if last != nil {
		if again, ok := last.again(own, attributes, p.KeyIdentifier); ok {
			p.LastUsed, p.ByFile, suggestions = last, suggestions, again
		}
	}
	for _, header := range file.Header[len(own):] {
		skipped := Suggestion{Header: header, Skip: true, Reason: reasonErrors}
		suggestions = append(suggestions, skipped)
		if p.LastUsed != nil {
			p.ByFile = append(p.ByFile, skipped)
		}
	}
	for i, s := range suggestions {
		c := ColumnGlimpse{Header: file.Header[i], Suggestion: s}
		if i < len(samples) {
			c.Samples = samples[i][:min(glimpsedValues, len(samples[i]))]
		}
		p.Columns = append(p.Columns, c)
	}
	return p
}

// Sample is a cell as previews show it; ok is false for one that says nothing.
func Sample(cell string) (sample string, ok bool) {
	return shortened(cell), !isBlank(cell)
}

// again suggests what was mapped before. ok is false where that does not identify
// contacts any more.
func (l *LastUsed) again(header []string, attributes []events.Attribute, keyIdentifier string) (suggestions []Suggestion, ok bool) {
	for _, h := range header {
		s := Suggestion{Header: h, Skip: true, Reason: reasonLastUsed}
		at := slices.IndexFunc(l.Columns, func(c events.Column) bool { return c.Header == h })
		if at >= 0 && !l.Columns[at].Skip {
			c := l.Columns[at]
			s.Skip, s.Attribute, s.Property, s.Timestamp = false, c.Attribute, c.Property, c.Timestamp
			if c.Attribute == "" {
				s.Type = c.Type
			} else if !slices.ContainsFunc(attributes, func(a events.Attribute) bool { return a.Name == c.Attribute }) {
				s.Create = c.Type
			}
			ok = ok || c.Attribute == keyIdentifier
		}
		suggestions = append(suggestions, s)
	}
	return suggestions, ok
}
