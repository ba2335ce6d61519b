package proof_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"

	"importledger/adapters/proof"
	"importledger/events"
)

func TestAnExportProvesAnImport(t *testing.T) {
	file := exported(t, recorded(t, facts(30)), key)
	report := verified(t, file, key.Public())
	if !report.Verified || report.Events != 33 || report.Rows != 30 || report.Accepted != 26 || report.Rejected != 4 || report.State != events.Imported ||
		report.Import != importID || report.Key == nil || !report.Key.Pinned || report.Key.Key != key.Public() {
		t.Errorf("%+v", report)
	}
	if got := codes(report.Proved); !slices.Equal(got, []string{"events", "rows", "signature"}) {
		t.Errorf("proves %v", got)
	}
	if got := codes(report.NotProved); !slices.Equal(got, []string{"source"}) {
		t.Errorf("does not prove %v", got)
	}
}

func TestTheSameEventsAreTheSameExport(t *testing.T) {
	all := recorded(t, facts(9))
	if a, b := exported(t, all, key), exported(t, all, key); !bytes.Equal(a, b) {
		t.Error("two exports differ")
	}
}

func TestAKeyOfTheFileItselfProvesLittleAndIsSaid(t *testing.T) {
	report := verified(t, exported(t, recorded(t, facts(3)), key))
	if !report.Verified || report.Key.Pinned || !slices.Contains(codes(report.NotProved), "key") || !slices.Contains(codes(report.Proved), "signature-own-key") {
		t.Errorf("%+v", report)
	}
}

func TestAnyOfSeveralKeysWillDo(t *testing.T) {
	file := exported(t, recorded(t, facts(3)), key)
	if report := verified(t, file, thiefs.Public(), key.Public()); !report.Verified || !report.Key.Pinned {
		t.Errorf("%+v", report)
	}
	if report := verified(t, file, thiefs.Public()); report.Fault == nil || report.Fault.Code != proof.KeyUnknown {
		t.Errorf("%+v", report.Fault)
	}
}

func TestAnImportThatRunsHasNoEndYet(t *testing.T) {
	for n, state := range map[int]events.State{1: events.Preparing, 2: events.Importing, 20: events.Importing} {
		report := verified(t, exported(t, recorded(t, facts(30)[:n]), key), key.Public())
		if !report.Verified || report.State != state || !slices.Contains(codes(report.NotProved), "ended") || slices.Contains(codes(report.Proved), "rows") {
			t.Errorf("%d events: %+v", n, report)
		}
	}
}

func TestAnImportThatEndedEarlyLeavesRowsUndecided(t *testing.T) {
	for _, last := range []events.Event{events.ImportCanceled{Reason: "wrong file"}, events.ImportFailed{Code: "file-unreadable", Message: "m"}} {
		report := verified(t, exported(t, recorded(t, append(facts(30)[:12:12], last)), key), key.Public())
		if !report.Verified || report.Accepted+report.Rejected != 10 || !slices.Contains(codes(report.NotProved), "rows") {
			t.Errorf("%+v", report)
		}
	}
}

func TestAFileThatBrokeARuleIsExported(t *testing.T) {
	all := recorded(t, []events.Event{events.ImportStarted{Name: "x", Type: events.FTPTemplate, File: events.File{Name: "x"}}, events.ImportFailed{Code: "file-empty", Message: "m"}})
	report := verified(t, exported(t, all, key), key.Public())
	if !report.Verified || report.State != events.Failed {
		t.Errorf("%+v", report)
	}
	withSource, err := proof.Verify(bytes.NewReader(exported(t, all, key)), proof.Options{Source: source("x")})
	if err != nil || withSource.Fault == nil || withSource.Fault.Code != proof.SourceMissing {
		t.Errorf("%+v, %v", withSource.Fault, err)
	}
}

func source(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func countLines(r io.Reader, _ events.File) (int, error) {
	text, err := io.ReadAll(r)
	return bytes.Count(text, []byte("\n")) - 1, err
}

func TestTheSourceIsHeldAgainstTheExport(t *testing.T) {
	file := exported(t, recorded(t, facts(30)), key)
	verify := func(o proof.Options) proof.Report {
		o.Keys = []proof.PublicKey{key.Public()}
		report, err := proof.Verify(bytes.NewReader(file), o)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	right := verify(proof.Options{Source: source(sourceText(30)), CountRows: countLines})
	if !right.Verified || !slices.Equal(codes(right.Proved), []string{"events", "rows", "source", "source-rows", "signature"}) || len(right.NotProved) != 0 {
		t.Errorf("%+v", right)
	}
	if wrong := verify(proof.Options{Source: source(sourceText(29) + "c30@example.org;City 31\n"), CountRows: countLines}); wrong.Fault == nil || wrong.Fault.Code != proof.SourceDiffers {
		t.Errorf("%+v", wrong.Fault)
	}
	few := verify(proof.Options{Source: source(sourceText(30)), CountRows: func(io.Reader, events.File) (int, error) { return 29, nil }})
	if few.Fault == nil || few.Fault.Code != proof.RowsUnaccounted {
		t.Errorf("%+v", few.Fault)
	}
	_, err := proof.Verify(bytes.NewReader(file), proof.Options{Source: func() (io.ReadCloser, error) { return io.NopCloser(unreadable{strings.NewReader("E")}), nil }})
	if !errors.Is(err, errDisk) {
		t.Errorf("a source that cannot be read: %v", err)
	}
}

// Whoever changes events and computes the chain anew is found by the signature, and
// whoever signs anew as well by the key that was given.
func TestAChainThatWasComputedAnewIsFoundBySignatureAndKey(t *testing.T) {
	forged := facts(30)
	accepted := forged[4].(events.RowAccepted)
	accepted.Contact.Attributes = []byte(`{"email":"thief@example.org"}`)
	forged[4] = accepted
	lines := split(exported(t, recorded(t, forged), key))
	honest := split(exported(t, recorded(t, facts(30)), key))
	kept := append(slices.Clone(lines[:len(lines)-1]), honest[len(honest)-1])
	unsigned := func(what string, report proof.Report, fit bool) {
		t.Helper()
		proves, not := []string(nil), []string{"events", "rows", "source", "signature"}
		if fit {
			proves = []string{"events-fit"}
		}
		if !slices.Equal(codes(report.Proved), proves) || !slices.Equal(codes(report.NotProved), not) {
			t.Errorf("%s: proves %v, does not prove %v", what, codes(report.Proved), codes(report.NotProved))
		}
	}
	unsigned("the old signature", verified(t, join(kept), key.Public()), true)
	unsigned("the old signature, without a key", verified(t, join(kept)), true)
	unsigned("a signature of one's own", verified(t, resealed(lines, 2), key.Public()), true)
	unsigned("cut off", verified(t, join(lines[:20]), key.Public()), true)
	unsigned("cut off behind the first event", verified(t, join(lines[:2]), key.Public()), true)
	unsigned("cut off before it", verified(t, lines[0], key.Public()), false)
	if report := verified(t, join(kept), key.Public()); report.Fault == nil || report.Fault.Code != proof.SignatureInvalid || report.Fault.Revision != nil {
		t.Errorf("the old signature: %+v", report.Fault)
	}
	again := resealed(lines, 2)
	if report := verified(t, again, key.Public()); report.Fault == nil || report.Fault.Code != proof.KeyUnknown {
		t.Errorf("a signature of one's own: %+v", report.Fault)
	}
	if report := verified(t, again); !report.Verified || !slices.Contains(codes(report.NotProved), "key") {
		t.Errorf("without a key nothing shows, and that is said: %+v", report)
	}
	claimed := bytes.Replace(again, []byte(thiefs.Public().String()), []byte(key.Public().String()), 1)
	if report := verified(t, claimed, key.Public()); report.Fault == nil || report.Fault.Code != proof.SignatureInvalid {
		t.Errorf("under another's name: %+v", report.Fault)
	}
}

// Chained and signed without a flaw, and still not an import: the rows tell.
func TestRowsAreCountedWhateverIsSigned(t *testing.T) {
	f := facts(10)
	row := func(n int) events.Event { return events.RowRejected{Row: n, Line: n + 1} }
	for name, c := range map[string]struct {
		facts []events.Event
		at    uint64
		says  string
	}{
		"a row left out":      {slices.Delete(slices.Clone(f), 5, 6), 5, "row 4 has no outcome"},
		"a row twice":         {slices.Insert(slices.Clone(f), 6, row(4)), 6, "row 4 has a second outcome"},
		"a row too many":      {slices.Insert(slices.Clone(f), 12, row(11)), 12, "only 10 rows"},
		"rows unmapped":       {slices.Delete(slices.Clone(f), 1, 2), 1, "before the columns were mapped"},
		"mapped twice":        {slices.Insert(slices.Clone(f), 2, f[1]), 2, "mapped before"},
		"started twice":       {slices.Insert(slices.Clone(f), 3, f[0]), 3, "started before"},
		"not started":         {f[1:], 0, "begins with ImportStarted"},
		"after the end":       {append(slices.Clone(f), events.ImportCanceled{}), 13, "has ended"},
		"other counts":        {append(slices.Clone(f[:12]), events.ImportCompleted{Accepted: 10}), 12, "10 rows accepted and 0 rejected"},
		"completed too early": {append(slices.Clone(f[:11]), events.ImportCompleted{Accepted: 8, Rejected: 1}), 11, "1 of the file's 10 rows"},
		"another chain":       {append(slices.Clone(f[:12]), events.ImportCompleted{Accepted: 9, Rejected: 1, Chain: events.Chain{1}}), 12, "chain"},
		"a foreign event":     {append(slices.Clone(f[:3]), events.AttributeCreated{}), 3, "no event of an import"},
	} {
		report := verified(t, exported(t, recorded(t, c.facts), key), key.Public())
		if report.Fault == nil || report.Fault.Code != proof.RowsUnaccounted || report.Fault.Revision == nil || *report.Fault.Revision != c.at || !strings.Contains(report.Fault.Message, c.says) {
			t.Errorf("%s: %+v", name, report.Fault)
		}
	}
}

func TestEventsWithoutAChainAreNamed(t *testing.T) {
	all := recorded(t, facts(10))
	for i := range all[:4] {
		all[i].Metadata = []byte(`{"v":1,"at":5}`)
	}
	report := verified(t, exported(t, all, key), key.Public())
	if report.Fault == nil || report.Fault.Code != proof.EventNotChained || *report.Fault.Revision != 0 {
		t.Errorf("%+v", report.Fault)
	}
}

func TestAnExportBeginsWithTheFirstEventOrNotAtAll(t *testing.T) {
	x := proof.Exporter{Key: key}
	var out bytes.Buffer
	if err := x.Export(importID, each(nil), &out); err == nil || out.Len() > 0 {
		t.Errorf("of nothing: %v, %d bytes", err, out.Len())
	}
	gone := func() iter.Seq2[events.Recorded, error] {
		return func(yield func(events.Recorded, error) bool) { yield(events.Recorded{}, context.Canceled) }
	}
	if err := x.Export(importID, gone(), &out); !errors.Is(err, context.Canceled) || out.Len() > 0 {
		t.Errorf("of a log that is away: %v, %d bytes", err, out.Len())
	}
}

func TestHostileFilesAreRefusedByCode(t *testing.T) {
	lines := split(exported(t, recorded(t, facts(5)), key))
	long := bytes.Repeat([]byte("x"), 3<<20)
	with := func(at int, more ...[]byte) []byte { return join(slices.Insert(slices.Clone(lines), at, more...)) }
	for name, c := range map[string]struct {
		file []byte
		code string
	}{
		"nothing":                   {nil, proof.NotAnExport},
		"a picture":                 {[]byte("\x89PNG\r\n\x1a\n\xff\xfe"), proof.NotAnExport},
		"a long line":               {long, proof.LineTooLong},
		"a CSV file":                {[]byte(sourceText(3)), proof.NotAnExport},
		"a version to come":         {bytes.Replace(join(lines), []byte(`"version":1`), []byte(`"version":2`), 1), proof.VersionUnsupported},
		"a header that says more":   {bytes.Replace(join(lines), []byte(`"version":1`), []byte(`"version":1,"more":1`), 1), proof.NotAnExport},
		"a second header":           {with(1, lines[0]), proof.EventInserted},
		"a second header further":   {with(4, lines[0]), proof.EventInserted},
		"a long line among events":  {with(4, append(bytes.Clone(long), '\n')), proof.EventInserted},
		"a long line at the end":    {with(len(lines)-1, append(bytes.Clone(long), '\n')), proof.LineTooLong},
		"bytes that are not UTF-8":  {with(4, []byte("{\"revision\":\xff\xfe}\n")), proof.EventInserted},
		"a name without end":        {with(4, []byte(`{"revision":3,"type":"`+strings.Repeat("N", 1<<20)+`","id":"00000000-0000-0000-0000-000000000000","data":"","metadata":""}`+"\n")), proof.EventInserted},
		"an empty line":             {with(4, []byte("\n")), proof.EventInserted},
		"lines that end in CRLF":    {bytes.ReplaceAll(join(lines), []byte("\n"), []byte("\r\n")), proof.NotAnExport},
		"a byte order mark":         {append([]byte("\xef\xbb\xbf"), join(lines)...), proof.NotAnExport},
		"something behind the seal": {append(join(lines), "{}\n"...), proof.LineMalformed},
		"a second seal":             {append(join(lines), lines[len(lines)-1]...), proof.LineMalformed},
		"no count":                  {join(slices.Delete(slices.Clone(lines), len(lines)-2, len(lines)-1)), proof.Truncated},
		"no seal":                   {join(lines[:len(lines)-1]), proof.Truncated},
		"only a header":             {lines[0], proof.Truncated},
		"no last line end":          {bytes.TrimSuffix(join(lines), []byte("\n")), proof.Truncated},
	} {
		if report := verified(t, c.file, key.Public()); report.Fault == nil || report.Fault.Code != c.code || len(report.Fault.Message) > 500 {
			t.Errorf("%s: %+v, want %s", name, report.Fault, c.code)
		}
	}
	if _, err := proof.Verify(unreadable{bytes.NewReader(lines[0])}, proof.Options{}); !errors.Is(err, errDisk) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

// What is in use while a file is read does not grow with the file.
func TestAFileIsNotKeptInMemory(t *testing.T) {
	in := func(rows int) int64 {
		r := &weighing{Reader: bytes.NewReader(exported(t, recorded(t, facts(rows)), key)), every: 20}
		if report, err := proof.Verify(r, proof.Options{}); err != nil || !report.Verified {
			t.Fatal(report.Fault, err)
		}
		return r.most - r.before
	}
	short, long := in(500), in(20_000)
	if long > short+1<<20 || long > 4<<20 {
		t.Errorf("%d bytes are in use for 500 rows, and %d for 20,000", short, long)
	}
}

// weighing looks now and then at what is in use, and hands out little at once.
type weighing struct {
	io.Reader
	reads, every int
	before, most int64
}

func (w *weighing) Read(p []byte) (int, error) {
	if w.reads%w.every == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if w.reads == 0 {
			w.before = int64(m.HeapAlloc)
		}
		w.most = max(w.most, int64(m.HeapAlloc))
	}
	w.reads++
	return w.Reader.Read(p[:min(len(p), 64<<10)])
}

func TestPublicKeysAreReadAsTheyArePublished(t *testing.T) {
	a, b := key.Public(), thiefs.Public()
	jwk := func(p proof.PublicKey) string {
		return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":"%s","kid":"%s"}`, p, p.ID())
	}
	for text, want := range map[string][]proof.PublicKey{
		a.String():                               {a},
		a.String() + "=\n\n" + b.String() + "\n": {a, b},
		`{"keys":[` + jwk(a) + `,{"kty":"RSA","n":"AQAB"},` + jwk(b) + `]}`: {a, b},
	} {
		if got, err := proof.ReadKeys([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "{", "{}", "x", a.String() + " " + b.String(), a.String()[1:]} {
		if got, err := proof.ReadKeys([]byte(text)); !errors.Is(err, proof.ErrNoKeys) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
