package notify

import (
	"fmt"
	"strings"

	"importledger/events"
	"importledger/projections"
)

// Ending is what is told of an import: how it stood when it ended, and nothing of its
// rows. It is kept as JSON in the outbox, so a name in it stays. Times are Unix epoch
// in milliseconds.
type Ending struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Type         events.ImportType `json:"type"`
	State        events.State      `json:"state"` // imported, canceled, failed
	RowsToImport int               `json:"rowToImport"`
	RowsImported int               `json:"rowsImported"`
	RowsInError  int               `json:"rowsInError"`
	FailedReason *string           `json:"failedReason"` // a code
	UserID       string            `json:"userId"`
	CreatedAt    int64             `json:"createdAt"`
	EndedAt      int64             `json:"endedAt"`
}

func endingOf(i projections.Import) Ending {
	e := Ending{ID: i.ID, Name: i.Name, Type: i.Type, State: i.State, RowsToImport: i.RowsToImport, RowsImported: i.RowsImported,
		RowsInError: i.RowsInError, UserID: i.UserID, CreatedAt: i.CreatedAt, EndedAt: i.ModifiedAt}
	if i.FailedReason != "" {
		e.FailedReason = &i.FailedReason
	}
	return e
}

// Sentence says what became of the import, without its name.
func (e Ending) Sentence() string {
	rows := fmt.Sprintf("%s of %s rows imported", thousands(e.RowsImported), thousands(e.RowsToImport))
	if e.RowsInError > 0 {
		rows += fmt.Sprintf(", %s in error", thousands(e.RowsInError))
	}
	switch {
	case e.State == events.Canceled:
		return "canceled, " + rows
	case e.State == events.Failed && e.FailedReason != nil:
		return "failed (" + *e.FailedReason + "), " + rows
	case e.State == events.Failed:
		return "failed, " + rows
	}
	return rows
}

// thousands writes 20000 as 20,000.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
