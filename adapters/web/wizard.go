package web

import (
	"errors"
	"net/http"
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

// step is one of them, as the list above every page of the wizard shows it.
type step struct {
	Number int
	Name   string
	path   string
}

var steps = []step{
	{stepUpload, "Upload", ""},
	{stepFile, "Check the file", "file"},
	{stepColumns, "Map the columns", "columns"},
	{stepDetails, "Segment and name", "details"},
	{stepReview, "Review", "review"},
}

// wizardView is what every step after the first shows.
type wizardView struct {
	ID       string
	File     events.File // as it is read
	Step     int
	Furthest int
	Steps    []step
	Fault    *fault
	Form     any // of the step itself
}

// Here is the step that is shown.
func (w wizardView) Here() step { return steps[w.Step-1] }

// preparing is an import on its way through the steps.
type preparing struct {
	aggregate.Import
	draft draft
}

// errGone leads from a step of an import that is not preparing any more to the import.
var errGone = errors.New("the import is not preparing any more")

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
			err = errGone
		}
		return preparing{Import: imp}, err
	}
	d, err := v.loadDraft(id)
	return preparing{imp, d}, err
}

// importID is the one in the address. Ids are exact: the same ULID in small letters
// would be another stream's name.
func (v *visit) importID() (string, error) {
	text := v.r.PathValue("id")
	if id, err := ulid.ParseStrict(text); err != nil || id.String() != text {
		return "", aggregate.ErrNotFound
	}
	return text, nil
}

// wizard makes a handler of a step: it shows the step to who asks for it, and of a
// form it saves what was chosen, whichever way one goes from there.
func wizard(number int, show func(*visit, preparing, int, *fault) error, take func(*visit, *preparing) (*fault, error)) func(*visit) error {
	return func(v *visit) error {
		p, err := v.preparing()
		if errors.Is(err, errGone) {
			return v.seeOther("/imports/" + p.ID)
		}
		if err != nil {
			return err
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
	case err == nil && n >= stepFile && n <= p.draft.Step:
		to = n
	case v.r.PostForm.Get("go") == "back":
		to = number - 1
	}
	if to > number && wrong == nil && !stay {
		p.draft.Step = max(p.draft.Step, to)
	}
	if err := v.saveDraft(p.ID, p.draft); err != nil {
		return err
	}
	if stay {
		return show(v, p, http.StatusOK, wrong)
	}
	if to > number && wrong != nil {
		return show(v, p, http.StatusUnprocessableEntity, wrong)
	}
	return v.seeOther(p.address(to))
}

func (p preparing) address(number int) string {
	return "/imports/" + p.ID + "/" + steps[number-1].path
}

// page makes what all steps share.
func (v *visit) wizardPage(status int, p preparing, number int, file events.File, wrong *fault, name string, form any) error {
	return v.render(status, name, view{Title: steps[number-1].Name + " · " + file.Name, Section: "imports", Body: wizardView{
		ID: p.ID, File: file, Step: number, Furthest: p.draft.Step, Steps: steps, Fault: wrong, Form: form}})
}
