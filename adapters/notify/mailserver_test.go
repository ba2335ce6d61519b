package notify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"
)

// selfSigned is a certificate for this machine, and who trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func letterTo(t *testing.T, to string) *mail.Msg {
	t.Helper()
	m := mail.NewMsg()
	if err := m.From("ledger@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := m.To(to); err != nil {
		t.Fatal(err)
	}
	m.Subject("import ended")
	m.SetBodyString(mail.TypeTextPlain, "It has ended.\n")
	m.AddAlternativeString(mail.TypeTextHTML, "<p>It has ended.</p>")
	return m
}

// What STARTTLS is for: mail goes out encrypted to a server that proves who it is, and
// to no other, unless the settings say that it may.
func TestMailGoesOutByStartTLS(t *testing.T) {
	t.Parallel()
	certificate, trusting := selfSigned(t)
	offering := newPostOffice(t, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	plain := newPostOffice(t, nil)
	for name, c := range map[string]struct {
		office *postOffice
		query  string
		trust  *tls.Config
		goes   bool
		tls    bool
	}{
		"offered and trusted":            {offering, "", trusting, true, true},
		"offered by nobody known":        {offering, "", nil, false, false},
		"not offered":                    {plain, "", trusting, false, false},
		"not offered, and need not be":   {plain, "?tls=off", nil, true, false},
		"offered, and not to be used":    {offering, "?tls=off", nil, true, false},
		"encrypted where nobody answers": {plain, "smtps", trusting, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			address := "smtp://" + c.office.at + c.query
			if c.query == "smtps" {
				address = "smtps://" + c.office.at
			}
			server, err := NewMailServer(address, "", "ledger@example.org", c.trust)
			if err != nil {
				t.Fatal(err)
			}
			to := strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "") + "@example.org"
			if err := server.Check(t.Context()); (err == nil) != c.goes {
				t.Errorf("checked: %v", err)
			}
			if o := server.send(t.Context(), letterTo(t, to)); (o.problem == "") != c.goes || o.final {
				t.Errorf("%+v", o)
			}
			got := 0
			for _, letter := range c.office.all() {
				if letter.to == to {
					got++
					if letter.encrypted != c.tls {
						t.Errorf("encrypted: %t, want %t", letter.encrypted, c.tls)
					}
				}
			}
			if want := map[bool]int{true: 1}[c.goes]; got != want {
				t.Errorf("%d letters arrived, want %d", got, want)
			}
		})
	}
}
