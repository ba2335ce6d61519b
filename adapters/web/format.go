package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"importledger/events"
)

// functions are what templates can call.
func (w *Web) functions() template.FuncMap {
	return template.FuncMap{
		"asset":   w.assets.url,
		"num":     num,
		"plural":  plural,
		"size":    size,
		"when":    func(ms int64) moment { return moment{At: time.UnixMilli(ms).UTC(), Now: w.Now()} },
		"at":      func(t time.Time) moment { return moment{At: t.UTC(), Now: w.Now()} },
		"percent": percent,
		"icon":    icon,
		"add":     func(a, b int) int { return a + b },
		"sub":     func(a, b int) int { return a - b },
		"dict":    dict,
		"state":   stateWord,
		"mayDo":   mayDo,
		"browser": browserName,
	}
}

var english = message.NewPrinter(language.English)

// num writes a whole number with separators.
func num(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return separated(strconv.Itoa(n)), nil
	case int64:
		return separated(strconv.FormatInt(n, 10)), nil
	case uint64:
		return separated(strconv.FormatUint(n, 10)), nil
	case float64:
		return english.Sprintf("%.0f", n), nil
	}
	return "", fmt.Errorf("%T is not a number", n)
}

// separated puts commas between the thousands of a whole number. Pages have hundreds
// of them, for which a printer of all languages takes its time.
func separated(digits string) string {
	first := 0
	if strings.HasPrefix(digits, "-") {
		first = 1
	}
	for at := len(digits) - 3; at > first; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// plural is a number and its noun: "1 row", "2,000 rows".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return english.Sprintf("%d %ss", n, noun)
}

// size is a number of bytes as people say it.
func size(n int64) string {
	switch {
	case n >= 1e6:
		return tenths(float64(n)/1e6) + " MB"
	case n >= 1e3:
		return tenths(float64(n)/1e3) + " kB"
	}
	return plural(int(n), "byte")
}

func tenths(f float64) string { return strings.TrimSuffix(english.Sprintf("%.1f", f), ".0") }

// percent of done in all, rounded down, so that 100 means all.
func percent(done, all int) int {
	if all <= 0 {
		return 0
	}
	return min(100, done*100/all)
}

// moment is a time as a page shows it: at once in UTC, then by a module in the
// viewer's own zone.
type moment struct{ At, Now time.Time }

// Machine is the time as <time datetime> wants it.
func (m moment) Machine() string { return m.At.Format("2006-01-02T15:04:05.000Z") }

// Exact is the whole time.
func (m moment) Exact() string { return m.At.Format("2 January 2006, 15:04:05 UTC") }

// Short leaves out what is the same as now.
func (m moment) Short() string {
	now := m.Now.UTC()
	switch {
	case m.At.Year() != now.Year():
		return m.At.Format("2 Jan 2006")
	case m.At.YearDay() != now.YearDay():
		return m.At.Format("2 Jan, 15:04")
	}
	return m.At.Format("15:04 UTC")
}

// stateWord is a state as a page says it.
func stateWord(s events.State) string {
	word := string(s)
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// dict passes several values to a template.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: a name has no value")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is not a name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
