package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// outputLog is the file that a server's output goes to. It holds at most two
// files of maxOutput bytes, and remembers the end of the current run to explain
// a failure from.
type outputLog struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int64
	tail []byte
}

const (
	maxOutput = 4 << 20
	maxTail   = 8 << 10
)

func openOutputLog(path string) (*outputLog, error) {
	o := &outputLog{path: path}
	if err := o.open(); err != nil {
		return nil, explainPath(err, filepath.Dir(path))
	}
	return o, nil
}

func (o *outputLog) open() error {
	f, err := os.OpenFile(o.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	o.file, o.size = f, info.Size()
	return nil
}

// Write never fails: a server must not stand still because its log cannot be
// written. What does not fit on the disk is only remembered.
func (o *outputLog) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = append(o.tail, p...)
	if over := len(o.tail) - maxTail; over > 0 {
		o.tail = append(o.tail[:0], o.tail[over:]...)
	}
	if o.size+int64(len(p)) > maxOutput {
		if err := o.rotate(); err != nil {
			o.tail = fmt.Appendf(o.tail, "rotating the log: %v\n", err)
		}
	}
	if o.file != nil {
		n, err := o.file.Write(p)
		o.size += int64(n)
		if err != nil {
			o.tail = fmt.Appendf(o.tail, "writing the log: %v\n", err)
		}
	}
	return len(p), nil
}

func (o *outputLog) rotate() error {
	if o.file != nil {
		if err := o.file.Close(); err != nil {
			return err
		}
		o.file = nil
	}
	if err := os.Rename(o.path, o.path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return o.open()
}

// note adds a line of our own.
func (o *outputLog) note(line string) {
	if _, err := fmt.Fprintln(o, line); err != nil {
		panic(err) // Write never fails
	}
}

// forget starts a new run: what came before explains nothing any more.
func (o *outputLog) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = o.tail[:0]
}

// recent is the end of the current run's output.
func (o *outputLog) recent() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(string(o.tail))
}

func (o *outputLog) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	return err
}
