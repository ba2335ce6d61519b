package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"importledger/events"
)

// Options say what a proof is held against, beside itself.
type Options struct {
	// Keys are those that are known to be the ledger's; none: the proof's own is taken,
	// and the report says so.
	Keys []PublicKey
	// Source opens the file that is said to be the one that was imported; nil: there is
	// none at hand. It is read twice.
	Source func() (io.ReadCloser, error)
	// CountRows counts the rows of such a file as they were read.
	CountRows func(r io.Reader, file events.File) (int, error)
}

// Verify reads a proof to its end and tells what it proves. Its memory does not grow
// with the proof. The error is only for what cannot be read at all: what is wrong with
// a proof is in the report.
func Verify(r io.Reader, o Options) (Report, error) {
	v := &verifier{lines: newLines(r), digest: sha256.New(), options: o}
	if err := v.read(); err != nil {
		return Report{}, err
	}
	if err := v.holdSource(); err != nil {
		return Report{}, err
	}
	return v.report(), nil
}

// verifier reads one proof.
type verifier struct {
	options Options
	lines   *lines
	digest  hash.Hash // of all above the seal
	held    []byte    // of the line read last, what is not in the digest yet

	header  *header
	stream  string
	place   events.Place // in the stream, of the event that comes next
	seen    account
	decoder events.Decoder
	broken  *broken // the first event that is not what it was
	ending  *ending
	seal    *seal
	sound   bool   // the seal fits
	rows    *int   // counted in the file at hand
	fault   *Fault // the first, but for that of broken
}

// wrong notes the first fault.
func (v *verifier) wrong(code string, text string, args ...any) {
	if v.fault == nil && v.broken == nil {
		v.fault = &Fault{Code: code, Line: v.lines.number, Message: fmt.Sprintf(text, args...)}
	}
}

func (v *verifier) read() error {
	for {
		line, err := v.lines.next(func(b []byte) { v.hold(b) })
		switch {
		case errors.Is(err, io.EOF):
			v.close()
			return nil
		case err == nil:
			v.take(line)
		case errors.Is(err, errLineTooLong), errors.Is(err, errLineCut):
			v.spoiled(err)
		default:
			return fmt.Errorf("the export cannot be read: %w", err)
		}
		if v.header == nil {
			return nil // no proof at all
		}
	}
}

// hold adds to the digest what came before these bytes: whether a line is the seal,
// which is not part of it, is known only when the line was read.
func (v *verifier) hold(b []byte) {
	v.digest.Write(v.held)
	v.held = append(v.held[:0], b...)
}

func (v *verifier) take(line []byte) {
	switch {
	case v.header == nil:
		v.takeHeader(line)
	case v.seal != nil:
		v.wrong(LineMalformed, "Line %d stands behind the signature, which is the last line of an export.", v.lines.number)
	case begins(line, sealBegins):
		v.takeSeal(line)
	case v.ending != nil:
		v.wrong(LineMalformed, "Line %d stands behind the line that counts, where only the signature can be.", v.lines.number)
	case begins(line, endingBegins):
		v.takeEnding(line)
	default:
		v.takeEvent(line)
	}
}

// spoiled is a line that is not read as a whole.
func (v *verifier) spoiled(why error) {
	switch {
	case v.header == nil && errors.Is(why, errLineTooLong):
		v.wrong(LineTooLong, "This is no export of importledger: its first line is longer than any line of one.")
	case v.header == nil:
		v.wrong(NotAnExport, "This is no export of importledger.")
	case errors.Is(why, errLineCut):
		v.wrong(Truncated, "The file was cut off on line %d, which does not end.%s", v.lines.number, v.restOf())
		v.cutAt()
	case v.ending != nil:
		v.wrong(LineTooLong, "Line %d is longer than any line of an export.", v.lines.number)
	default:
		v.breaks(nil, why.Error())
	}
}

func (v *verifier) takeHeader(line []byte) {
	var h header
	err := decodeLine(line, &h)
	switch {
	case h.Format != formatName:
		v.wrong(NotAnExport, "This is no export of importledger: its first line is not the one that such a file begins with.")
	case h.Version != formatVersion:
		v.wrong(VersionUnsupported, "The export has version %d, and this program reads version %d. Take a newer importledger.", h.Version, formatVersion)
	case err != nil:
		v.wrong(NotAnExport, "The first line cannot be read: %v.", err)
	default:
		v.header, v.stream = &h, events.ImportStream(h.Import)
	}
}

func (v *verifier) takeEvent(line []byte) {
	var e eventLine
	err := decodeLine(line, &e)
	if err == nil && len(e.Type) > longestName {
		err = errNoName
	}
	if err != nil {
		v.breaks(nil, err.Error())
		return
	}
	if v.broken != nil {
		v.broken.look(&e, v.lines.number)
		return
	}
	r := e.recorded(v.stream)
	next, err := v.place.Follow(v.stream, r)
	if err != nil {
		v.breaks(&e, "")
		return
	}
	v.account(r)
	v.place = next
}

// breaks notes where the stream stops being what was recorded; got is nil for a line
// that cannot be read.
func (v *verifier) breaks(got *eventLine, why string) {
	if v.broken == nil && v.fault == nil {
		v.broken = &broken{stream: v.stream, place: v.place, got: got, line: v.lines.number, why: why}
	}
}

// account counts an event that is what was recorded.
func (v *verifier) account(r events.Recorded) {
	e, err := v.decoder.Decode(r)
	if err != nil {
		v.wrongEvent(r, EventUnreadable, "Event %d (%s) cannot be read by this version of the program, so that its rows cannot be counted.", r.Revision, r.Type)
		return
	}
	if started, ok := e.Event.(events.ImportStarted); ok && r.Revision == 0 {
		v.compareHeader(started)
	}
	if err := v.seen.follows(e.Event); err != nil {
		v.wrongEvent(r, RowsUnaccounted, "Event %d (%s, line %d) cannot stand where it does: %v.", r.Revision, r.Type, v.lines.number, err)
	}
	v.seen.count(e.Event)
	v.seen.events, v.seen.chain = r.Revision+1, e.Meta.Chain
}

func (v *verifier) wrongEvent(r events.Recorded, code, text string, args ...any) {
	if v.fault == nil {
		v.wrong(code, text, args...)
		v.fault.Revision, v.fault.Type = at(r.Revision), r.Type
	}
}

func (v *verifier) compareHeader(started events.ImportStarted) {
	file := sourceOf(started)
	switch {
	case (file == nil) != (v.header.File == nil), file != nil && *file != *v.header.File:
		v.wrong(HeaderDiffers, "The first line was changed: what it says about the uploaded file is not what ImportStarted says.")
		v.fault.Line = 1
	}
}

func (v *verifier) takeEnding(line []byte) {
	var e ending
	if err := decodeLine(line, &e); err != nil {
		v.wrong(LineMalformed, "Line %d, which counts, cannot be read: %v.", v.lines.number, err)
		v.ending = &ending{}
		return
	}
	v.ending = &e
	if v.broken != nil {
		v.broken.end(e)
		return
	}
	is := v.seen.ending()
	switch {
	case e == is:
	case e.Events > v.place.Revision && v.seen.events == v.place.Revision && v.fault == nil && e.Chain != is.Chain:
		v.wrong(EventMissing, "%s dropped: line %d counts %d events.", missing(v.place.Revision, e.Events-v.place.Revision), v.lines.number, e.Events)
		v.fault.Revision = at(v.place.Revision)
	default:
		v.wrong(CountsDiffer, "Line %d was changed: %s", v.lines.number, difference(e, is))
	}
}

// difference says what the line behind the events has otherwise than they.
func difference(says, is ending) string {
	switch {
	case says.Events != is.Events:
		return fmt.Sprintf("it counts %d events, and there are %d.", says.Events, is.Events)
	case says.Accepted != is.Accepted || says.Rejected != is.Rejected:
		return fmt.Sprintf("it says %d rows accepted and %d rejected, and the events %d and %d.", says.Accepted, says.Rejected, is.Accepted, is.Rejected)
	case says.Rows != is.Rows:
		return fmt.Sprintf("it says that the file has %d rows, and the events %d.", says.Rows, is.Rows)
	case says.Chain != is.Chain:
		return "its chain is not that of the last event."
	}
	return fmt.Sprintf("it says that the import is %.20q, and the events %q.", says.State, is.State)
}

func (v *verifier) takeSeal(line []byte) {
	v.held = v.held[:0]
	if v.ending == nil {
		v.wrong(Truncated, "The line that counts the events is missing.%s", v.restOf())
		v.cutAt()
	}
	var s seal
	if err := decodeLine(line, &s); err != nil {
		v.wrong(SignatureInvalid, "Line %d, the signature, cannot be read: %v.", v.lines.number, err)
		v.seal = &seal{}
		return
	}
	v.seal = &s
	sum := hex.EncodeToString(v.digest.Sum(nil))
	switch {
	case s.SHA256 != sum:
		v.wrong(SignatureInvalid, "The lines above the signature are not those that were signed: their SHA-256 is another one.")
	case !s.Key.verifies(sum, s.Signature):
		v.wrong(SignatureInvalid, "The signature is not one of this key over these lines.")
	case len(v.options.Keys) > 0 && !slices.Contains(v.options.Keys, s.Key):
		v.wrong(KeyUnknown, "The file is signed by the key %s, which is none of those that you gave: it is not shown to come from that ledger.", s.Key)
	default:
		v.sound = true
	}
}

// close is the end of the file.
func (v *verifier) close() {
	switch {
	case v.header == nil:
		v.wrong(NotAnExport, "The file is empty.")
	case v.seal == nil:
		v.wrong(Truncated, "The file was cut off behind line %d: it does not end with a signature.%s", v.lines.number, v.restOf())
		v.cutAt()
	}
}

// restOf says what is not there of a stream that breaks off.
func (v *verifier) restOf() string {
	switch {
	case v.ending != nil:
		return ""
	case v.place.Revision == 0:
		return " No event is there as a whole."
	}
	return fmt.Sprintf(" What came behind event %d is not there.", v.place.Revision-1)
}

// cutAt names the first event that is not there.
func (v *verifier) cutAt() {
	if v.ending == nil && v.fault != nil && v.fault.Code == Truncated && v.fault.Revision == nil {
		v.fault.Revision = at(v.place.Revision)
	}
}
