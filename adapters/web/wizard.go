package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/oklog/ulid/v2"

	"importledger/aggregate"
	"importledger/events"
)

// The steps of a new import. The upload makes the import, so that all others belong
// to one that is preparing.
const (
	stepUpload = iota + 1
	stepFile
	stepColumns
	stepDetails
	stepReview
)

// step is one of a way, as the list above each of its pages shows it.
type step struct {
	Number int
	Name   string
	Path   string // behind the way's; empty: one cannot come back to it
}

// way is a row of steps to something new. All but the first belong to what the first
// has made.
type way struct {
	Section string // of the navigation, and the address that leads out of the way
	From    string // what that is called
	Heading string
	Steps   []step
	Finish  string // what the last step's button says, where finish is set
	GiveUp  string // what the button says that leads out of it
	Discard string // where that button goes, behind the way's own address

	base     string // of its addresses; the id comes behind it
	segments bool   // the step of the columns asks for the segment too
	preview  func(v *visit, p preparing) (aggregate.Preview, error)
	save     func(v *visit, p preparing) error
	again    func(p preparing) string
	// finish ends the way and answers, unless it gives what is wrong.
	finish func(v *visit, p preparing) (*fault, error)
}

// number is the step at a path.
func (w *way) number(path string) int {
	return slices.IndexFunc(w.Steps, func(s step) bool { return s.Path == path }) + 1
}

// reaches tells whether one can go to a step by its number.
func (w *way) reaches(number int) bool {
	return number >= 1 && number <= len(w.Steps) && w.Steps[number-1].Path != ""
}

var steps = []step{
	{stepUpload, "Upload", ""},
	{stepFile, "Check the file", "file"},
	{stepColumns, "Map the columns", "columns"},
	{stepDetails, "Segment and name", "details"},
	{stepReview, "Review", "review"},
}

// importWay leads to a new import.
var importWay = &way{Section: "imports", From: "Imports", Heading: "New import", Steps: steps, base: "/imports/",
	GiveUp: "Do not import this file", Discard: "cancel",
	preview: func(v *visit, p preparing) (aggregate.Preview, error) {
		return v.Imports.Preview(v.ctx(), p.ID, p.draft.Reading)
	},
	save: func(v *visit, p preparing) error { return v.saveDraft(p.ID, p.draft) },
}

// wizardView is what every step after the first shows.
type wizardView struct {
	*way
	ID       string
	File     events.File // as it is read
	Step     int
	Furthest int
	Again    string // where another file is chosen in the place of this one; empty: nowhere
	Fault    *fault
	Form     any // of the step itself
}

// Here is the step that is shown.
func (w wizardView) Here() step { return w.Steps[w.Step-1] }

// Action is where the step's form goes.
func (w wizardView) Action() string { return w.base + w.ID + "/" + w.Here().Path }

// Out is where the form goes that gives all of it up.
func (w wizardView) Out() string { return w.base + w.ID + "/" + w.Discard }

// Next is what the button says that goes on.
func (w wizardView) Next() string {
	if w.Step == len(w.Steps) {
		return w.Finish
	}
	return w.Steps[w.Step].Name
}

// Back tells whether there is a step before this one to go back to.
func (w wizardView) Back() bool { return w.reaches(w.Step - 1) }

// preparing is something new on its way: its file is an import's, be it one or not.
type preparing struct {
	aggregate.Import
	draft draft
	way   *way
}

// gone leads from a step of something that is not on its way any more to what became
// of it.
type gone struct{ to string }

func (gone) Error() string { return "it is not on its way any more" }

// preparing reads an import's first events only: there is no second while it prepares.
func (v *visit) preparing() (preparing, error) {
	id, err := v.importID()
	if err != nil {
		return preparing{}, err
	}
	imp, err := v.Imports.At(v.ctx(), id, 0)
	if err != nil {
		return preparing{}, err
	}
	if _, err := v.Imports.At(v.ctx(), id, 1); !errors.Is(err, aggregate.ErrRevisionNotFound) {
		if err == nil {
			err = gone{"/imports/" + id}
		}
		return preparing{Import: imp, way: importWay}, err
	}
	d, err := v.loadDraft(id)
	return preparing{imp, d, importWay}, err
}

// importID is the one in the address. Ids are exact: the same ULID in small letters
// would be another stream's name.
func (v *visit) importID() (string, error) {
	text := v.r.PathValue("id")
	if !isULID(text) {
		return "", aggregate.ErrNotFound
	}
	return text, nil
}

func isULID(text string) bool {
	id, err := ulid.ParseStrict(text)
	return err == nil && id.String() == text
}

// wizard makes a handler of the step at a path: it shows the step to who asks for it,
// and of a form it saves what was chosen, whichever way one goes from there.
func wizard(find func(*visit) (preparing, error), path string, show func(*visit, preparing, int, *fault) error, take func(*visit, *preparing) (*fault, error)) func(*visit) error {
	return func(v *visit) error {
		p, err := find(v)
		if now, ok := errors.AsType[gone](err); ok {
			return v.seeOther(now.to)
		}
		if err != nil {
			return err
		}
		number := p.way.number(path)
		if number == 0 {
			return errNoPage
		}
		if v.r.Method != http.MethodPost {
			if number > p.draft.Step {
				return v.seeOther(p.address(p.draft.Step))
			}
			return show(v, p, http.StatusOK, nil)
		}
		if err := v.parseForm(); err != nil {
			return err
		}
		wrong, err := take(v, &p)
		if err != nil {
			return err
		}
		return v.proceed(p, number, wrong, show)
	}
}

// proceed goes where the button says. Forward needs what was chosen to be right, and
// nothing else does.
func (v *visit) proceed(p preparing, number int, wrong *fault, show func(*visit, preparing, int, *fault) error) error {
	to := number + 1
	stay := v.r.PostForm.Get("go") == "stay"
	switch n, err := strconv.Atoi(v.r.PostForm.Get("go")); {
	case err == nil && n <= p.draft.Step && p.way.reaches(n):
		to = n
	case v.r.PostForm.Get("go") == "back" && p.way.reaches(number-1):
		to = number - 1
	}
	onward := to > number && !stay
	if onward && wrong == nil {
		p.draft.Step = max(p.draft.Step, min(to, len(p.way.Steps)))
	}
	if err := p.way.save(v, p); err != nil {
		return err
	}
	if stay {
		return show(v, p, http.StatusOK, wrong)
	}
	if onward && wrong == nil && to > len(p.way.Steps) {
		if p.way.finish == nil {
			return v.seeOther(p.address(number))
		}
		var err error
		if wrong, err = p.way.finish(v, p); err != nil || wrong == nil {
			return err
		}
	}
	if onward && wrong != nil {
		return show(v, p, http.StatusUnprocessableEntity, wrong)
	}
	return v.seeOther(p.address(to))
}

func (p preparing) address(number int) string {
	return p.way.base + p.ID + "/" + p.way.Steps[number-1].Path
}

// wizardPage makes what all steps share.
func (v *visit) wizardPage(status int, p preparing, path string, file events.File, wrong *fault, form any) error {
	number, again := p.way.number(path), ""
	if p.way.again != nil {
		again = p.way.again(p)
	}
	return v.render(status, path, view{Title: p.way.Steps[number-1].Name + " · " + file.Name, Section: p.way.Section, Body: wizardView{
		way: p.way, ID: p.ID, File: file, Step: number, Furthest: p.draft.Step, Again: again, Fault: wrong, Form: form}})
}
