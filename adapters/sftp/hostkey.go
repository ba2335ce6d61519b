package sftp

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// HostKey is what clients know the server by.
type HostKey struct{ signer ssh.Signer }

// Fingerprint is what people compare: SHA256:….
func (k HostKey) Fingerprint() string { return ssh.FingerprintSHA256(k.signer.PublicKey()) }

// ReadHostKey reads a private key as ssh-keygen writes it, without a passphrase.
func ReadHostKey(file []byte) (HostKey, error) {
	signer, err := ssh.ParsePrivateKey(file)
	if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
		return HostKey{}, errors.New("has a passphrase, and nobody is there to type it")
	}
	if err != nil {
		return HostKey{}, errors.New("is no private key as ssh-keygen writes it")
	}
	if err := good(signer.PublicKey()); err != nil {
		return HostKey{}, fmt.Errorf("is not good enough: %w", err)
	}
	return HostKey{signer}, nil
}

// NewHostKey makes a host key, as the content of a file that ReadHostKey reads.
func NewHostKey() ([]byte, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make a host key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "importledger")
	if err != nil {
		return nil, fmt.Errorf("write a host key: %w", err)
	}
	return pem.EncodeToMemory(block), nil
}

// maxKeyLine bounds a line of authorized_keys; an RSA key of 8,192 bits has 1,400 bytes.
const maxKeyLine = 4096

// ParseKey reads one line of authorized_keys and gives it in the form that keys are
// compared in, with its comment. Its errors are sentences.
func ParseKey(line string) (string, error) {
	line = strings.TrimSpace(line)
	if strings.Contains(line, "PRIVATE KEY") {
		return "", errors.New("This is a private key. Keep it where it is, and send the public one: the line in the file that ends in .pub.")
	}
	if len(line) > maxKeyLine || strings.ContainsAny(line, "\r\n\x00") {
		return "", errors.New("A public key is one line, as in authorized_keys.")
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	switch {
	case err != nil:
		return "", errors.New("This is no public key. Send the line in the file that ends in .pub, such as ssh-ed25519 AAAA….")
	case len(options) > 0:
		return "", errors.New("A public key has no options here. Send the line as ssh-keygen wrote it.")
	}
	if err := good(key); err != nil {
		return "", err
	}
	return strings.TrimSpace(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + comment), nil
}

// good refuses kinds of keys that are weak.
func good(key ssh.PublicKey) error {
	if key.Type() == ssh.KeyAlgoRSA {
		if crypto, ok := key.(ssh.CryptoPublicKey); ok {
			if public, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() >= 2048 {
				return nil
			}
		}
		return errors.New("An RSA key needs 2,048 bits or more. Make a new key, best with ssh-keygen -t ed25519.")
	}
	if !slices.Contains(keyAlgorithms, key.Type()) {
		return fmt.Errorf("Keys of type %s are not accepted. Make one with ssh-keygen -t ed25519.", key.Type())
	}
	return nil
}
