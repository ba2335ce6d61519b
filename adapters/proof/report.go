package proof

import (
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"importledger/events"
)

// Report tells what a proof proves, and what it does not.
type Report struct {
	Verified   bool         `json:"verified"` // nothing is wrong with what the file claims
	Fault      *Fault       `json:"fault"`    // the first thing that is wrong; null: nothing
	Proved     []Statement  `json:"proved"`
	NotProved  []Statement  `json:"notProved"`
	Instance   string       `json:"instance"`
	Import     string       `json:"import"`
	ExportedAt int64        `json:"exportedAt"`
	State      events.State `json:"state"`
	Events     uint64       `json:"events"` // as recorded, up to the first that is not
	Rows       int          `json:"rows"`
	Accepted   int          `json:"accepted"`
	Rejected   int          `json:"rejected"`
	Chain      events.Chain `json:"chain"`
	Key        *UsedKey     `json:"key"` // null: there is no signature that can be read
}

// UsedKey is the key of a signature.
type UsedKey struct {
	Key    PublicKey `json:"key"`
	ID     string    `json:"id"`
	Pinned bool      `json:"pinned"` // it is one of those that were given
}

// Statement is one thing that is proved, or is not.
type Statement struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

var english = message.NewPrinter(language.English)

func (r *Report) proves(code, text string, args ...any) {
	r.Proved = append(r.Proved, Statement{code, english.Sprintf(text, args...)})
}

func (r *Report) doesNot(code, text string, args ...any) {
	r.NotProved = append(r.NotProved, Statement{code, english.Sprintf(text, args...)})
}

func (v *verifier) report() Report {
	fault := v.fault
	if v.broken != nil {
		fault = v.broken.fault()
	}
	is := v.seen.ending()
	r := Report{Verified: fault == nil, Fault: fault, Proved: []Statement{}, NotProved: []Statement{}, State: is.State, Events: is.Events, Rows: is.Rows,
		Accepted: is.Accepted, Rejected: is.Rejected, Chain: is.Chain}
	if v.header != nil {
		r.Instance, r.Import, r.ExportedAt = v.header.Instance, v.header.Import, v.header.ExportedAt
	}
	if v.seal != nil && len(v.seal.Signature) > 0 {
		r.Key = &UsedKey{Key: v.seal.Key, ID: v.seal.Key.ID(), Pinned: v.sound && len(v.options.Keys) > 0}
	}
	v.reportEvents(&r)
	v.reportRows(&r)
	v.reportSource(&r)
	v.reportKey(&r)
	return r
}

func (v *verifier) reportEvents(r *Report) {
	switch {
	case v.header == nil:
	case r.Events == 0:
		r.doesNot("events", "That the events are there, unchanged and in order.")
	case !v.sound:
		v.reportUnsigned(r)
	case v.whole():
		r.proves("events", "All %d events are there, unchanged and in order.", r.Events)
	case r.Events == 1:
		r.proves("events-so-far", "The first event is there, unchanged.")
		r.doesNot("events", "What became of the events behind it.")
	default:
		r.proves("events-so-far", "The first %d events are there, unchanged and in order.", r.Events)
		r.doesNot("events", "What became of the events behind them.")
	}
}

// reportUnsigned is about events that nobody is shown to have signed. Their chain has no
// key: it shows that they fit each other, and not that they were recorded.
func (v *verifier) reportUnsigned(r *Report) {
	switch {
	case r.Events == 1:
		r.proves("events-fit", "The first event fits its chain.")
	case v.whole():
		r.proves("events-fit", "All %d events fit each other.", r.Events)
	default:
		r.proves("events-fit", "The first %d events fit each other.", r.Events)
	}
	r.doesNot("events", "That these events were recorded, and no others: whoever makes events up can compute their chain. Only a signature that is right shows more.")
}

// whole tells that all events fit each other, from the first to the last, whatever they
// say. With a sound signature they are those that were recorded.
func (v *verifier) whole() bool {
	return v.broken == nil && v.ending != nil && v.ending.Events == v.place.Revision && v.ending.Chain == v.place.Chain
}

func (v *verifier) reportRows(r *Report) {
	rowsWrong := v.fault != nil && (v.fault.Code == RowsUnaccounted || v.fault.Code == EventUnreadable || v.fault.Code == CountsDiffer)
	switch {
	case v.header == nil:
	case !v.sound || !v.whole() || rowsWrong:
		r.doesNot("rows", "That each row has exactly one outcome.")
	case r.State == events.Imported:
		r.proves("rows", "Each of the %d rows of the file has exactly one outcome: %d accepted and %d rejected, as ImportCompleted says.", r.Rows, r.Accepted, r.Rejected)
		if v.seen.unchainedEnd {
			r.doesNot("completed-chain", "That ImportCompleted names the chain it came behind: it was recorded by an older version.")
		}
	case r.State.Final():
		r.proves("rows-so-far", "Each of the first %d rows of the file has exactly one outcome: %d accepted and %d rejected. The import was then %s.", r.Accepted+r.Rejected, r.Accepted, r.Rejected, r.State)
		if left := r.Rows - r.Accepted - r.Rejected; left > 0 {
			r.doesNot("rows", "Anything about the other %d rows of the file, which were not decided.", left)
		}
	default:
		r.proves("rows-so-far", "Each of the first %d rows of the file has exactly one outcome: %d accepted and %d rejected.", r.Accepted+r.Rejected, r.Accepted, r.Rejected)
		r.doesNot("ended", "How the import ends: it was %s when it was exported. Export it again when it has ended.", r.State)
	}
}

func (v *verifier) reportSource(r *Report) {
	switch {
	case v.header == nil || v.header.File == nil:
	case v.options.Source == nil:
		r.doesNot("source", "What the file said: it was not at hand. Give it with --source; its SHA-256 is %.64s.", v.header.File.SHA256)
	case v.fault != nil || v.broken != nil:
		r.doesNot("source", "That the file at hand is the one that was imported.")
	default:
		r.proves("source", "The file at hand is the one that was imported: its SHA-256 is %s.", v.header.File.SHA256)
		if v.rows != nil {
			r.proves("source-rows", "Read as it was recorded, it has %d rows.", *v.rows)
		}
	}
}

func (v *verifier) reportKey(r *Report) {
	switch {
	case v.header == nil:
	case !v.sound:
		r.doesNot("signature", "That the file is as a ledger has signed it.")
	case len(v.options.Keys) > 0:
		r.proves("signature", "The file is as the ledger signed it, by the key %s, which is one that you gave.", v.seal.Key)
	default:
		r.proves("signature-own-key", "The file is as it was signed, by the key %s.", v.seal.Key)
		r.doesNot("key", "Whose key that is: it stands in the file itself, and whoever makes up a file can sign it with a key of his own. "+
			"Compare it with what `importledger audit key` prints, or give that with --key.")
	}
}
