package aggregate_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/events"

	"pgregory.net/rapid"
)

var account = append([]events.Attribute{{Name: "first_name", Type: events.String}, {Name: "Score", Type: events.Number}}, events.Reserved...)

// suggested says the suggestions for columns, as "attribute reason", with what
// else there is to say.
func suggested(key string, mode events.Mode, columns ...[]string) []string {
	var header []string
	var samples [][]string
	for _, c := range columns {
		header, samples = append(header, c[0]), append(samples, c[1:])
	}
	var said []string
	for _, s := range aggregate.Suggest(header, samples, account, key, mode) {
		words := []string{s.Attribute}
		if s.Create != "" {
			words = append(words, "("+string(s.Create)+")")
		}
		for word, is := range map[string]bool{"skip": s.Skip, "property": s.Property != "", "time": s.Timestamp} {
			if is {
				words = append(words, word)
			}
		}
		said = append(said, strings.TrimSpace(strings.Join(append(words, s.Reason), " ")))
	}
	return said
}

func TestSuggestionsForContacts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		columns [][]string
		want    []string
	}{
		"exact":                          {[][]string{{"email"}, {"phone"}, {"first_name"}}, []string{"email exact", "phone exact", "first_name exact"}},
		"similar":                        {[][]string{{"E-Mail"}, {"External ID"}, {"FIRSTNAME"}, {"sms_capable"}}, []string{"email similar", "externalId similar", "first_name similar", "smsCapable similar"}},
		"synonym":                        {[][]string{{"mail"}, {"GSM"}, {"Prénom"}, {"langue"}}, []string{"email synonym", "phone synonym", "first_name synonym", "language synonym"}},
		"content":                        {[][]string{{"A", "jane@example.com", " ", "joe@example.com"}, {"B", "+32478112233"}}, []string{"email content", "phone content"}},
		"digits may be anything":         {[][]string{{"A", "32478112233"}}, []string{"A (number) new"}},
		"content, but for typing errors": {[][]string{append([]string{"A", "jane at example.com"}, strings.Fields(strings.Repeat("j@x.org ", 9))...)}, []string{"email content"}},
		"one address is no column":       {[][]string{{"A", "jane@example.com", "none"}}, []string{"A (string) new"}},
		"new with its own text":          {[][]string{{" Shoe  size ", "42"}}, []string{"Shoe  size (number) new"}},
		"best reason wins":               {[][]string{{"mail"}, {"A", "jane@example.com"}, {"E-mail"}, {"email"}}, []string{"mail (string) new", "A (string) new", "E-mail (string) new", "email exact"}},
		"first wins among equals":        {[][]string{{"gsm"}, {"mobile"}}, []string{"phone synonym", "mobile (string) new"}},
		"case decides what is exact":     {[][]string{{"score"}, {"Score"}}, []string{"score (string) new", "Score exact"}},
		"read-only":                      {[][]string{{"nxId", "1"}, {"created-at-naxai"}}, []string{"skip read-only", "skip read-only"}},
		"too long for a name":            {[][]string{{strings.Repeat("é", 100)}, {strings.Repeat("é", 101)}}, []string{strings.Repeat("é", 100) + " (string) new", "skip unfit"}},
		"same header twice, and none":    {[][]string{{"x"}, {"x"}, {" "}}, []string{"x (string) new", "skip unfit", "skip unfit"}},
		"no columns":                     {nil, nil},
	} {
		if got := suggested(events.Email, events.Contacts, c.columns...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestBareDigitsArePhonesWhereAFileMustHaveThem(t *testing.T) {
	t.Parallel()
	column := []string{"A", "32478112233", "33612345678"}
	if got := suggested(events.Phone, events.Contacts, column); got[0] != "phone content" {
		t.Error(got)
	}
}

func TestInferredTypesMangleNothing(t *testing.T) {
	t.Parallel()
	for samples, want := range map[string]events.AttributeType{
		"":                      events.String,
		"1|2.5|-3|0":            events.Number,
		"0.00|12.50":            events.Number,
		"0|1":                   events.Number,
		"999999999999999":       events.Number,
		"true|False|yes|NO":     events.Boolean,
		"1|2|x":                 events.String,
		"yes|1":                 events.String,
		"yes|perhaps":           events.String,
		"0049":                  events.String,
		"1|0049":                events.String,
		"1000000000000000":      events.String,
		"1e5":                   events.String,
		"+5":                    events.String,
		"-0":                    events.String,
		"1,5":                   events.String,
		" 5":                    events.String,
		".5":                    events.String,
		"5.":                    events.String,
		"-":                     events.String,
		" yes":                  events.String,
		"2024-01-31|2024-02-01": events.String,
	} {
		s := aggregate.Suggest([]string{"x"}, [][]string{strings.Split(samples, "|")}, account, events.Email, events.Contacts)
		if s[0].Create != want {
			t.Errorf("%q: %s, want %s", samples, s[0].Create, want)
		}
	}
}

func TestSuggestionsForEvents(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		columns [][]string
		want    []string
	}{
		"attributes, time, properties": {[][]string{{"E-mail"}, {"timestamp", "1700000000"}, {"Stand", "12"}, {"Prénom"}},
			[]string{"email similar", "time exact", "property new", "first_name synonym"}},
		"timestamp goes before date": {[][]string{{"Date", "2024-01-31"}, {"Time Stamp", "2024-01-31"}}, []string{"property new", "time similar"}},
		"another word":               {[][]string{{"Event date", "2024-01-31"}, {"Date", "2024-01-31"}}, []string{"time synonym", "property new"}},
		"no time in it":              {[][]string{{"date", "yesterday"}}, []string{"property new"}},
		"too long":                   {[][]string{{strings.Repeat("x", 256)}}, []string{"skip unfit"}},
	} {
		if got := suggested(events.Email, events.ContactsEvents, c.columns...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTimesAreNotSuggestedForContacts(t *testing.T) {
	t.Parallel()
	if got := suggested(events.Email, events.Contacts, []string{"timestamp", "1700000000"}); got[0] != "timestamp (number) new" {
		t.Error(got)
	}
}

// For any file: one suggestion for each column, in order; nothing suggested twice,
// nothing read-only; always the same; samples are left as they were.
func TestSuggestionsOfAnyFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.OneOf(rapid.SampledFrom([]string{"email", "E-mail", "mail", "gsm", "phone", "nxId", "Prénom", "date", "timestamp", ""}), rapid.String())
		header := rapid.SliceOfN(names, 0, 8).Draw(t, "header")
		samples := rapid.SliceOfN(rapid.SliceOfN(anyCell, 0, 3), 0, 8).Draw(t, "samples")
		mode := rapid.SampledFrom([]events.Mode{events.Contacts, events.ContactsEvents}).Draw(t, "mode")
		before := fmt.Sprintf("%q", samples)

		all := aggregate.Suggest(header, samples, account, events.Email, mode)
		if len(all) != len(header) || fmt.Sprintf("%q", samples) != before {
			t.Fatalf("%d suggestions for %d columns; samples %q", len(all), len(header), samples)
		}
		seen := map[string]bool{}
		for i, s := range all {
			reserved, _ := events.ReservedAttribute(s.Attribute)
			if s.Header != header[i] || s.Reason == "" || reserved.ReadOnly || s.Attribute != "" && seen[s.Attribute] {
				t.Fatalf("column %d: %+v", i, s)
			}
			if targets := []bool{s.Skip, s.Attribute != "", s.Property != "", s.Timestamp}; strings.Count(fmt.Sprint(targets), "true") != 1 {
				t.Fatalf("column %d: %+v", i, s)
			}
			seen[s.Attribute] = true
		}
		if again := aggregate.Suggest(header, samples, account, events.Email, mode); !reflect.DeepEqual(all, again) {
			t.Fatalf("first %+v, then %+v", all, again)
		}
	})
}
