package sftp

import (
	"errors"
	"net/netip"
	"strings"

	"golang.org/x/crypto/ssh"
)

// What is known of a client that has signed in, among its connection's permissions.
const (
	whoExtension = "importledger-id"
	howExtension = "importledger-how"
)

// errRefused is all that a client learns.
var errRefused = errors.New("refused")

// signIn is one client's try to sign in.
type signIn struct {
	cfg  Config
	conn *connection
	from netip.Addr

	username string // that a key was offered for, in vain so far
}

// config has nothing in it that was ever found weak, even where it is still common.
func (t *signIn) config() *ssh.ServerConfig {
	cfg := &ssh.ServerConfig{
		ServerVersion:           "SSH-2.0-importledger",
		MaxAuthTries:            maxTries,
		PublicKeyAuthAlgorithms: keyAlgorithms,
		PasswordCallback:        t.password,
		PublicKeyCallback:       t.key,
	}
	cfg.KeyExchanges = []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519, ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeDH16SHA512}
	cfg.Ciphers = []string{ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305, ssh.CipherAES256CTR, ssh.CipherAES128CTR}
	cfg.MACs = []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM}
	cfg.AddHostKey(t.cfg.HostKey.signer)
	return cfg
}

var keyAlgorithms = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512}

func (t *signIn) password(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	id, err := t.cfg.Password(t.conn.ctx, meta.User(), t.from, string(password))
	if err != nil {
		return nil, errRefused
	}
	return signedIn(id, "password"), nil
}

// key answers whether a key would do. That the client has it is shown later, so what
// it signed in with is kept with the answer, never aside.
func (t *signIn) key(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	t.username = meta.User()
	id, err := t.cfg.Key(t.conn.ctx, meta.User(), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))))
	if err != nil {
		return nil, errRefused
	}
	return signedIn(id, "key"), nil
}

func signedIn(id, how string) *ssh.Permissions {
	return &ssh.Permissions{Extensions: map[string]string{whoExtension: id, howExtension: how}}
}

// gaveUp tells of keys that were offered in vain; wrong passwords were told of when
// they were tried.
func (t *signIn) gaveUp() {
	if t.username != "" {
		t.cfg.Refused(t.conn.ctx, t.username, t.from, "key-unknown")
	}
}
