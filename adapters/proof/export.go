package proof

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"time"

	"importledger/events"
)

// Exporter writes proofs in the name of a ledger. Safe for concurrent use.
type Exporter struct {
	Instance string // of the ledger
	Key      Key
	Program  string // its version
	Now      func() time.Time
}

// Export writes the proof of an import from the events of its stream, as they come. It
// writes nothing before it has the first of them. What is recorded is written whether
// or not it proves itself: that is for who reads it to find.
func (x Exporter) Export(importID string, recorded iter.Seq2[events.Recorded, error], w io.Writer) error {
	digest := sha256.New()
	buffered := bufio.NewWriterSize(w, 64<<10)
	out := io.MultiWriter(buffered, digest)
	write := func(v any) error {
		line, err := encodeLine(v)
		if err == nil {
			_, err = out.Write(line)
		}
		return err
	}
	var seen account
	var decoder events.Decoder
	for r, err := range recorded {
		if err != nil {
			return err
		}
		e, readErr := decoder.Decode(r)
		if seen.events == 0 {
			if err := write(x.header(importID, e.Event)); err != nil {
				return err
			}
		}
		if err := write(eventLine{Revision: r.Revision, Type: r.Type, ID: r.ID, Data: r.Data, Metadata: r.Metadata}); err != nil {
			return err
		}
		if readErr == nil {
			seen.count(e.Event)
		}
		seen.events, seen.chain = seen.events+1, chainOf(r.Metadata)
	}
	if seen.events == 0 {
		return errNothingRecorded
	}
	if err := write(seen.ending()); err != nil {
		return err
	}
	sum := hex.EncodeToString(digest.Sum(nil))
	if err := write(seal{SHA256: sum, Key: x.Key.Public(), Signature: x.Key.sign(sum)}); err != nil {
		return err
	}
	return buffered.Flush()
}

var errNothingRecorded = errors.New("the stream of the import has no events")

func (x Exporter) header(importID string, first events.Event) header {
	h := header{Format: formatName, Version: formatVersion, Instance: x.Instance, Import: importID, ExportedAt: x.Now().UnixMilli(), Program: x.Program}
	if started, ok := first.(events.ImportStarted); ok {
		h.File = sourceOf(started)
	}
	return h
}

// sourceOf is the file that an import began with; nil: nothing of it was kept.
func sourceOf(started events.ImportStarted) *sourceFile {
	if started.File.SHA256 == "" {
		return nil
	}
	return &sourceFile{Name: started.File.Name, Size: started.File.Size, SHA256: started.File.SHA256}
}
