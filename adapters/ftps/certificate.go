package ftps

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

// Certificate is what clients know the server by.
type Certificate struct {
	pair       tls.Certificate
	selfSigned bool
	from, to   time.Time
}

// ValidFrom is when clients begin to take it.
func (c Certificate) ValidFrom() time.Time { return c.from }

// ValidTo is when clients cease to.
func (c Certificate) ValidTo() time.Time { return c.to }

// Fingerprint is what people compare. A self-signed certificate is marked: nobody
// vouches for it, so that clients have to be given it, or its fingerprint.
func (c Certificate) Fingerprint() string {
	if c.selfSigned {
		return c.Digest() + " (self-signed)"
	}
	return c.Digest()
}

// Digest is SHA256:AB:CD:…, as openssl x509 shows it.
func (c Certificate) Digest() string {
	sum := sha256.Sum256(c.pair.Certificate[0])
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return "SHA256:" + strings.Join(parts, ":")
}

// SelfSigned is the certificate as PEM where nobody vouches for it, for clients to
// trust; else nil.
func (c Certificate) SelfSigned() []byte {
	if !c.selfSigned {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.pair.Certificate[0]})
}

// ReadCertificate reads a certificate, with those between it and its authority, and
// its private key, both PEM.
func ReadCertificate(certificate, key []byte) (Certificate, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return Certificate{}, errors.New("are not a certificate and its private key in PEM")
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return Certificate{}, errors.New("hold a certificate that cannot be read")
	}
	return Certificate{pair: pair, from: leaf.NotBefore, to: leaf.NotAfter, selfSigned: leaf.CheckSignatureFrom(leaf) == nil || string(leaf.RawIssuer) == string(leaf.RawSubject)}, nil
}

// validFor is long: a self-signed certificate is known by its fingerprint, which a
// new one would change.
const validFor = 10 * 365 * 24 * time.Hour

// NewCertificate makes a self-signed certificate for the names and addresses that
// clients use, as the contents of two files that ReadCertificate reads.
func NewCertificate(hosts []string, now time.Time) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, fmt.Errorf("make a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "importledger"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(validFor),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, // so that clients can be told to trust exactly this one
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("write a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}
