package notify

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
)

var errPrivateAddress = errors.New("no public address")

// special are networks that no receiver on the Internet has: those that IANA lists as
// not globally reachable, and those that carry another address inside.
var special = func() []netip.Prefix {
	var all []netip.Prefix
	for _, network := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		all = append(all, netip.MustParsePrefix(network))
	}
	return all
}()

// globalIPv6 are the addresses of version 6 that are given out; all else is special.
var globalIPv6 = netip.MustParsePrefix("2000::/3")

// mustBePublic refuses an address host:port that is about to be dialled unless
// everybody on the Internet means the same by it.
func mustBePublic(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(at.Addr()) {
		return errPrivateAddress
	}
	return nil
}

func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || a.Is6() && !globalIPv6.Contains(a) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// checkURL says what is wrong with a webhook's address; empty: nothing. What its host
// means is looked at whenever it is called.
func (n *Notifier) checkURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		return "It must be an address such as https://example.org/hooks/imports."
	case len(text) > 2000:
		return "It may have at most 2000 characters."
	case u.User != nil:
		return "It must hold no username and password: what is sent is signed, so the receiver knows us by that."
	case u.Fragment != "":
		return "It must have no part behind #: that is never sent."
	case u.Scheme == "http" && !n.AllowHTTP:
		return "It must begin with https://. IMPORTLEDGER_WEBHOOKS_ALLOW_HTTP=true allows http."
	}
	if literal, err := netip.ParseAddr(u.Hostname()); !n.AllowPrivate && (err == nil && !isPublic(literal) || net.ParseIP(u.Hostname()) == nil && u.Hostname() == "localhost") {
		return "Its host must have a public address. IMPORTLEDGER_WEBHOOKS_ALLOW_PRIVATE=true allows others."
	}
	return ""
}
