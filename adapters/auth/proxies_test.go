package auth_test

import (
	"net/http"
	"testing"

	"importledger/adapters/auth"
)

func TestOnlyATrustedProxyIsBelieved(t *testing.T) {
	t.Parallel()
	proxies, err := auth.ParseProxies("10.0.0.0/8, 192.0.2.7,2001:db8::/32")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"direct":               {"203.0.113.9:1", nil, "203.0.113.9"},
		"a stranger who lies":  {"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		"one proxy":            {"10.1.2.3:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"a client who lies":    {"10.1.2.3:1", []string{"1.2.3.4, 198.51.100.1"}, "198.51.100.1"},
		"two proxies":          {"10.1.2.3:1", []string{"1.2.3.4, 198.51.100.1, 192.0.2.7"}, "198.51.100.1"},
		"two headers":          {"10.1.2.3:1", []string{"1.2.3.4", "198.51.100.1"}, "198.51.100.1"},
		"garbage":              {"10.1.2.3:1", []string{"198.51.100.1, unknown"}, "10.1.2.3"},
		"a proxy that is mute": {"10.1.2.3:1", nil, "10.1.2.3"},
		"mapped":               {"[::ffff:10.1.2.3]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"with a zone":          {"[2001:db8::1%eth0]:1", []string{"2001:db9::5"}, "2001:db9::5"},
		"no address":           {"@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := proxies.Address(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for _, wrong := range []string{"10.0.0.0/33", "proxy.example.org", "10.0.0"} {
		if _, err := auth.ParseProxies(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	if none, err := auth.ParseProxies(" "); none != nil || err != nil {
		t.Error(none, err)
	}
}

func TestWhatIsBehindSeesTheAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ trusted, want string }{{"10.0.0.0/8", "198.51.100.1:0"}, {"", "10.1.2.3:1"}} {
		proxies, err := auth.ParseProxies(c.trusted)
		if err != nil {
			t.Fatal(err)
		}
		seen := ""
		r := &http.Request{RemoteAddr: "10.1.2.3:1", Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}}
		proxies.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RemoteAddr })).ServeHTTP(nil, r)
		if seen != c.want || r.RemoteAddr != "10.1.2.3:1" {
			t.Errorf("trusting %q: %s", c.trusted, seen)
		}
	}
}
