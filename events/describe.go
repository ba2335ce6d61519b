package events

import (
	"fmt"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

var english = message.NewPrinter(language.English)

// Describe says an event as one sentence, for people who read a history. It
// names rows and columns, never the values of a contact.
func Describe(e Event) string {
	switch e := e.(type) {
	case ImportStarted:
		if len(e.File.Header) == 0 { // it broke a rule: little is known of it
			return english.Sprintf("Received %s: %s.", e.File.Name, bytesText(e.File.Size))
		}
		text := english.Sprintf("Received %s: %s of %s, %d columns, SHA-256 %s.",
			e.File.Name, count(e.File.Rows, "row"), bytesText(e.File.Size), len(e.File.Header), short(e.File.SHA256))
		if e.Corrects != "" {
			text += " It corrects import " + e.Corrects + "."
		}
		return text
	case ColumnsMapped:
		return describeMapping(e)
	case RowAccepted:
		what := "Row %d accepted as contact %s."
		if e.Event != nil {
			what = "Row %d accepted as an event of contact %s."
		}
		return english.Sprintf(what, e.Row, short(e.Contact.NxID.String()))
	case RowRejected:
		reasons := make([]string, len(e.Errors))
		for i, r := range e.Errors {
			reasons[i] = r.Message
			if r.Column != "" {
				reasons[i] = r.Column + ": " + r.Message
			}
		}
		return english.Sprintf("Row %d rejected. %s", e.Row, strings.Join(reasons, " "))
	case ImportCanceled:
		if e.Reason != "" {
			return fmt.Sprintf("Import canceled: %s", strings.TrimSuffix(e.Reason, ".")) + "."
		}
		return "Import canceled."
	case ImportCompleted:
		return fmt.Sprintf("Import completed: %s accepted, %s rejected.", count(e.Accepted, "row"), count(e.Rejected, "row"))
	case ImportFailed:
		return fmt.Sprintf("Import failed (%s): %s", e.Code, e.Message)
	}
	return describePeople(e)
}

func describeMapping(e ColumnsMapped) string {
	var mapped, created []string
	skipped := 0
	for _, c := range e.Columns {
		switch {
		case c.Skip:
			skipped++
			continue
		case c.Attribute != "":
			mapped = append(mapped, c.Header+" → "+c.Attribute)
		case c.Timestamp:
			mapped = append(mapped, c.Header+" → time of the event")
		case c.Property != "":
			mapped = append(mapped, c.Header+" → property "+c.Property)
		}
		if c.Create {
			created = append(created, c.Attribute)
		}
	}
	text := "Mapped " + strings.Join(mapped, ", ")
	if skipped > 0 {
		text += "; skipped " + count(skipped, "column")
	}
	if len(created) > 0 {
		text += "; new attributes: " + strings.Join(created, ", ")
	}
	if e.Segment != nil {
		text += "; contacts go into segment " + e.Segment.Name
	}
	if e.File != nil {
		text += english.Sprintf("; read again with %q as %s: %s, %d columns", e.File.Separator, e.File.Encoding, count(e.File.Rows, "row"), len(e.File.Header))
	}
	return text + "."
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return english.Sprintf("%d %ss", n, one)
}

func bytesText(n int64) string {
	switch {
	case n >= 1e6:
		return english.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return english.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return count(int(n), "byte")
}

// short keeps enough of an id or hash to recognise it.
func short(s string) string { return s[:min(8, len(s))] }
