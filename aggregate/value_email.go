package aggregate

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	maxEmail  = 254 // octets
	maxDomain = 253
	maxLabel  = 63
)

// domains maps international domain names to the ASCII form that is kept (UTS #46,
// not transitional). Hyphens are left to domainIsASCII: names with two of them in
// third place exist.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true),
	idna.BidiRule(), idna.CheckJoiners(true), idna.CheckHyphens(false))

// normalEmail gives an address (RFC 5322 addr-spec without comments, folding and
// obsolete forms) as it is kept: the local part as written, the domain in lower
// case and ASCII.
func normalEmail(cell string) (string, bool) {
	s := strings.TrimSpace(cell)
	if len(s) > utf8.UTFMax*maxEmail {
		return "", false // no domain shrinks that much, and mapping a long one is slow
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || !isLocalPart(s[:at]) {
		return "", false
	}
	domain, ok := normalDomain(s[at+1:])
	if !ok || at+1+len(domain) > maxEmail {
		return "", false
	}
	if domain == s[at+1:] {
		return s, true
	}
	return s[:at+1] + domain, true
}

func isLocalPart(s string) bool { return isDotAtom(s) || isQuotedString(s) }

// isAtomText is atext of RFC 5322 §3.2.3.
func isAtomText(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func isDotAtom(s string) bool {
	dot := true // an atom must follow
	for i := range len(s) {
		switch {
		case s[i] == '.' && !dot:
			dot = true
		case isAtomText(s[i]):
			dot = false
		default:
			return false
		}
	}
	return !dot
}

func isQuotedString(s string) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			if i == len(s) {
				return false
			}
		case '"':
			return false
		}
		if (s[i] < ' ' || s[i] > '~') && s[i] != '\t' {
			return false
		}
	}
	return true
}

// unquotedLocalPart takes away what a quoted local part does not need: the quotes
// are no part of what it means (RFC 5322 §3.2.4).
func unquotedLocalPart(quoted string) string {
	var plain, again strings.Builder
	again.WriteByte('"')
	for i := 1; i < len(quoted)-1; i++ {
		if quoted[i] == '\\' {
			i++
		}
		plain.WriteByte(quoted[i])
		if quoted[i] == '"' || quoted[i] == '\\' {
			again.WriteByte('\\')
		}
		again.WriteByte(quoted[i])
	}
	if isDotAtom(plain.String()) {
		return plain.String()
	}
	again.WriteByte('"')
	return again.String()
}

func normalDomain(s string) (string, bool) {
	if strings.HasPrefix(s, "[") {
		return normalAddressLiteral(s)
	}
	if domainIsASCII(s) && !hasPunycode(s) {
		return strings.ToLower(s), true
	}
	if !utf8.ValidString(s) {
		return "", false // the mapping would quietly replace what cannot be read
	}
	s, err := domains.ToASCII(s)
	return s, err == nil && domainIsASCII(s)
}

// domainIsASCII tells whether s is a host name: labels of letters, digits and
// inner hyphens. RFC 5322 would allow more, which no domain can be.
func domainIsASCII(s string) bool {
	if len(s) > maxDomain {
		return false
	}
	start := 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '.' {
			if n := i - start; n == 0 || n > maxLabel || s[start] == '-' || s[i-1] == '-' {
				return false
			}
			start = i + 1
			continue
		}
		if c := s[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || 'A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}

// hasPunycode tells whether a label may be an encoded international one, which
// has to be checked as such.
func hasPunycode(s string) bool {
	for i := 0; i+4 <= len(s); i++ {
		if s[i+2] == '-' && s[i+3] == '-' && strings.EqualFold(s[i:i+2], "xn") {
			return true
		}
	}
	return false
}

// normalAddressLiteral takes [192.0.2.1] and [IPv6:2001:db8::1] (RFC 5321 §4.1.3).
func normalAddressLiteral(s string) (string, bool) {
	inner, ok := strings.CutSuffix(s[1:], "]")
	if !ok {
		return "", false
	}
	if len(inner) > 5 && strings.EqualFold(inner[:5], "IPv6:") {
		a, err := netip.ParseAddr(inner[5:])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return "", false
		}
		return "[ipv6:" + a.String() + "]", true
	}
	a, err := netip.ParseAddr(inner)
	if err != nil || !a.Is4() {
		return "", false
	}
	return "[" + a.String() + "]", true
}
