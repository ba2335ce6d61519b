package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"importledger/commands"
	"importledger/events"
)

// wish is what the flags say about the columns.
type wish struct {
	attributes map[string]string               // by header
	create     map[string]events.AttributeType // by attribute
	skip       map[string]bool
	properties map[string]bool
	timestamp  string
	eventsMode bool
}

// parseWish reads the flags that speak of columns; what contradicts itself is
// wrong usage.
func parseWish(f importFlags) (wish, error) {
	w := wish{attributes: map[string]string{}, create: map[string]events.AttributeType{}, skip: map[string]bool{},
		properties: map[string]bool{}, timestamp: f.timestamp, eventsMode: f.event != ""}
	for _, m := range f.maps {
		// An attribute's name rarely has a =, a header may.
		at := strings.LastIndexByte(m, '=')
		if at <= 0 || at == len(m)-1 {
			return w, &usageError{fmt.Sprintf("--map %q must be Header=attribute", m)}
		}
		header, attribute := m[:at], m[at+1:]
		if _, twice := w.attributes[header]; twice {
			return w, &usageError{fmt.Sprintf("--map names the column %q twice", header)}
		}
		w.attributes[header] = attribute
	}
	types := []string{string(events.String), string(events.Number), string(events.Boolean)}
	for _, c := range f.creates {
		at := strings.LastIndexByte(c, ':')
		if at <= 0 || !slices.Contains(types, c[at+1:]) {
			return w, &usageError{fmt.Sprintf("--create %q must be attribute:type, where the type is %s", c, strings.Join(types, ", "))}
		}
		w.create[c[:at]] = events.AttributeType(c[at+1:])
	}
	for _, header := range f.skips {
		w.skip[header] = true
	}
	for _, header := range f.properties {
		w.properties[header] = true
	}
	return w, w.check(f)
}

func (w wish) check(f importFlags) error {
	if !w.eventsMode && (len(w.properties) > 0 || w.timestamp != "") {
		return &usageError{"--property and --timestamp go with --events NAME"}
	}
	if w.properties[w.timestamp] {
		return &usageError{fmt.Sprintf("the column %q cannot be both a property and the time of the event", w.timestamp)}
	}
	for header := range w.skip {
		if _, mapped := w.attributes[header]; mapped || w.properties[header] || w.timestamp == header {
			return &usageError{fmt.Sprintf("the column %q cannot be both mapped and skipped", header)}
		}
	}
	if err := f.checkFile(); err != nil {
		return err
	}
	if len(w.attributes) > 0 {
		for attribute := range w.create {
			if !w.assigns(attribute) {
				return &usageError{fmt.Sprintf("--create %s: no --map makes a column that attribute", attribute)}
			}
		}
	}
	return nil
}

var encodings = []string{"utf-8", "utf-16le", "utf-16be", "windows-1252"}

// checkFile refuses what no file is read by.
func (f importFlags) checkFile() error {
	switch {
	case f.separator != "" && f.separator != "," && f.separator != ";":
		return &usageError{"--separator must be , or ;"}
	case f.encoding != "" && !slices.Contains(encodings, f.encoding):
		return &usageError{"--encoding must be one of " + strings.Join(encodings, ", ")}
	case f.blank != "" && f.blank != string(events.KeepBlank) && f.blank != string(events.ClearBlank):
		return &usageError{"--blank must be keep or clear"}
	case f.country != "" && len(f.country) != 2:
		return &usageError{"--country must be the code of a country, of two letters, such as BE"}
	}
	return nil
}

func (w wish) assigns(attribute string) bool {
	for _, a := range w.attributes {
		if a == attribute {
			return true
		}
	}
	return false
}

// mapping gives what to ask of the server: the columns that were named, or the
// suggested ones as amended. One item for each header of the file.
func (w wish) mapping(suggested []mappedItem) ([]mappedItem, error) {
	if err := w.namesOnly(suggested); err != nil {
		return nil, err
	}
	items := make([]mappedItem, len(suggested))
	created := map[string]bool{}
	for i, s := range suggested {
		item := s
		if len(w.attributes) > 0 {
			item = w.asNamed(s.Header)
		} else {
			item = w.amended(s)
		}
		if t, ok := w.create[item.Attribute]; ok && item.Attribute != "" {
			item.Create = &commands.NewAttribute{Type: t}
			created[item.Attribute] = true
		}
		items[i] = item
	}
	for attribute := range w.create {
		if !created[attribute] {
			return nil, &usageError{fmt.Sprintf("--create %s: no column is suggested to be that attribute; say which one with --map 'Header=%s'", attribute, attribute)}
		}
	}
	return items, nil
}

func (w wish) asNamed(header string) mappedItem {
	item := mappedItem{Column: commands.Column{Header: header, Attribute: w.attributes[header], Timestamp: w.timestamp == header}}
	if w.properties[header] {
		item.Property = header
	}
	item.Skip = item.Attribute == "" && item.Property == "" && !item.Timestamp
	return item
}

// amended is a suggestion, unless the flags say otherwise. Flags for properties or
// the time replace all suggested ones.
func (w wish) amended(s mappedItem) mappedItem {
	skipped := mappedItem{Column: commands.Column{Header: s.Header, Skip: true}}
	switch {
	case w.skip[s.Header]:
		return skipped
	case w.timestamp == s.Header, w.properties[s.Header] && s.Attribute == "":
		return w.asNamed(s.Header)
	case w.properties[s.Header]:
		s.Property = s.Header
		return s
	}
	if w.timestamp != "" {
		s.Timestamp = false
	}
	if len(w.properties) > 0 {
		s.Property = ""
	}
	if s.Attribute == "" && s.Property == "" && !s.Timestamp {
		return skipped
	}
	return s
}

// namesOnly refuses headers that the file does not have.
func (w wish) namesOnly(suggested []mappedItem) error {
	var headers []string
	for _, s := range suggested {
		headers = append(headers, s.Header)
	}
	var unknown []string
	wants := func(flag, header string) {
		if header != "" && !slices.Contains(headers, header) {
			unknown = append(unknown, fmt.Sprintf("%s %q", flag, header))
		}
	}
	for header := range w.attributes {
		wants("--map", header)
	}
	for header := range w.skip {
		wants("--skip", header)
	}
	for header := range w.properties {
		wants("--property", header)
	}
	wants("--timestamp", w.timestamp)
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return &usageError{fmt.Sprintf("the file has no column for %s; it has %s", strings.Join(unknown, ", "), quoted(headers))}
}

func quoted(all []string) string {
	marked := make([]string, len(all))
	for i, s := range all {
		marked[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(marked, ", ")
}

// target says in words what becomes of a column.
func (m mappedItem) target() string {
	switch {
	case m.Timestamp:
		return "(time of the event)"
	case m.Attribute != "" && m.Property != "":
		return m.Attribute + " and property"
	case m.Property != "":
		return "(property of the event)"
	case m.Attribute != "":
		return m.Attribute
	}
	return "(skipped)"
}

// why says where the target comes from.
func (m mappedItem) why() string {
	if m.Create != nil {
		return fmt.Sprintf("new, %s", m.Create.Type)
	}
	return cmp.Or(map[string]string{"last-used": "as last time", "error-column": "of another import", "read-only": "read-only", "exact": "same name", "similar": "similar name", "synonym": "known name", "content": "by its values", "new": "new"}[m.Reason], m.Reason)
}
