package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// dataDir is the folder that one process at a time owns: the embedded node's log,
// the private cluster, stored files, the instance's secret, and how to reach the
// server that runs on it.
type dataDir struct {
	path string
	lock *flock.Flock
}

// holder is what the owner of a data directory leaves for those who come after.
type holder struct {
	PID     int    `json:"pid"`
	Command string `json:"command"`
}

// errDataDirHeld is returned while another process owns the data directory.
var errDataDirHeld = errors.New("data directory is in use")

// openDataDir makes the folder where it is missing and takes it for this process.
func openDataDir(path, command string) (*dataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", path, err)
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, not a data directory: name another with --data or IMPORTLEDGER_DATA", path)
	}
	if err := os.MkdirAll(path, dataDirMode()); err != nil {
		return nil, notWritable(path, err)
	}
	lock := flock.New(filepath.Join(path, "lock"), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, notWritable(path, err)
	}
	if !held {
		return nil, heldBy(path)
	}
	d := &dataDir{path: path, lock: lock}
	if err := writeJSON(d.file("holder.json"), holder{PID: os.Getpid(), Command: command}); err != nil {
		return nil, errors.Join(notWritable(path, err), lock.Unlock())
	}
	return d, nil
}

// dataDirMode lets nobody else look in. Where root runs us, Postgres runs under
// another user, who must get through to its own folder.
func dataDirMode() fs.FileMode {
	if os.Geteuid() == 0 {
		return 0o711
	}
	return 0o700
}

func notWritable(path string, err error) error {
	return fmt.Errorf("data directory %s cannot be used (%w): make it writable for this user, or name another with --data or IMPORTLEDGER_DATA", path, cause(err))
}

// cause leaves out the path that a sentence has named already.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func heldBy(path string) error {
	who := "another process"
	var h holder
	if err := readJSON(filepath.Join(path, "holder.json"), &h); err == nil {
		who = fmt.Sprintf("process %d (importledger %s)", h.PID, h.Command)
	}
	return fmt.Errorf("%w: %s holds %s; stop it, use it with --server, or name another directory with --data", errDataDirHeld, who, path)
}

// close gives the data directory to whoever wants it next.
func (d *dataDir) close() error {
	err := os.Remove(d.file("holder.json"))
	return errors.Join(err, d.lock.Unlock())
}

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

const secretKeyBytes = 32

// secretKey gives the instance's secret.
func (d *dataDir) secretKey(set string) ([]byte, error) {
	return d.key("secret.key", "IMPORTLEDGER_SECRET_KEY", set)
}

// auditKey gives what the key that signs exports is made from. It is none of the
// secret key's: that one cannot be replaced, and more programs may know it.
func (d *dataDir) auditKey(set string) ([]byte, error) {
	return d.key("audit.key", "IMPORTLEDGER_AUDIT_KEY", set)
}

// key gives a key: the one that is set, else the one that was made when the data
// directory was first used.
func (d *dataDir) key(file, variable, set string) ([]byte, error) {
	if set != "" {
		return decodeSecretKey(variable, set)
	}
	path := d.file(file)
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		return decodeSecretKey(path, strings.TrimSpace(string(text)))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, notWritable(d.path, err)
	}
	key := make([]byte, secretKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	if err := writeDurably(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n")); err != nil {
		return nil, notWritable(d.path, err)
	}
	return key, nil
}

func decodeSecretKey(from, text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != secretKeyBytes {
		return nil, fmt.Errorf("%s must be %d bytes in base64, as `openssl rand -base64 %d` prints", from, secretKeyBytes, secretKeyBytes)
	}
	return key, nil
}

// address is how the commands of the data directory's owner reach its server.
type address struct {
	URL          string `json:"url"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	PID          int    `json:"pid"`
}

const addressFile = "server.json"

func (d *dataDir) publish(a address) error {
	if err := writeJSON(d.file(addressFile), a); err != nil {
		return notWritable(d.path, err)
	}
	return nil
}

func (d *dataDir) unpublish() error {
	if err := os.Remove(d.file(addressFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeDurably(path, append(text, '\n'))
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// writeDurably replaces a file as a whole, readable for its owner only: a crash
// leaves the old one or the new one.
func writeDurably(path string, content []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
