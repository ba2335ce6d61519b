package aggregate

import (
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

const maxPhone = 15 // digits, country code included (ITU-T E.164)

// phones understands phone numbers. A number is accepted when its country code is
// assigned and its length is one that the country has: finer checks would refuse
// numbers of ranges newer than the metadata.
type phones struct {
	country string // ISO 3166-1 alpha-2, of national numbers; empty: not understood
	code    int    // calling code of country
	trunk   string // what national numbers of country begin with, mostly 0
	simple  bool   // that zero is all that a national number has more than its E.164 form
}

func newPhones(defaultCountry string) phones {
	country := strings.ToUpper(defaultCountry)
	code := phonenumbers.GetCountryCodeForRegion(country)
	if code == 0 {
		return phones{}
	}
	return phones{country: country, code: code, trunk: phonenumbers.GetNddPrefixForRegion(country, true), simple: hasSimplePlan(country)}
}

// hasSimplePlan tells whether a country's numbers begin with 0 at home, 00 abroad,
// and with nothing else that the library would have to know.
func hasSimplePlan(country string) bool {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return false // then each number is left to the library
	}
	for _, plan := range all.GetMetadata() {
		if plan.GetId() == country {
			return plan.GetNationalPrefixForParsing() == "0" && plan.GetNationalPrefixTransformRule() == "" &&
				plan.GetInternationalPrefix() == "00"
		}
	}
	return false
}

// normal gives a number as it is kept: the digits of E.164 without plus.
func (p phones) normal(cell string) (string, bool) {
	digits, plus, ok := dialled(strings.TrimSpace(cell))
	if !ok {
		return "", false
	}
	switch {
	case plus:
		return international(digits)
	case strings.HasPrefix(digits, "00"):
		return international(digits[2:])
	case p.country == "":
		return international(digits)
	case digits[0] == '0':
		return p.national(digits)
	}
	return p.either(digits)
}

// dialled takes away what people put between digits: spaces, dots, dashes and
// brackets. It costs nothing where there is none.
func dialled(s string) (digits string, plus, ok bool) {
	if isDigits(s) {
		return s, false, true
	}
	var kept [maxPhone + 5]byte // room for 00 and a few zeros too many
	n := 0
	for _, c := range s {
		switch c {
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			if n == len(kept) {
				return "", false, false
			}
			kept[n] = byte(c)
			n++
		case '+':
			if plus || n > 0 {
				return "", false, false
			}
			plus = true
		case ' ', '.', '-', '(', ')', '[', ']',
			'\u00a0', '\u2007', '\u2009', '\u202f', // spaces that spreadsheets put there
			'\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212': // dashes, likewise
		default:
			return "", false, false
		}
	}
	return string(kept[:n]), plus, n > 0
}

// international takes the digits behind + or 00. They stay as written, unless they
// are no possible number so: then the library may know what is too much, as the
// zero of +32 (0)478.
func international(digits string) (string, bool) {
	if len(digits) > maxPhone+2 || digits == "" || digits[0] == '0' {
		return "", false
	}
	lengths := numberLengths()
	for n := 1; n <= 3 && n < len(digits); n++ {
		code, _ := strconv.Atoi(digits[:n]) // digits only
		if lengths[code] == 0 {
			continue
		}
		if digits[n] != '0' && len(digits) <= maxPhone && lengths[code]&(1<<(len(digits)-n)) != 0 {
			return digits, true
		}
		return parsed("+"+digits, "", false)
	}
	return "", false
}

// national takes digits that begin with a single zero.
func (p phones) national(digits string) (string, bool) {
	if n := len(digits) - 1; p.simple && n < maxPhone && numberLengths()[p.code]&(1<<n) != 0 {
		e164 := strconv.Itoa(p.code) + digits[1:]
		return e164, len(e164) <= maxPhone
	}
	return parsed(digits, p.country, false)
}

// either takes digits that may be E.164 or a national number without its zero. What
// the plan assigns decides: first for E.164 of the country itself, then for the
// national reading; what remains is E.164.
func (p phones) either(digits string) (string, bool) {
	if p.maybeNational(digits) {
		if strings.HasPrefix(digits, strconv.Itoa(p.code)) {
			if number, ok := parsed("+"+digits, "", true); ok {
				return number, true
			}
		}
		if number, ok := parsed(digits, p.country, true); ok {
			return number, true
		}
	}
	return international(digits)
}

// maybeNational saves most numbers in E.164 the slow way: their length says already
// that they are not national.
func (p phones) maybeNational(digits string) bool {
	lengths := numberLengths()[p.code]
	n := min(len(digits), 31)
	if lengths&(1<<n) != 0 {
		return true
	}
	rest, cut := strings.CutPrefix(digits, p.trunk)
	return cut && p.trunk != "" && lengths&(1<<min(len(rest), 31)) != 0
}

// parsed leaves a number to the library, which knows each country's plan. The
// number has to be of a length that the country has; with assigned, or when it
// keeps a zero in front as few countries' do, also one that the plan assigns.
func parsed(text, country string, assigned bool) (string, bool) {
	number, err := phonenumbers.Parse(text, country)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
		return "", false
	}
	significant := phonenumbers.GetNationalSignificantNumber(number)
	if (assigned || significant[0] == '0') && !phonenumbers.IsValidNumber(number) {
		return "", false
	}
	digits := strconv.Itoa(int(number.GetCountryCode())) + significant
	return digits, len(digits) <= maxPhone
}

// numberLengths has, for each calling code, a bit for each length that a number
// behind it can have; no bits: not assigned.
var numberLengths = sync.OnceValue(func() *[1000]uint32 {
	var lengths [1000]uint32
	for code := range phonenumbers.GetSupportedCallingCodes() {
		national := uint64(1)
		for n := 1; n < maxPhone; n++ {
			country := int32(code)
			number := &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &national}
			if phonenumbers.IsPossibleNumberWithReason(number) == phonenumbers.IS_POSSIBLE {
				lengths[code] |= 1 << n
			}
			national *= 10
		}
	}
	return &lengths
})
