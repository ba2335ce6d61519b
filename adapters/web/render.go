package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
)

//go:embed templates
var templateFiles embed.FS

// view is what a page is made of.
type view struct {
	Title   string
	Section string // of the navigation
	Notice  string // what has just been done, in a sentence
	Live    string // address of the stream that keeps the page's #live current
	Bare    bool   // without the navigation
	Body    any

	User   User   // filled by render
	Unread int    // likewise: what the bell shows
	Path   string // likewise
}

// parsePages makes a template of each page: the layout and the parts, with the
// page's own file.
func (w *Web) parsePages() (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(w.functions()).ParseFS(templateFiles, "templates/layout/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the layout: %w", err)
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, file := range files {
		page, err := shared.Clone()
		if err == nil {
			page, err = page.ParseFS(templateFiles, file)
		}
		if err != nil {
			return nil, fmt.Errorf("read the page %s: %w", file, err)
		}
		pages[strings.TrimSuffix(path.Base(file), ".html")] = page
	}
	return pages, nil
}

// render sends a page. It is made in memory first: one that fails half way must not
// be taken for the whole.
func (v *visit) render(status int, name string, page view) error {
	page.User, page.Unread, page.Path = v.user, v.unread(), v.r.URL.Path
	if page.Notice == "" {
		page.Notice = notices[v.r.URL.Query().Get("done")]
	}
	made, err := v.execute(name, "layout", page)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, err = v.w.Write(made) //nolint:gosec // G705: html/template has escaped it
	return err
}

// execute makes a part of a page.
func (w *Web) execute(page, part string, data any) ([]byte, error) {
	t, ok := w.pages[page]
	if !ok {
		return nil, fmt.Errorf("there is no page %q", page)
	}
	var made bytes.Buffer
	if err := t.ExecuteTemplate(&made, part, data); err != nil {
		return nil, fmt.Errorf("make the page %s: %w", page, err)
	}
	return made.Bytes(), nil
}

// notices say what was done, on the page after it. Only these words can come
// through an address.
var notices = map[string]string{
	"signed-out":        "You are signed out.",
	"canceled":          "The import is canceled. Rows that were accepted stay.",
	"given-up":          "The file is not imported.",
	"read":              "All is marked as read.",
	"mail-set":          "What mail you get is changed.",
	"password-changed":  "Your password is changed. Everywhere else you are signed out.",
	"session-ended":     "The session is over.",
	"role-set":          "The role is changed. The user has to sign in again.",
	"disabled":          "The user is disabled, and signed out everywhere.",
	"enabled":           "The user can sign in again.",
	"client-revoked":    "The API client is revoked. Its tokens stop within a minute.",
	"segment-created":   "The segment is made. Put contacts into it, or choose it in a new import.",
	"segment-changed":   "The segment is changed.",
	"segment-removed":   "The segment is removed. Its contacts stay contacts.",
	"contacts-in":       "Put into the segment.",
	"contacts-out":      "Taken out of the segment. Contacts stay contacts.",
	"attribute-created": "The attribute is there. Columns of a file can be mapped to it.",
	"rebuilding":        "The rebuild is asked for. Everything can be used meanwhile.",
	"rolling-back":      "The tables of before are brought up to date, and then serve again.",
	"rebuild-paused":    "The rebuild is paused. It stays so until somebody goes on with it.",
	"rebuild-resumed":   "The rebuild goes on where it was.",
	"rebuild-canceled":  "The rebuild is canceled. The rows of before go on serving.",
	"retrying":          "The read model tries the event again.",
	"limit-set":         "Rebuilds keep to that speed from now on.",
	"verifying":         "The verification has begun. Its result comes here.",
	"set-up":            "All set. Import your first file whenever you like.",

	"connector-left":     "No connector was made. Nothing of the file is kept.",
	"connector-changed":  "The connector is changed.",
	"connector-enabled":  "The connector can sign in again.",
	"connector-disabled": "The connector is disabled. Its sessions are cut within seconds.",
	"connector-removed":  "The connector is removed. Files that it had sent are still imported.",
	"template-changed":   "Files are imported by the new template from now on.",
	"template-left":      "The template is as it was. Nothing of the file is kept.",
	"webhook-changed":    "The webhook is changed.",
	"webhook-enabled":    "The webhook is called again.",
	"webhook-disabled":   "The webhook is not called any more.",
	"webhook-removed":    "The webhook is removed, with what waited for it.",
	"resent":             "The message is sent again. Its answer comes here.",
}
