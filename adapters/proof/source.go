package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"importledger/commands"
)

// holdSource compares the file at hand with the one that was imported.
func (v *verifier) holdSource() error {
	if v.options.Source == nil || v.header == nil {
		return nil
	}
	if v.header.File == nil {
		v.wrong(SourceMissing, "Nothing of the uploaded file was kept, so that no file can be compared with it.")
		return nil
	}
	digest := sha256.New()
	size, err := v.readSource(func(r io.Reader) (int64, error) { return io.Copy(digest, r) })
	if err != nil {
		return err
	}
	if sum := hex.EncodeToString(digest.Sum(nil)); sum != v.header.File.SHA256 || size != v.header.File.Size {
		v.wrong(SourceDiffers, "The file at hand is not the one that was imported: it has %d bytes and SHA-256 %s, not %d bytes and %.64s.", size, sum, v.header.File.Size, v.header.File.SHA256)
		if v.fault != nil && v.fault.Code == SourceDiffers {
			v.fault.Line = 0
		}
		return nil
	}
	if v.options.CountRows == nil || len(v.seen.file.Header) == 0 || v.fault != nil || v.broken != nil {
		return nil // events that are wrong do not say how to read a file
	}
	rows, err := v.readSource(func(r io.Reader) (int64, error) {
		n, err := v.options.CountRows(r, v.seen.file)
		return int64(n), err
	})
	if refused, ok := errors.AsType[*commands.Refusal](err); ok {
		v.wrong(RowsUnaccounted, "The file does not have the rows that its events say: read as they say, it is refused (%s).", refused.Code)
		v.fault.Line = 0
		return nil
	}
	if err != nil {
		return err
	}
	counted := int(rows)
	if v.rows = &counted; counted != v.seen.file.Rows {
		v.wrong(RowsUnaccounted, "The file has %d rows, and its events say %d.", counted, v.seen.file.Rows)
		v.fault.Line = 0
	}
	return nil
}

func (v *verifier) readSource(read func(io.Reader) (int64, error)) (n int64, err error) {
	file, err := v.options.Source()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if n, err = read(file); err != nil {
		return n, fmt.Errorf("the source file cannot be read: %w", err)
	}
	return n, nil
}
