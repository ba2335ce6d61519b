package aggregate_test

import (
	"fmt"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/events"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

// A real number of each country in the world is understood in each of its usual
// spellings.
func TestPhonesOfEveryCountry(t *testing.T) {
	t.Parallel()
	id := aggregate.NewIdentity([]byte("secret"))
	for country := range phonenumbers.GetSupportedRegions() {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE} {
			number := phonenumbers.GetExampleNumberForType(country, kind)
			if number == nil {
				continue
			}
			plus := phonenumbers.Format(number, phonenumbers.E164)
			want := id.NxID(events.Phone, plus[1:])
			national := phonenumbers.Format(number, phonenumbers.NATIONAL)
			if read, err := phonenumbers.Parse(national, country); err != nil || phonenumbers.Format(read, phonenumbers.E164) != plus {
				national = plus // the library's example is not what it reads itself
			}
			for _, spelling := range []struct{ value, country string }{
				{plus, ""}, {plus[1:], ""}, {"00" + plus[1:], ""}, {plus, country}, {plus[1:], country},
				{phonenumbers.Format(number, phonenumbers.INTERNATIONAL), ""},
				{strings.ReplaceAll(national, "/", " "), country},
			} {
				if got, ok := id.Find(events.Phone, spelling.value, spelling.country); !ok || got != want {
					t.Errorf("%s %q in a file of %q: understood %v, not as %s", country, spelling.value, spelling.country, ok, plus)
				}
			}
		}
	}
}

// National numbers of countries with a plain plan do not go through the library:
// the outcome is the same.
func TestNationalPhonesAreUnderstoodAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	id := aggregate.NewIdentity([]byte("secret"))
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.SampledFrom([]string{"BE", "FR", "DE", "NL", "GB", "CH", "AT", "SE", "TR", "IL", "ZA", "NG"}).Draw(t, "country")
		digits := rapid.StringMatching(`0[1-9][0-9]{2,12}`).Draw(t, "digits")
		got, ok := id.Find(events.Phone, digits, country)

		number, err := phonenumbers.Parse(digits, country)
		if err != nil || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
			if ok {
				t.Fatalf("%s %s is no possible number", country, digits)
			}
			return
		}
		national := phonenumbers.GetNationalSignificantNumber(number)
		e164 := fmt.Sprint(number.GetCountryCode()) + national
		if want := national[0] != '0' && len(e164) <= 15; ok != want || ok && got != id.NxID(events.Phone, e164) {
			t.Fatalf("%s %s: understood %v, want %v as %s", country, digits, ok, want, e164)
		}
	})
}
