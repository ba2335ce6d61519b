package web

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// setting is how a value was set, as the pages show it.
type setting struct {
	aggregate.Setting
	Shown  string // the value
	Same   bool   // as the file says it
	Mapper string // who mapped the column
}

// tracedValue is an attribute with where its value comes from.
type tracedValue struct {
	Attribute string
	Set       setting
	Before    *setting
	All       string // address of all that ever set it
}

// whyView is a contact with where its values come from.
type whyView struct {
	NxID     uuid.UUID
	Name     string
	Values   []tracedValue
	Complete bool
	Behind   bool // the latest rows may be missing
	Imports  []contactImport
	Pages    pages // of the imports
	Total    int   // imports
}

// contactImport is an import with rows about a contact.
type contactImport struct {
	projections.ContactImport
	Import projections.Import
	More   int // rows beyond those that are named
}

// attributeWhyView is all that ever set one attribute of a contact.
type attributeWhyView struct {
	NxID      uuid.UUID
	Name      string
	Attribute string
	Behind    bool // the latest rows may be missing
	Settings  []setting
	Next      string
}

const (
	importsOfContact    = 25
	settingsOfAttribute = 25
)

// tracedContact is a contact, and whether its rows are known as far as its values are.
func (v *visit) tracedContact() (c projections.Contact, current bool, err error) {
	id, err := uuid.Parse(v.r.PathValue("id"))
	if err != nil {
		return c, false, errNoPage
	}
	if c, err = projections.ContactByID(v.ctx(), v.DB, id); err != nil {
		return c, false, err
	}
	all, _, err := v.Standing(v.ctx())
	for _, s := range all {
		if s.Name == projections.ContactState && err == nil {
			current, err = v.hasReached(s.Position, longestWait, projections.ContactRows)
		}
	}
	return c, current, err
}

func (v *visit) whyPage() error {
	c, current, err := v.tracedContact()
	if err != nil {
		return err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(c.Attributes, &values); err != nil {
		return err
	}
	origins, whole, err := v.Imports.Origins(v.ctx(), c.NxID, slices.Collect(maps.Keys(values)))
	if err != nil {
		return err
	}
	page := whyView{NxID: c.NxID, Name: contactRows([]projections.Contact{c})[0].Name, Complete: whole, Behind: !current}
	names := mappers{visit: v}
	for _, o := range origins {
		traced := tracedValue{Attribute: o.Attribute, Set: names.shown(o.Set), All: "/contacts/" + c.NxID.String() + "/why/attribute?" + url.Values{"name": {o.Attribute}}.Encode()}
		if o.Before != nil {
			before := names.shown(*o.Before)
			traced.Before = &before
		}
		page.Values = append(page.Values, traced)
	}
	number := pageNumber(v.r.URL.Query())
	found, total, err := projections.ImportsOfContact(v.ctx(), v.DB, c.NxID, number, importsOfContact)
	if err != nil {
		return err
	}
	page.Total, page.Pages = total, paginate("/contacts/"+c.NxID.String()+"/why", nil, number, importsOfContact, total)
	for _, f := range found {
		i, err := projections.ImportByID(v.ctx(), v.DB, f.ImportID)
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return err
		}
		page.Imports = append(page.Imports, contactImport{ContactImport: f, Import: i, More: f.Rows - len(f.First)})
	}
	if names.err != nil {
		return names.err
	}
	return v.render(http.StatusOK, "why", view{Title: "Where the values come from", Section: "contacts", Body: page})
}

func (v *visit) attributeWhyPage() error {
	c, current, err := v.tracedContact()
	if err != nil {
		return err
	}
	query := v.r.URL.Query()
	attribute := limited(query.Get("name"), 100)
	before, err := strconv.ParseInt(query.Get("before"), 10, 64)
	if err != nil {
		before = 0 // from the latest
	}
	all, next, err := v.Imports.SettingsOf(v.ctx(), c.NxID, attribute, max(before, 0), settingsOfAttribute)
	if err != nil {
		return err
	}
	page := attributeWhyView{NxID: c.NxID, Name: contactRows([]projections.Contact{c})[0].Name, Attribute: attribute, Behind: !current}
	names := mappers{visit: v}
	for _, s := range all {
		page.Settings = append(page.Settings, names.shown(s))
	}
	if next > 0 {
		page.Next = "/contacts/" + c.NxID.String() + "/why/attribute?" + url.Values{"name": {attribute}, "before": {strconv.FormatInt(next, 10)}}.Encode()
	}
	if names.err != nil {
		return names.err
	}
	return v.render(http.StatusOK, "why-attribute", view{Title: "What set an attribute", Section: "contacts", Body: page})
}

// mappers finds the names of who mapped columns, each once.
type mappers struct {
	visit *visit
	known map[string]string
	err   error
}

func (m *mappers) shown(s aggregate.Setting) setting {
	out := setting{Setting: s, Shown: shownValue(s.Value)}
	out.Same = s.Raw != nil && *s.Raw == out.Shown
	by := s.Import.MappedByActor
	name, known := m.known[by]
	if !known && by != "" && m.err == nil {
		if name, m.err = m.visit.nameOf(by); m.known == nil {
			m.known = map[string]string{}
		}
		m.known[by] = name
	}
	out.Mapper = name
	return out
}

// shownValue is a value as the contact's own page shows it.
func shownValue(raw json.RawMessage) string {
	if all := attributeValues(json.RawMessage(`{"value":` + string(raw) + `}`)); len(all) == 1 {
		return all[0].Value
	}
	return "(cleared)"
}

// rowView is a row of an import's file and what became of it.
type rowView struct {
	aggregate.Outcome
	ID       string
	File     string
	Cells    []rowCell
	Unread   bool // the file is not there any more
	Previous string
	Next     string
	Event    *events.ContactEvent
}

// rowCell is a cell, what its column was mapped to and what it set.
type rowCell struct {
	Header string
	Raw    string
	To     string
	Set    bool
	Shown  string
}

func (v *visit) rowPage() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	row, err := strconv.Atoi(v.r.PathValue("row"))
	if err != nil {
		return errNoPage
	}
	o, err := v.Imports.Row(v.ctx(), id, row)
	if err != nil {
		return err
	}
	page := rowView{Outcome: o, ID: id, File: o.Import.Started.File.Name, Unread: o.Cells == nil && o.Text == ""}
	if o.Accepted != nil {
		page.Event = o.Accepted.Event
	}
	if page.Cells, err = rowCells(o); err != nil {
		return err
	}
	address := func(row int) string { return "/imports/" + id + "/rows/" + strconv.Itoa(row) }
	if row > 1 {
		page.Previous = address(row - 1)
	}
	if row < o.Import.Rows() {
		page.Next = address(row + 1)
	}
	return v.render(http.StatusOK, "row", view{Title: "Row " + strconv.Itoa(row) + " of " + page.File, Section: "imports", Body: page})
}

func rowCells(o aggregate.Outcome) ([]rowCell, error) {
	attributes, properties, err := o.Values()
	if err != nil {
		return nil, err
	}
	header := o.Import.File().Header
	var cells []rowCell
	for i, raw := range o.Cells {
		cell := rowCell{Raw: raw}
		if i < len(header) {
			cell.Header = header[i]
			c, mapped := o.Import.ColumnOf(header[i])
			value, set := attributes[c.Attribute]
			switch {
			case !mapped || c.Skip:
				set = false
			case c.Attribute != "":
				cell.To = c.Attribute
			case c.Timestamp:
				cell.To, set = "when it happened", false
			default:
				cell.To = c.Property
				value, set = properties[c.Property]
			}
			if cell.Set = set; set {
				cell.Shown = shownValue(value)
			}
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

// exported sends an import as a file that proves itself.
func (v *visit) exported() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	out := &attachment{w: v.w, name: id + "-audit.jsonl", mediaType: "application/x-ndjson"}
	if err := v.Exports.Export(v.ctx(), id, out); err != nil && out.begun {
		panic(http.ErrAbortHandler) // so that nobody takes it for the whole
	} else if err != nil {
		return err
	}
	return nil
}
