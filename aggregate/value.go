package aggregate

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"importledger/events"
)

// kind is the rule that a cell is held to.
type kind int

const (
	textKind kind = iota
	numberKind
	booleanKind
	timeKind
	emailKind
	phoneKind
	externalIDKind
	languageKind
)

// kindOf gives the rule for an attribute: the reserved ones that have a rule of
// their own by name, all others by type.
func kindOf(attribute string, t events.AttributeType) (k kind, ok bool) {
	switch attribute {
	case events.Email:
		return emailKind, true
	case events.Phone:
		return phoneKind, true
	case events.ExternalID:
		return externalIDKind, true
	case events.Language:
		return languageKind, true
	case events.CreatedAt:
		return timeKind, true
	case events.SMSCapable, events.Unsubscribed:
		return booleanKind, true
	}
	switch t {
	case events.String:
		return textKind, true
	case events.Number:
		return numberKind, true
	case events.Boolean:
		return booleanKind, true
	case events.Timestamp:
		return timeKind, true
	}
	return 0, false
}

const (
	maxText       = 1_000 // characters
	maxNumber     = 64    // characters
	maxExponent   = 308   // of ten, downwards: upwards the range of a float64 is the bound
	maxExternalID = 64
)

// breach is the rule that a cell breaks.
type breach struct{ code, message string }

var (
	identifierMissing = &breach{"identifier-missing", "This cell says which contact the row is about; it must not be blank."}
	emailInvalid      = &breach{"email-invalid", "This is not an e-mail address, such as name@example.com, of at most 254 characters."}
	phoneInvalid      = &breach{"phone-invalid", "This is not a phone number with its country code, such as 32478112233. National numbers need the import's default country."}
	externalIDInvalid = &breach{"external-id-invalid", "An external id has 1 to 64 characters out of A-Z, a-z, 0-9, _ - . and /."}
	timestampInvalid  = &breach{"timestamp-invalid", "This is not a time: use ISO 8601, such as 2024-01-31T10:15:30Z, or a Unix epoch in seconds or milliseconds."}
	booleanInvalid    = &breach{"boolean-invalid", "This is neither true nor false: use true or false, 1 or 0, yes or no."}
	languageInvalid   = &breach{"language-invalid", "This is not a language: use its ISO 639-1 code of two letters, such as en."}
	numberInvalid     = &breach{"number-invalid", "This is not a number: use digits with a decimal point and without thousands separators, such as 1234.5."}
	valueTooLong      = &breach{"value-too-long", "A text has at most 1,000 characters."}
	encodingInvalid   = &breach{"encoding-invalid", "This cell holds characters that cannot be read. Save the file as UTF-8."}
)

// appendValue appends what a cell that is not blank says as a JSON string, number
// or boolean. normal is the value before it became JSON, of identifiers only.
func appendValue(buf []byte, k kind, cell string, phones phones) (_ []byte, normal string, broken *breach) {
	ok := true
	switch k {
	case textKind:
		if broken := checkText(cell); broken != nil {
			return buf, "", broken
		}
		return events.AppendString(buf, cell), "", nil
	case numberKind:
		if buf, ok = appendNumber(buf, strings.TrimSpace(cell)); !ok {
			broken = numberInvalid
		}
		return buf, "", broken
	case booleanKind:
		yes, ok := parseBoolean(strings.TrimSpace(cell))
		if !ok {
			return buf, "", booleanInvalid
		}
		return strconv.AppendBool(buf, yes), "", nil
	case timeKind:
		at, ok := parseTime(cell)
		if !ok {
			return buf, "", timestampInvalid
		}
		return strconv.AppendInt(buf, at, 10), "", nil
	case emailKind:
		normal, ok = normalEmail(cell)
		broken = emailInvalid
	case phoneKind:
		normal, ok = phones.normal(cell)
		broken = phoneInvalid
	case externalIDKind:
		normal, ok = normalExternalID(cell)
		broken = externalIDInvalid
	case languageKind:
		normal, ok = normalLanguage(cell)
		broken = languageInvalid
	}
	if !ok {
		return buf, "", broken
	}
	return events.AppendString(buf, normal), normal, nil
}

// isBlank tells whether a cell says nothing: it is empty, or white space only.
func isBlank(cell string) bool {
	if cell != "" && ' ' < cell[0] && cell[0] < utf8.RuneSelf {
		return false
	}
	return strings.TrimSpace(cell) == ""
}

func checkText(cell string) *breach {
	switch {
	case !utf8.ValidString(cell) || strings.IndexByte(cell, 0) >= 0:
		return encodingInvalid
	case len(cell) > maxText && utf8.RuneCountInString(cell) > maxText:
		return valueTooLong
	}
	return nil
}

func normalExternalID(cell string) (string, bool) {
	s := strings.TrimSpace(cell)
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.', c == '/':
		default:
			return "", false
		}
	}
	return s, s != "" && len(s) <= maxExternalID
}

func parseBoolean(s string) (value, ok bool) {
	switch len(s) {
	case 1:
		return s == "1", s == "1" || s == "0"
	case 2:
		return false, strings.EqualFold(s, "no")
	case 3:
		return true, strings.EqualFold(s, "yes")
	case 4:
		return true, strings.EqualFold(s, "true")
	case 5:
		return false, strings.EqualFold(s, "false")
	}
	return false, false
}

// appendNumber appends a decimal number as JSON. Its digits stay as written, so
// that no precision is lost; what JSON does not allow goes: a plus, zeros in front,
// a bare point, the sign of zero.
func appendNumber(buf []byte, s string) ([]byte, bool) {
	if len(s) > maxNumber {
		return buf, false
	}
	negative := strings.HasPrefix(s, "-")
	mantissa, exponent := s, ""
	if negative || strings.HasPrefix(s, "+") {
		mantissa = s[1:]
	}
	if e := strings.IndexAny(mantissa, "eE"); e >= 0 {
		mantissa, exponent = mantissa[:e], mantissa[e:]
		if n, err := strconv.Atoi(exponent[1:]); err != nil || n < -maxExponent {
			return buf, false
		}
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return buf, false // too large for any client
		}
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if len(whole)+len(fraction) == 0 || whole != "" && !isDigits(whole) || fraction != "" && !isDigits(fraction) {
		return buf, false
	}
	if negative && strings.Trim(mantissa, "0.") != "" {
		buf = append(buf, '-')
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	buf = append(buf, whole...)
	if point && fraction != "" {
		buf = append(append(buf, '.'), fraction...)
	}
	return append(buf, exponent...), true
}

// iso6391 are the language codes of ISO 639-1.
const iso6391 = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz " +
	"ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu " +
	"ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my " +
	"na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw " +
	"ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"

var languages = func() (known [26][26]bool) {
	for code := range strings.FieldsSeq(iso6391) {
		known[code[0]-'a'][code[1]-'a'] = true
	}
	return known
}()

func normalLanguage(cell string) (string, bool) {
	s := strings.TrimSpace(cell)
	if len(s) != 2 {
		return "", false
	}
	a, b := s[0]|0x20, s[1]|0x20 // lower case, if these are letters at all
	if a < 'a' || a > 'z' || b < 'a' || b > 'z' || !languages[a-'a'][b-'a'] {
		return "", false
	}
	return strings.ToLower(s), true
}
