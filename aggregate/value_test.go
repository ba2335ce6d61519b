package aggregate_test

import (
	"fmt"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"

	"golang.org/x/text/language"
)

// cell judges one cell of an attribute: the JSON it becomes, or the code it is
// refused with.
func cell(t *testing.T, attribute string, of events.AttributeType, country, value string) string {
	t.Helper()
	m := events.ColumnsMapped{Columns: []events.Column{{Header: "Id", Attribute: events.ExternalID, Type: events.String}, {Header: "Cell", Attribute: attribute, Type: of}}}
	in := events.ImportStarted{ImportMode: events.Contacts, KeyIdentifier: events.ExternalID, DefaultCountry: country}
	cells := []string{"1", value}
	if attribute == events.ExternalID {
		m.Columns, cells = m.Columns[1:], cells[1:]
	}
	switch c := rules(t, in, m).Row(aggregate.Record{Row: 1, Line: 2, Fields: cells}).(type) {
	case commands.RowAccepted:
		attributes := string(c.Contact.Attributes)
		_, json, _ := strings.Cut(attributes, fmt.Sprintf("%q:", attribute))
		return strings.TrimSuffix(json, "}")
	case commands.RowRejected:
		if len(c.Errors) != 1 || c.Errors[0].Column != "Cell" || c.Errors[0].Message == "" {
			t.Fatalf("%q: %+v", value, c.Errors)
		}
		return c.Errors[0].Code
	}
	t.Fatal("no outcome")
	return ""
}

func rules(t interface {
	Helper()
	Fatal(...any)
}, in events.ImportStarted, m events.ColumnsMapped) *aggregate.Rules {
	t.Helper()
	r, err := aggregate.NewRules(in, m, 1_700_000_000_000, aggregate.NewIdentity([]byte("secret")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type cases map[string]string // cell → JSON or code

func (cs cases) check(t *testing.T, attribute string, of events.AttributeType, country string) {
	t.Helper()
	t.Parallel()
	for value, want := range cs {
		if got := cell(t, attribute, of, country, value); got != want {
			t.Errorf("%s %.80q: %.80s, want %.80s", attribute, value, got, want)
		}
	}
}

func TestEmail(t *testing.T) {
	longest := strings.Repeat("a", 254-len("@example.com")) + "@example.com"
	label := strings.Repeat("a", 63)
	cases{
		"a@b.c":                                 `"a@b.c"`,
		"Jane.Doe+tag@Example.COM":              `"Jane.Doe+tag@example.com"`,
		" jane@example.com\t":                   `"jane@example.com"`,
		"!#$%&'*+-/=?^_`{|}~@example.com":       "\"!#$%&'*+-/=?^_`{|}~@example.com\"",
		"jane@localhost":                        `"jane@localhost"`,
		"jane@bücher.example":                   `"jane@xn--bcher-kva.example"`,
		"jane@BÜCHER.example":                   `"jane@xn--bcher-kva.example"`,
		"jane@XN--bcher-kva.example":            `"jane@xn--bcher-kva.example"`,
		"jane@straße.de":                        `"jane@xn--strae-oqa.de"`,
		"jane@ab--cd.com":                       `"jane@ab--cd.com"`,
		`"jane doe"@example.com`:                `"\"jane doe\"@example.com"`,
		`"a@b"@example.com`:                     `"\"a@b\"@example.com"`,
		`"a\"b"@example.com`:                    `"\"a\\\"b\"@example.com"`,
		"jane@[192.0.2.1]":                      `"jane@[192.0.2.1]"`,
		"jane@[IPv6:2001:DB8::1]":               `"jane@[ipv6:2001:db8::1]"`,
		"jane@" + label + ".com":                `"jane@` + label + `.com"`,
		longest:                                 `"` + longest + `"`,
		"a" + longest:                           "email-invalid",
		"jane@" + label + "a.com":               "email-invalid",
		"jane":                                  "email-invalid",
		"@example.com":                          "email-invalid",
		"jane@":                                 "email-invalid",
		"jane@@example.com":                     "email-invalid",
		"a@b@example.com":                       "email-invalid",
		".jane@example.com":                     "email-invalid",
		"jane.@example.com":                     "email-invalid",
		"jane..doe@example.com":                 "email-invalid",
		"jane doe@example.com":                  "email-invalid",
		"Jane <jane@example.com>":               "email-invalid",
		"jane@example.com, joe@example.com":     "email-invalid",
		"jane(comment)@example.com":             "email-invalid",
		"jäne@example.com":                      "email-invalid",
		"jane@example..com":                     "email-invalid",
		"jane@example.com.":                     "email-invalid",
		"jane@.com":                             "email-invalid",
		"jane@-example.com":                     "email-invalid",
		"jane@example-.com":                     "email-invalid",
		"jane@exa mple.com":                     "email-invalid",
		"jane@exa_mple.com":                     "email-invalid",
		"jane@xn--\u00fc.com":                   "email-invalid",
		"jane@xn--a.com":                        "email-invalid",
		"jane@[300.0.2.1]":                      "email-invalid",
		"jane@[192.0.2.1":                       "email-invalid",
		"jane@[IPv6:192.0.2.1]":                 "email-invalid",
		"jane@[IPv6:fe80::1%eth0]":              "email-invalid",
		`"jane@example.com`:                     "email-invalid",
		`"ja"ne"@example.com`:                   "email-invalid",
		`"jane\"@example.com`:                   "email-invalid",
		"\"ja\nne\"@example.com":                "email-invalid",
		"ja\x00ne@example.com":                  "email-invalid",
		"jane@exam\x00ple.com":                  "email-invalid",
		"jane@exam\xffple.com":                  "email-invalid",
		"mailto:jane@example.com?subject=hello": "email-invalid",
	}.check(t, events.Email, events.String, "")
}

func TestPhoneWithoutADefaultCountry(t *testing.T) {
	cases{
		"32478112233":              `"32478112233"`,
		"+32478112233":             `"32478112233"`,
		"0032478112233":            `"32478112233"`,
		"+32 478 11 22 33":         `"32478112233"`,
		"(+32) 478.11-22-33":       `"32478112233"`,
		"+32 (0)478 11 22 33":      `"32478112233"`,
		"+32 0478 11 22 33":        `"32478112233"`,
		"0032 [0] 478 112233":      `"32478112233"`,
		"+32\u00a0478\u2013112233": `"32478112233"`,
		"+39 06 1234 5678":         `"390612345678"`,
		"12025550123":              `"12025550123"`,
		"+800 1234 5678":           `"80012345678"`,
		"0478112233":               "phone-invalid",
		"0":                        "phone-invalid",
		"00":                       "phone-invalid",
		"+":                        "phone-invalid",
		"-":                        "phone-invalid",
		"+0032478112233":           "phone-invalid",
		"3247811223":               `"3247811223"`,
		"324781122":                "phone-invalid",
		"324781122334":             "phone-invalid",
		"99912345678":              "phone-invalid",
		"1234567890123456":         "phone-invalid",
		"32+478112233":             "phone-invalid",
		"++32478112233":            "phone-invalid",
		"+32478112233x12":          "phone-invalid",
		"+32 478 GO FISH":          "phone-invalid",
		"0478/11.22.33":            "phone-invalid",
		"3.2478112233E10":          "phone-invalid",
		"32478112233\x00":          "phone-invalid",
		"+٣٢٤٧٨١١٢٢٣٣":             "phone-invalid",
		strings.Repeat("1", 5000):  "phone-invalid",
		strings.Repeat("(", 5000):  "phone-invalid",
	}.check(t, events.Phone, events.String, "")
}

func TestPhoneOfABelgianFile(t *testing.T) {
	cases{
		"0478112233":                    `"32478112233"`,
		"0478 11 22 33":                 `"32478112233"`,
		"478112233":                     `"32478112233"`,
		"02 123 45 67":                  `"3221234567"`,
		"32478112233":                   `"32478112233"`,
		"33612345678":                   `"33612345678"`,
		"+33 6 12 34 56 78":             `"33612345678"`,
		"0033612345678":                 `"33612345678"`,
		"04781122":                      "phone-invalid",
		"04781122334455":                "phone-invalid",
		"0":                             "phone-invalid",
		"0" + strings.Repeat("4", 5000): "phone-invalid",
	}.check(t, events.Phone, events.String, "be")
}

func TestPhoneOfAnAmericanFile(t *testing.T) {
	cases{
		"(202) 555-0123":      `"12025550123"`,
		"1 202 555 0123":      `"12025550123"`,
		"2025550123":          `"12025550123"`,
		"+20 2 5550 1234":     `"20255501234"`,
		"011 32 478 11 22 33": `"32478112233"`,
		"32478112233":         `"32478112233"`,
		"555-0123":            "phone-invalid",
	}.check(t, events.Phone, events.String, "US")
}

func TestPhoneOfAGermanFileInEitherForm(t *testing.T) {
	cases{"4915123456789": `"4915123456789"`, "015123456789": `"4915123456789"`, "15123456789": `"4915123456789"`}.check(t, events.Phone, events.String, "DE")
}

func TestPhoneOfAnItalianFileKeepsItsZero(t *testing.T) {
	cases{"06 1234 5678": `"390612345678"`, "333 123 4567": `"393331234567"`}.check(t, events.Phone, events.String, "IT")
}

func TestExternalID(t *testing.T) {
	longest := strings.Repeat("x", 64)
	cases{
		"A-1_b.c/9": `"A-1_b.c/9"`, "0049": `"0049"`, " 7 ": `"7"`, longest: `"` + longest + `"`,
		longest + "x": "external-id-invalid", "a b": "external-id-invalid", "é": "external-id-invalid",
		"a:b": "external-id-invalid", "a\x00": "external-id-invalid", `a"b`: "external-id-invalid",
	}.check(t, events.ExternalID, events.String, "")
}

func TestTimestamp(t *testing.T) {
	cases{
		"0":                              "0",
		"1700000000":                     "1700000000000",
		"1700000000123":                  "1700000000123",
		"-86400":                         "-86400000",
		"99999999999":                    "99999999999000",
		"100000000000":                   "100000000000",
		"2024-01-31":                     "1706659200000",
		"20240131":                       "1706659200000",
		" 2024-01-31 ":                   "1706659200000",
		"2024-01-31T10:15":               "1706696100000",
		"2024-01-31T10:15:30":            "1706696130000",
		"2024-01-31 10:15:30":            "1706696130000",
		"2024-01-31T10:15:30Z":           "1706696130000",
		"2024-01-31t10:15:30z":           "1706696130000",
		"2024-01-31T10:15:30.1":          "1706696130100",
		"2024-01-31T10:15:30,123456789Z": "1706696130123",
		"2024-01-31T10:15:30+01:00":      "1706692530000",
		"2024-01-31T10:15:30-0530":       "1706715930000",
		"2024-01-31T10:15:30+01":         "1706692530000",
		"20240131T101530Z":               "1706696130000",
		"20240131T1015":                  "1706696100000",
		"2024-02-29":                     "1709164800000",
		"9999-12-31T23:59:59.999Z":       "253402300799999",
		"0001-01-01":                     "-62135596800000",
		"20241301":                       "20241301000",
		"2023-02-29":                     "timestamp-invalid",
		"2024-13-01":                     "timestamp-invalid",
		"2024-00-01":                     "timestamp-invalid",
		"2024-01-31T24:00":               "timestamp-invalid",
		"2024-01-31T10:60":               "timestamp-invalid",
		"2024-01-31T10:15:61":            "timestamp-invalid",
		"2024-01-31T":                    "timestamp-invalid",
		"2024-01-31T10:15:":              "timestamp-invalid",
		"2024-01-31T10:15:30.":           "timestamp-invalid",
		"2024-01-31T10:15:30+24:00":      "timestamp-invalid",
		"2024-01-31T10:15:30+1":          "timestamp-invalid",
		"2024-01-31T10:15:30 CET":        "timestamp-invalid",
		"2024-0131":                      "timestamp-invalid",
		"2024-1-31":                      "timestamp-invalid",
		"31/01/2024":                     "timestamp-invalid",
		"0000-01-01":                     "timestamp-invalid",
		"9999-12-31T23:59:59-01:00":      "timestamp-invalid",
		"1700000000.5":                   "timestamp-invalid",
		"253402300800000":                "timestamp-invalid",
		"99999999999999999999":           "timestamp-invalid",
		"-":                              "timestamp-invalid",
		"--1":                            "timestamp-invalid",
		"yesterday":                      "timestamp-invalid",
	}.check(t, events.CreatedAt, events.Timestamp, "")
}

func TestBoolean(t *testing.T) {
	for _, attribute := range []string{"vip", events.Unsubscribed, events.SMSCapable} {
		t.Run(attribute, func(t *testing.T) {
			cases{
				"true": "true", "FALSE": "false", "True": "true", "1": "true", "0": "false", "yes": "true", "No": "false", " YES ": "true",
				"y": "boolean-invalid", "n": "boolean-invalid", "on": "boolean-invalid", "2": "boolean-invalid", "00": "boolean-invalid",
				"oui": "boolean-invalid", "truth": "boolean-invalid", "yes!": "boolean-invalid", "true\x00": "boolean-invalid",
			}.check(t, attribute, events.Boolean, "")
		})
	}
}

func TestLanguage(t *testing.T) {
	cases{
		"en": `"en"`, "FR": `"fr"`, " nl ": `"nl"`, "zu": `"zu"`,
		"xx": "language-invalid", "eng": "language-invalid", "en-GB": "language-invalid", "e": "language-invalid",
		"English": "language-invalid", "@n": "language-invalid", "é": "language-invalid",
	}.check(t, events.Language, events.String, "")
}

// Every code that is accepted is a language that others know too, and none that
// they know with two letters of its own is missing.
func TestLanguagesAreThoseOfISO6391(t *testing.T) {
	t.Parallel()
	withdrawn := map[string]bool{"in": true, "iw": true, "ji": true, "jw": true, "mo": true, "sh": true}
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			code := string([]rune{a, b})
			_, err := language.ParseBase(code)
			want := err == nil && !withdrawn[code]
			if got := cell(t, events.Language, events.String, "", code) == `"`+code+`"`; got != want {
				t.Errorf("%s: accepted %v, want %v", code, got, want)
			}
		}
	}
}

func TestNumber(t *testing.T) {
	cases{
		"0": "0", "42": "42", "-7": "-7", "3.14": "3.14", "1.50": "1.50", " 5 ": "5",
		"12345678901234567890.123456789": "12345678901234567890.123456789",
		"+5":                             "5", "007": "7", "-007.50": "-7.50", ".5": "0.5", "-.5": "-0.5", "5.": "5", "00": "0",
		"-0": "0", "-0.00": "0.00", "1e5": "1e5", "1E+05": "1E+05", "1.5e-3": "1.5e-3", "9e307": "9e307",
		strings.Repeat("9", 64): strings.Repeat("9", 64),
		strings.Repeat("9", 65): "number-invalid",
		"9e308":                 "number-invalid", "1e-309": "number-invalid", "1e99999999999": "number-invalid",
		"1,5": "number-invalid", "1,000": "number-invalid", "1 000": "number-invalid", "1'000": "number-invalid",
		"1.2.3": "number-invalid", "--1": "number-invalid", "+-1": "number-invalid", ".": "number-invalid", "-": "number-invalid",
		"e5": "number-invalid", "1e": "number-invalid", "1e5.5": "number-invalid", "1e5e5": "number-invalid",
		"0x10": "number-invalid", "1_000": "number-invalid", "NaN": "number-invalid", "Infinity": "number-invalid",
		"€5": "number-invalid", "5%": "number-invalid", "٥": "number-invalid", "5\x00": "number-invalid", "−5": "number-invalid",
	}.check(t, "age", events.Number, "")
}

func TestString(t *testing.T) {
	longest := strings.Repeat("é", 1000)
	cases{
		"0049": `"0049"`, "12345678901234567890": `"12345678901234567890"`, "  two in front": `"  two in front"`, "behind ": `"behind "`,
		`say "hi"\`: `"say \"hi\"\\"`, "a\r\nb": `"a\r\nb"`, "=1+1": `"=1+1"`,
		longest: `"` + longest + `"`, longest + "x": "value-too-long",
		"a\x00b": "encoding-invalid", "a\xffb": "encoding-invalid", "\xed\xa0\x80": "encoding-invalid",
	}.check(t, "note", events.String, "")
}
