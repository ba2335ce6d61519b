package web

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// columnsForm is the mapping: a row for each column of the file.
type columnsForm struct {
	Columns        []columnRow
	Reserved       []events.Attribute // that can be mapped
	Custom         []events.Attribute
	Key            string
	Events         bool
	EventName      string
	BlankCells     events.BlankCells
	DefaultCountry string
	Countries      []choice
	LastUsed       *aggregate.LastUsed
	Segment        *segmentChoice    // where this step asks for it too
	Wrong          []commands.Detail // about the mapping as a whole
}

// columnRow is one column: what it holds, and what it becomes.
type columnRow struct {
	Index    int
	Header   string
	Samples  []string
	Target   string // skip, new, property, timestamp, or a: and an attribute's name
	Name     string // of a new attribute
	Type     string // likewise
	Reason   string // why that is suggested; empty: somebody chose it
	Wrong    string
	Ordinary bool // false: a column that reports errors of another import
}

// The targets of a column that are no attribute of the account.
const (
	targetSkip      = "skip"
	targetNew       = "new"
	targetProperty  = "property"
	targetTimestamp = "timestamp"
	targetAttribute = "a:" // and its name
)

const shownSamples = 3

func (v *visit) columnsPage() error {
	return wizard((*visit).preparing, "columns", (*visit).showColumns, (*visit).takeColumns)(v)
}

func (v *visit) showColumns(p preparing, status int, wrong *fault) error {
	preview, err := p.way.preview(v, p)
	if err != nil {
		return err
	}
	custom, err := v.customAttributes()
	if err != nil {
		return err
	}
	form := columnsForm{Custom: custom, Key: preview.KeyIdentifier, Events: p.Started.ImportMode == events.ContactsEvents,
		EventName: p.draft.EventName, BlankCells: p.draft.BlankCells, DefaultCountry: p.draft.DefaultCountry, Countries: countries(), LastUsed: preview.LastUsed}
	form.adopt(preview, p)
	for _, a := range events.Reserved {
		if !a.ReadOnly {
			form.Reserved = append(form.Reserved, a)
		}
	}
	suggestions := preview.ByFile
	if v.r.URL.Query().Get("suggest") != "file" || suggestions == nil {
		suggestions = nil
		for _, c := range preview.Columns {
			suggestions = append(suggestions, c.Suggestion)
		}
	} else {
		p.draft.Mapping, form.LastUsed = nil, nil
	}
	form.rows(preview.Columns, suggestions, p.draft.Mapping)
	if form.Segment, err = v.segmentBeside(p, wrong); err != nil {
		return err
	}
	if wrong == nil {
		wrong = v.checkColumns(p, preview.File, form.mapping(), custom)
	}
	form.mark(wrong)
	return v.wizardPage(status, p, "columns", preview.File, nil, form)
}

// adopt takes what the draft leaves open from the preview.
func (f *columnsForm) adopt(preview aggregate.Preview, p preparing) {
	if f.BlankCells == "" {
		f.BlankCells = preview.BlankCells
	}
	if f.DefaultCountry == "" {
		f.DefaultCountry = preview.DefaultCountry
	}
	if f.EventName == "" && p.draft.Mapping == nil {
		f.EventName = preview.EventName
		if f.EventName == "" && preview.LastUsed != nil {
			f.EventName = preview.LastUsed.EventName
		}
	}
}

// rows puts what was chosen before what is suggested.
func (f *columnsForm) rows(glimpses []aggregate.ColumnGlimpse, suggestions []aggregate.Suggestion, chosen []commands.Column) {
	for i, g := range glimpses {
		suggestion := suggestions[i]
		row := columnRow{Index: i, Header: g.Header, Samples: g.Samples[:min(shownSamples, len(g.Samples))], Reason: reasons[suggestion.Reason],
			Name: g.Header, Type: string(events.String), Ordinary: suggestion.Reason != "error-column"}
		if suggestion.Create != "" {
			row.Type = string(suggestion.Create)
		}
		suggested := suggestedColumn(suggestion)
		row.show(suggested)
		if at := slices.IndexFunc(chosen, func(c commands.Column) bool { return c.Header == g.Header }); at >= 0 {
			if !sameColumn(chosen[at], suggested) {
				row.Reason = ""
			}
			row.show(chosen[at])
		}
		f.Columns = append(f.Columns, row)
	}
}

func suggestedColumn(s aggregate.Suggestion) commands.Column {
	c := commands.Column{Header: s.Header, Skip: s.Skip, Attribute: s.Attribute, Timestamp: s.Timestamp}
	if s.Create != "" {
		c.Create = &commands.NewAttribute{Type: s.Create}
	}
	if s.Property != "" {
		c.Property = s.Header
	}
	return c
}

func sameColumn(a, b commands.Column) bool {
	return a.Skip == b.Skip && a.Attribute == b.Attribute && (a.Create == nil) == (b.Create == nil) &&
		(a.Create == nil || a.Create.Type == b.Create.Type) && a.Property == b.Property && a.Timestamp == b.Timestamp
}

// show puts a column's meaning into its controls.
func (r *columnRow) show(c commands.Column) {
	switch {
	case c.Create != nil:
		r.Target, r.Name, r.Type = targetNew, c.Attribute, string(c.Create.Type)
	case c.Attribute != "":
		r.Target = targetAttribute + c.Attribute
	case c.Timestamp:
		r.Target = targetTimestamp
	case c.Property != "":
		r.Target = targetProperty
	default:
		r.Target = targetSkip
	}
}

// column reads a row's controls.
func (r columnRow) column() commands.Column {
	c := commands.Column{Header: r.Header}
	attribute, known := strings.CutPrefix(r.Target, targetAttribute)
	switch {
	case known:
		c.Attribute = attribute
	case r.Target == targetNew:
		c.Attribute, c.Create = strings.TrimSpace(r.Name), &commands.NewAttribute{Type: events.AttributeType(r.Type)}
	case r.Target == targetProperty:
		c.Property = r.Header
	case r.Target == targetTimestamp:
		c.Timestamp = true
	default:
		c.Skip = true
	}
	return c
}

func (f columnsForm) mapping() []commands.Column {
	all := make([]commands.Column, len(f.Columns))
	for i, r := range f.Columns {
		all[i] = r.column()
	}
	return all
}

// mark puts what is wrong beside the column that it is about.
func (f *columnsForm) mark(wrong *fault) {
	if wrong == nil || f.Segment != nil && strings.HasPrefix(wrong.Code, "segment-") && len(wrong.Details) == 0 {
		return // nothing, or said beside the segment
	}
	details := wrong.Details
	if len(details) == 0 {
		details = []commands.Detail{{Code: wrong.Code, Message: wrong.Message}}
	}
	for _, d := range details {
		at := slices.IndexFunc(f.Columns, func(r columnRow) bool { return d.Column != "" && r.Header == d.Column })
		if at < 0 {
			f.Wrong = append(f.Wrong, d)
		} else if f.Columns[at].Wrong == "" {
			f.Columns[at].Wrong = d.Message
		}
	}
}

// takeColumns reads the form. The columns come by their place in the file: headers
// can be anything.
func (v *visit) takeColumns(p *preparing) (*fault, error) {
	form := v.r.PostForm
	preview, err := p.way.preview(v, *p)
	if err != nil {
		return nil, err
	}
	p.draft.Mapping = nil
	for i, header := range preview.File.Header {
		n := strconv.Itoa(i)
		row := columnRow{Header: header, Target: form.Get("target." + n), Name: form.Get("name." + n), Type: form.Get("type." + n)}
		p.draft.Mapping = append(p.draft.Mapping, row.column())
	}
	p.draft.EventName = strings.TrimSpace(form.Get("event"))
	p.draft.BlankCells = events.KeepBlank
	if form.Get("blank") == string(events.ClearBlank) {
		p.draft.BlankCells = events.ClearBlank
	}
	if country := form.Get("country"); country == "" || has(countries(), country) {
		p.draft.DefaultCountry = country
	}
	custom, err := v.customAttributes()
	if err != nil {
		return nil, err
	}
	var segment *fault
	if p.way.segments {
		segment = v.takeSegment(&p.draft)
	}
	if wrong := v.checkColumns(*p, preview.File, p.draft.Mapping, custom); wrong != nil {
		return wrong, nil
	}
	return segment, nil
}

// segmentBeside is the choice of a segment on a way that has no step of its own for
// it; nil: it has.
func (v *visit) segmentBeside(p preparing, wrong *fault) (*segmentChoice, error) {
	if !p.way.segments {
		return nil, nil
	}
	form, err := v.segmentChoice(p.draft, wrong)
	return &form, err
}

// checkColumns asks the rules what is wrong with a mapping, nil: nothing.
func (v *visit) checkColumns(p preparing, file events.File, mapping []commands.Column, custom []events.Attribute) *fault {
	m := p.draft.command(file.Header)
	m.Mapping, m.Segment, m.File = mapping, nil, &file
	m.Attributes = slices.Concat(events.Reserved, custom)
	_, err := aggregate.Decide(p.Import, m)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		return refused(refusal)
	}
	return nil
}

// customAttributes are those of the account beside the reserved ones.
func (v *visit) customAttributes() ([]events.Attribute, error) {
	found, err := projections.CustomAttributes(v.ctx(), v.DB)
	all := make([]events.Attribute, len(found))
	for i, a := range found {
		all[i] = events.Attribute{Name: a.Name, Type: a.Type}
	}
	return all, err
}

// reasons say why something is suggested.
var reasons = map[string]string{
	"last-used":    "As in the last file with these columns",
	"exact":        "The same name",
	"similar":      "Nearly the same name",
	"synonym":      "Another word for it",
	"content":      "By its values",
	"new":          "Nothing has this name yet",
	"read-only":    "The ledger keeps this itself",
	"unfit":        "Cannot be a name as it is",
	"error-column": "Says what was wrong with the row",
}
