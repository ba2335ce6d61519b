package web

import (
	"net/url"
	"slices"
	"testing"
	"time"
)

func TestNumbersAndSizesReadLikePeopleWriteThem(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1500: "1.5 kB", 20_000_000: "20 MB", 2_400_000: "2.4 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -100: "-100", -1000: "-1,000", 1234567: "1,234,567"} {
		if got, err := num(n); got != want || err != nil {
			t.Errorf("%d is written %q, %v", n, got, err)
		}
	}
	if got, err := num(20000); got != "20,000" || err != nil {
		t.Error(got, err)
	}
	if _, err := num("20000"); err == nil {
		t.Error("a text was taken for a number")
	}
	if percent(19999, 20000) != 99 || percent(20000, 20000) != 100 || percent(1, 0) != 0 {
		t.Error("100 % means all of it")
	}
	now := time.Date(2026, 3, 25, 14, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]string{now.Add(-time.Hour): "13:00 UTC", now.AddDate(0, 0, -1): "24 Mar, 14:00", now.AddDate(-1, 0, 0): "25 Mar 2025"} {
		if got := (moment{at, now}).Short(); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}

func TestPagesLinkToTheirNeighbours(t *testing.T) {
	t.Parallel()
	kept := url.Values{"q": {"a b"}}
	first := paginate("/imports", kept, 1, 50, 120)
	if first.Previous != "" || first.Next != "/imports?page=2&q=a+b" || first.First != 1 || first.Last != 50 || first.Count != 3 {
		t.Errorf("%+v", first)
	}
	last := paginate("/imports", kept, 3, 50, 120)
	if last.Previous != "/imports?page=2&q=a+b" || last.Next != "" || last.Last != 120 || last.query.Get("page") != "3" {
		t.Errorf("%+v", last)
	}
	beyond := paginate("/imports", nil, 9, 50, 120)
	if beyond.Previous != "/imports?page=3" || beyond.Next != "" {
		t.Errorf("%+v", beyond)
	}
	for text, want := range map[string]int{"": 1, "x": 1, "-3": 1, "7": 7, "99999999": 1} {
		if got := pageNumber(url.Values{"page": {text}}); got != want {
			t.Errorf("page %q: %d", text, got)
		}
	}
}

func TestAPlotLooksAtTheSameRowsHoweverFarItIs(t *testing.T) {
	t.Parallel()
	all := plotRows(20000, 20000)
	if len(all) != plotPoints || all[0] != 1 || all[len(all)-1] != 20000 || !slices.IsSorted(all) {
		t.Errorf("%v", all)
	}
	half := plotRows(20000, 10000)
	for _, row := range half[:len(half)-1] {
		if !slices.Contains(all, row) {
			t.Errorf("row %d is looked at half way, and not at the end", row)
		}
	}
	if len(plotRows(20000, 0)) != 0 || !slices.Equal(plotRows(1, 1), []int{1}) || !slices.Equal(plotRows(3, 2), []int{1, 2}) {
		t.Error(plotRows(20000, 0), plotRows(1, 1), plotRows(3, 2))
	}
}

func TestBrowsersAreCalledAsPeopleCallThem(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36":                                 "Chrome on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0":         "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0":                                                  "Firefox on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604": "Safari on iPhone",
		"":                     "A browser without a name",
		"a program of our own": "a program of our own",
		"curl/8.5.0":           "curl",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("%q is called %q, want %q", agent, got, want)
		}
	}
}
