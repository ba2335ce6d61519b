package web

// activityLine is an entry of a connector's activity as people read it.
type activityLine struct {
	ConnectorActivity
	Words string
	Icon  string
	Why   string // in words; empty: there is nothing to add
}

// activityWords say what happened, with its shape. The names are those that the list
// is written with.
var activityWords = map[string]struct{ words, icon string }{
	"login":            {"Signed in", "key"},
	"login-refused":    {"Sign-in refused", "failed"},
	"session-cut":      {"Session cut", "canceled"},
	"file-received":    {"File received", "down"},
	"file-refused":     {"File refused", "failed"},
	"file-cut-off":     {"Transfer broke off", "canceled"},
	"file-imported":    {"File imported", "imported"},
	"file-failed":      {"File failed", "failed"},
	"file-quarantined": {"File put aside", "failed"},
}

// activityReasons say why, for codes that have no sentence beside them.
var activityReasons = map[string]string{
	"password":          "with its password",
	"key":               "with its key",
	"password-wrong":    "wrong password, or the connector is disabled",
	"password-empty":    "no password",
	"key-unknown":       "unknown key, or the connector is disabled",
	"too-many-sessions": "too many sessions at once",
	"too-many-attempts": "too many wrong passwords before",
	"too-many-uploads":  "too many files at once",
	"too-many-waiting":  "too many files wait to be imported or renamed",
	"file-incomplete":   "parts of the file are missing",
	"file-rewritten":    "bytes were sent twice",
	"file-taken":        "the file is being imported",
	"file-too-large":    "the file is too large",
	"header-mismatch":   "the columns are not those of the template",
	"path":              "only / takes files",
	"storage":           "it could not be stored",
	"canceled":          "the import was canceled",
}

func activityLines(found []ConnectorActivity) []activityLine {
	lines := make([]activityLine, len(found))
	for i, a := range found {
		lines[i] = activityLine{ConnectorActivity: a, Words: a.Action, Icon: "info", Why: a.Detail}
		if known, ok := activityWords[a.Action]; ok {
			lines[i].Words, lines[i].Icon = known.words, known.icon
		}
		if why, ok := activityReasons[a.Detail]; ok {
			lines[i].Why = why
		}
	}
	return lines
}
