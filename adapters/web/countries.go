package web

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// countries are all that a national phone number can belong to, by name.
var countries = sync.OnceValue(func() []choice {
	names := display.Regions(language.English)
	var all []choice
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			region, err := language.ParseRegion(code)
			if err != nil || !region.IsCountry() || region.String() != code || region.Canonicalize() != region {
				continue
			}
			all = append(all, choice{code, names.Name(region)})
		}
	}
	slices.SortFunc(all, func(a, b choice) int { return strings.Compare(a.Label, b.Label) })
	return all
})
