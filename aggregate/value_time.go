package aggregate

import (
	"strconv"
	"strings"
	"time"
)

const (
	// Below it a count is of seconds (until the year 5138), from it on of
	// milliseconds (since March 1973).
	firstMilliseconds = 100_000_000_000

	minMilliseconds = -62_135_596_800_000 // 0001-01-01
	maxMilliseconds = 253_402_300_799_999 // the last of the year 9999
)

// parseTime reads a Unix epoch (seconds or milliseconds) or an ISO 8601 date or
// date and time, and gives milliseconds since the epoch. A time without an offset
// is UTC.
func parseTime(cell string) (milliseconds int64, ok bool) {
	s := strings.TrimSpace(cell)
	if isDigits(strings.TrimPrefix(s, "-")) {
		// Eight digits that are a day of these two centuries are meant as one: as
		// seconds they would all lie in August 1970.
		if len(s) == 8 && (s[:2] == "19" || s[:2] == "20") {
			if day, ok := parseISO(s); ok {
				return day, true
			}
		}
		return parseEpoch(s)
	}
	return parseISO(s)
}

func parseEpoch(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, false
	}
	if -firstMilliseconds < n && n < firstMilliseconds {
		n *= 1000
	}
	return n, minMilliseconds <= n && n <= maxMilliseconds
}

// timeReader takes a time apart; the first surprise sets failed.
type timeReader struct {
	rest   string
	failed bool
}

func parseISO(s string) (int64, bool) {
	r := timeReader{rest: s}
	year := r.digits(4)
	dashed := r.skip('-')
	month := r.digits(2)
	if dashed && !r.skip('-') {
		return 0, false
	}
	day := r.digits(2)
	var hour, minute, second, ms, offset int
	if !r.failed && r.rest != "" {
		if !r.skip('T') && !r.skip('t') && !r.skip(' ') {
			return 0, false
		}
		hour, minute, second, ms = r.clock()
		offset = r.offset()
	}
	if r.failed || r.rest != "" || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day || t.Month() != time.Month(month) {
		return 0, false // there is no such day
	}
	at := t.UnixMilli() + int64(ms) - int64(offset)*60_000
	return at, minMilliseconds <= at && at <= maxMilliseconds
}

// clock reads hh:mm, hh:mm:ss and hh:mm:ss.fff, or the same without colons.
func (r *timeReader) clock() (hour, minute, second, ms int) {
	hour = r.digits(2)
	colons := r.skip(':')
	minute = r.digits(2)
	if colons && !r.skip(':') || !colons && !r.digitNext() {
		return hour, minute, 0, 0
	}
	second = r.digits(2)
	if !r.skip('.') && !r.skip(',') {
		return hour, minute, second, 0
	}
	r.failed = r.failed || !r.digitNext()
	for place := 100; r.digitNext(); place /= 10 { // beyond milliseconds: dropped
		ms += place * int(r.rest[0]-'0')
		r.rest = r.rest[1:]
	}
	return hour, minute, second, ms
}

// offset reads Z, ±hh, ±hhmm, ±hh:mm or nothing, and gives minutes east of UTC.
func (r *timeReader) offset() int {
	if r.rest == "" || r.skip('Z') || r.skip('z') {
		return 0
	}
	sign := 1
	if r.skip('-') {
		sign = -1
	} else if !r.skip('+') {
		r.failed = true
		return 0
	}
	hours, minutes := r.digits(2), 0
	if r.skip(':') || r.rest != "" {
		minutes = r.digits(2)
	}
	r.failed = r.failed || hours > 23 || minutes > 59
	return sign * (hours*60 + minutes)
}

func (r *timeReader) digitNext() bool {
	return r.rest != "" && '0' <= r.rest[0] && r.rest[0] <= '9'
}

func (r *timeReader) digits(n int) int {
	value := 0
	for range n {
		if !r.digitNext() {
			r.failed = true
			return 0
		}
		value = value*10 + int(r.rest[0]-'0')
		r.rest = r.rest[1:]
	}
	return value
}

func (r *timeReader) skip(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
