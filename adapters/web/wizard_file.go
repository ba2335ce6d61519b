package web

import (
	"errors"
	"slices"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// fileForm is how the file is read, with what one sees then.
type fileForm struct {
	Preview    aggregate.Preview
	Reading    commands.Reading
	Separators []choice
	Encodings  []choice
	Events     bool
}

// choice is an option of a list.
type choice struct{ Value, Label string }

var (
	separators = []choice{{",", "Comma ,"}, {";", "Semicolon ;"}}
	encodings  = []choice{{"utf-8", "UTF-8"}, {"windows-1252", "Windows-1252 (Western European)"}, {"utf-16le", "UTF-16, little endian"}, {"utf-16be", "UTF-16, big endian"}}
)

func (v *visit) filePage() error {
	return wizard((*visit).preparing, "file", (*visit).showFile, (*visit).takeFile)(v)
}

func (v *visit) showFile(p preparing, status int, wrong *fault) error {
	form := fileForm{Separators: separators, Encodings: encodings, Events: p.Started.ImportMode == events.ContactsEvents}
	var err error
	form.Preview, err = p.way.preview(v, p)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && commands.IsFileRule(refusal.Code) {
		wrong = unreadable(refusal)
		form.Preview.File = p.Started.File
		form.Reading = p.draft.Reading
	} else if err != nil {
		return err
	} else {
		form.Reading = commands.Reading{Separator: form.Preview.File.Separator, Encoding: form.Preview.File.Encoding}
	}
	return v.wizardPage(status, p, "file", form.Preview.File, wrong, form)
}

// unreadable says that the file cannot be read in the way that was chosen.
func unreadable(r *commands.Refusal) *fault {
	f := refused(r)
	f.Title = "Read like this, the file breaks a rule"
	return f
}

// takeFile keeps only what differs from what was found, so that what was found stays
// a finding.
func (v *visit) takeFile(p *preparing) (*fault, error) {
	form, found := v.r.PostForm, p.Started.File
	p.draft.Reading = commands.Reading{}
	if s := form.Get("separator"); s != found.Separator && has(separators, s) {
		p.draft.Reading.Separator = s
	}
	if e := form.Get("encoding"); e != found.Encoding && has(encodings, e) {
		p.draft.Reading.Encoding = e
	}
	_, err := p.way.preview(v, *p)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && commands.IsFileRule(refusal.Code) {
		return unreadable(refusal), nil
	}
	return nil, err
}

func has(choices []choice, value string) bool {
	return slices.ContainsFunc(choices, func(c choice) bool { return c.Value == value })
}
