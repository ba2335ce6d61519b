package aggregate

import (
	"slices"
	"strings"
	"unicode/utf8"

	"importledger/events"
)

// Suggestion is what a column of a file probably is, and why.
type Suggestion struct {
	Header    string
	Skip      bool
	Attribute string
	Create    events.AttributeType // type of the attribute where it is new, else empty
	Property  string               // mode events: the event's property that the column becomes
	Type      events.AttributeType // of the property; empty: what all its cells agree on
	Timestamp bool                 // mode events: the column is the event's time
	Reason    string               // last-used, exact, similar, synonym, content, new; read-only, unfit or error-column where skipped
}

// The reasons of suggestions, the best first.
const (
	reasonLastUsed = "last-used"    // the last file with these columns was mapped so
	reasonExact    = "exact"        // the header is the attribute's name
	reasonSimilar  = "similar"      // but for case, spaces, _ and -
	reasonSynonym  = "synonym"      // the header is another word for the attribute
	reasonContent  = "content"      // the sample values are such
	reasonNew      = "new"          // there is no such attribute yet, or it is a property
	reasonReadOnly = "read-only"    // the ledger keeps this attribute itself
	reasonUnfit    = "unfit"        // the header cannot be the name of one more attribute or property
	reasonErrors   = "error-column" // it says what was wrong with the row, in the import that this file corrects
)

const (
	maxAttributeName = 100 // characters
	maxPropertyName  = 255
)

// Suggest proposes what the columns of a file should become; samples has some
// values of each column. An attribute is suggested once at most, to the column with
// the best reason; among equals the first column and the first attribute win. What
// remains becomes a new attribute under its own header, in mode events a property.
func Suggest(header []string, samples [][]string, attributes []events.Attribute, keyIdentifier string, mode events.Mode) []Suggestion {
	s := suggester{keyIdentifier: keyIdentifier, taken: map[string]bool{}}
	for _, a := range attributes {
		s.attributes = append(s.attributes, target{a, foldName(a.Name)})
	}
	for i, h := range header {
		c := candidate{header: strings.TrimSpace(h), suggestion: Suggestion{Header: h}}
		c.folded = foldName(c.header)
		if i < len(samples) {
			c.samples = slices.DeleteFunc(slices.Clone(samples[i]), isBlank)
		}
		s.columns = append(s.columns, c)
	}
	s.match(reasonExact, func(c *candidate, t target) bool { return c.header == t.Name })
	s.match(reasonSimilar, func(c *candidate, t target) bool { return c.folded == t.folded })
	s.match(reasonSynonym, func(c *candidate, t target) bool { return areSynonyms(c.folded, t.folded) })
	s.match(reasonContent, s.looksLike)
	if mode == events.ContactsEvents {
		s.suggestTime()
	}

	all := make([]Suggestion, len(s.columns))
	for i := range s.columns {
		s.suggestNew(&s.columns[i], mode)
		all[i] = s.columns[i].suggestion
	}
	return all
}

type suggester struct {
	columns       []candidate
	attributes    []target
	keyIdentifier string
	taken         map[string]bool // attributes that have their column
}

type target struct {
	events.Attribute
	folded string
}

// candidate is a column on its way to a suggestion: it has one when there is a
// reason.
type candidate struct {
	header     string // trimmed
	folded     string
	samples    []string // not blank
	suggestion Suggestion
}

func (c *candidate) decided() bool { return c.suggestion.Reason != "" }

func (s *suggester) match(reason string, fits func(*candidate, target) bool) {
	for i := range s.columns {
		c := &s.columns[i]
		if c.decided() {
			continue
		}
		free := func(t target) bool { return !s.taken[t.Name] && fits(c, t) }
		n := slices.IndexFunc(s.attributes, free)
		if n < 0 {
			continue
		}
		if t := s.attributes[n]; t.ReadOnly {
			c.suggestion.Skip, c.suggestion.Reason = true, reasonReadOnly
		} else {
			c.suggestion.Attribute, c.suggestion.Reason = t.Name, reason
			s.taken[t.Name] = true
		}
	}
}

// looksLike tells whether a column's values say by themselves what it is: addresses
// do, and numbers with a plus. Digits alone may be anything, so that they are taken
// for phone numbers only where the file has to have some.
func (s *suggester) looksLike(c *candidate, t target) bool {
	if len(c.samples) == 0 {
		return false
	}
	is := func(string) bool { return false }
	switch t.Name {
	case events.Email:
		is = func(v string) bool { _, ok := normalEmail(v); return ok }
	case events.Phone:
		is = func(v string) bool {
			_, ok := phones{}.normal(v)
			return ok && (s.keyIdentifier == events.Phone || strings.HasPrefix(strings.TrimSpace(v), "+"))
		}
	}
	return c.mostly(9, is)
}

// mostly tells whether so many in ten of the samples are such: people's files have
// typing errors.
func (c *candidate) mostly(inTen int, is func(string) bool) bool {
	n := 0
	for _, v := range c.samples {
		if is(v) {
			n++
		}
	}
	return 10*n >= inTen*len(c.samples)
}

// suggestTime finds the column that says when an event happened: by its name, if
// its values do not speak against it. The very word needs them less than others.
func (s *suggester) suggestTime() {
	best := -1
	for i, c := range s.columns {
		inTen := 9
		if c.folded == "timestamp" {
			inTen = 5
		}
		if c.decided() || !isTimeName(c.folded) || !c.mostly(inTen, func(v string) bool { _, ok := parseTime(v); return ok }) {
			continue
		}
		if best < 0 || c.folded == "timestamp" && s.columns[best].folded != "timestamp" {
			best = i
		}
	}
	if best < 0 {
		return
	}
	c := &s.columns[best]
	c.suggestion.Timestamp = true
	switch {
	case c.header == "timestamp":
		c.suggestion.Reason = reasonExact
	case c.folded == "timestamp":
		c.suggestion.Reason = reasonSimilar
	default:
		c.suggestion.Reason = reasonSynonym
	}
}

func (s *suggester) suggestNew(c *candidate, mode events.Mode) {
	length, limit := utf8.RuneCountInString(c.header), maxAttributeName
	if mode == events.ContactsEvents {
		limit = maxPropertyName
	}
	switch {
	case c.decided():
		return
	case length == 0 || length > limit || s.taken[c.header]:
		c.suggestion.Skip, c.suggestion.Reason = true, reasonUnfit
		return
	case mode == events.ContactsEvents:
		c.suggestion.Property = c.header
	default:
		c.suggestion.Attribute, c.suggestion.Create = c.header, inferType(c.samples)
	}
	c.suggestion.Reason = reasonNew
	s.taken[c.header] = true
}

// inferType gives the type that keeps all samples exactly as they are: a string,
// unless each is a plain number or each a spelled-out truth value. A column without
// values is a string: it can take whatever comes.
func inferType(samples []string) events.AttributeType {
	all := func(is func(string) bool) bool {
		return len(samples) > 0 && !slices.ContainsFunc(samples, func(v string) bool { return !is(v) })
	}
	switch {
	case all(isPlainNumber):
		return events.Number
	case all(func(v string) bool { _, ok := parseBoolean(v); return ok && len(v) > 1 }):
		return events.Boolean
	}
	return events.String
}

// isPlainNumber is narrower than what a number attribute takes: zeros in front,
// exponents, signs of plus and more digits than a float64 holds mark identifiers.
func isPlainNumber(v string) bool {
	const exactDigits = 15
	digits, negative := strings.CutPrefix(v, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	switch {
	case !isDigits(whole), point && !isDigits(fraction), len(whole)+len(fraction) > exactDigits:
		return false
	case len(whole) > 1 && whole[0] == '0', negative && strings.Trim(digits, "0.") == "":
		return false
	}
	return true
}
