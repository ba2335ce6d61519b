package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"importledger/commands"
	"importledger/projections"
)

const (
	typedAtOnce  = 1000 // contacts that can be typed in
	toldOfAtOnce = 20   // unknown ones that an answer names
)

var (
	errNobodyTyped  = &fault{Status: http.StatusUnprocessableEntity, Code: "contacts-missing", Message: "Type who is to be put in: one address, number or id on each line."}
	errTooManyTyped = &fault{Status: http.StatusUnprocessableEntity, Code: "contacts-too-many",
		Message: "These are more than 1,000 lines. Put them in with several forms, or import a file of them with this segment chosen."}
	errNobodyChosen = &fault{Status: http.StatusUnprocessableEntity, Code: "contacts-missing", Message: "Choose the contacts that are to be taken out, then press the button again."}
)

// addContacts puts those into a segment who are typed in, one on each line, all or
// none.
func (v *visit) addContacts() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	typed := v.r.PostForm.Get("contacts")
	ids, wrong, err := v.contactsOf(typed)
	if err != nil {
		return err
	}
	if wrong != nil {
		return v.showSegment(wrong.Status, typed, wrong)
	}
	return v.writeMembers("/segments/"+v.r.PathValue("id"), v.r.PathValue("id"), commands.AddContacts{Contacts: ids}, "contacts-in")
}

// contactsOf finds the contacts of lines. The rules for who exists are the API's.
func (v *visit) contactsOf(typed string) (ids []uuid.UUID, wrong *fault, err error) {
	lines := strings.FieldsFunc(typed, func(r rune) bool { return r == '\n' || r == '\r' })
	var texts []string // as typed
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			texts = append(texts, line)
		}
	}
	switch {
	case len(texts) == 0:
		return nil, errNobodyTyped, nil
	case len(texts) > typedAtOnce:
		return nil, errTooManyTyped, nil
	}
	nxIDs := make([]string, len(texts))
	for i, text := range texts {
		id, ok, err := v.Identify(v.ctx(), limited(text, 254))
		if err != nil {
			return nil, nil, err
		}
		if ok {
			nxIDs[i] = id.String()
		}
	}
	ids, err = v.ExistingContacts(v.ctx(), nxIDs)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind == commands.Unacceptable {
		wrong, err = v.unknown(refused(refusal), texts, nxIDs)
		return nil, wrong, err
	}
	return ids, nil, err
}

// unknown says which of the lines are nobody's.
func (v *visit) unknown(f *fault, texts, nxIDs []string) (*fault, error) {
	ids := make([]uuid.UUID, len(nxIDs))
	for i, text := range nxIDs {
		if id, err := uuid.Parse(text); err == nil {
			ids[i] = id
		}
	}
	known, err := projections.KnownContacts(v.ctx(), v.DB, ids)
	if err != nil {
		return nil, err
	}
	f.Details = nil
	for i, id := range ids {
		if !known[id] && len(f.Details) < toldOfAtOnce {
			f.Details = append(f.Details, commands.Detail{Column: limited(texts[i], 254), Code: "contact-unknown", Message: "nobody is known by this."})
		}
	}
	f.Title = "Not everybody is a contact"
	f.Message = "Nothing was changed. Look for typing errors, leave them out, or import them first."
	if n := len(f.Details); n == 1 {
		f.Title = fmt.Sprintf("Nobody is known by “%s”", f.Details[0].Column)
	}
	return f, nil
}

// removeContacts takes those out of a segment who are chosen on its page.
func (v *visit) removeContacts() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	chosen := v.r.PostForm["contact"]
	if len(chosen) == 0 {
		return v.showSegment(errNobodyChosen.Status, "", errNobodyChosen)
	}
	ids, err := v.ExistingContacts(v.ctx(), chosen)
	if err != nil {
		return err
	}
	return v.writeMembers("/segments/"+v.r.PathValue("id"), v.r.PathValue("id"), commands.RemoveContacts{Contacts: ids}, "contacts-out")
}

// writeMembers changes who is in a segment, and leads to a page that shows it.
func (v *visit) writeMembers(to, segment string, c commands.Command, done string) error {
	s, err := v.executeSegment(segment, c)
	if err != nil {
		return err
	}
	return v.seeOther(to + "?done=" + done + "&after=" + s.Position.String())
}

// addToSegment puts a contact into the segment that is chosen on the contact's page.
func (v *visit) addToSegment() error {
	return v.ofContact(func(ids []uuid.UUID) commands.Command { return commands.AddContacts{Contacts: ids} }, "contacts-in")
}

func (v *visit) takeFromSegment() error {
	return v.ofContact(func(ids []uuid.UUID) commands.Command { return commands.RemoveContacts{Contacts: ids} }, "contacts-out")
}

func (v *visit) ofContact(command func([]uuid.UUID) commands.Command, done string) error {
	if err := v.parseForm(); err != nil {
		return err
	}
	id := v.r.PathValue("id")
	ids, err := v.ExistingContacts(v.ctx(), []string{id})
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind == commands.Unacceptable {
		return errNoPage
	}
	if err != nil {
		return err
	}
	segment := v.r.PostForm.Get("segment")
	if segment == "" {
		return v.seeOther("/contacts/" + ids[0].String())
	}
	return v.writeMembers("/contacts/"+ids[0].String(), segment, command(ids), done)
}
