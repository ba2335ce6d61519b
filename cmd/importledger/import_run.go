package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/vbauerster/mpb/v8/decor"

	"importledger/events"
)

// importRun is one import on its way.
type importRun struct {
	*program
	client *client
	flags  importFlags
	wish   wish
	source *source
	asks   bool // show the mapping and ask before it is used

	// interrupted ends when the user wants the import to be canceled. What must
	// happen even so gets a context that ends when the user wants to leave.
	interrupted context.Context
}

var errLeft = errors.New("left; the import was not canceled")

// errNothingImported is how a run ends that prepared an import and gave it up.
var errNothingImported = &statusError{exitCanceled, errors.New("canceled, nothing was imported")}

func (r *importRun) do(leave context.Context) error {
	prepared, err := r.upload()
	if err != nil {
		if r.interrupted.Err() != nil {
			return errNothingImported
		}
		return err
	}
	goesOn, err := r.start(prepared)
	if err != nil || !goesOn {
		return r.abandon(leave, prepared, err)
	}
	began := time.Now()
	ended, err := r.watch(leave, prepared)
	if err != nil {
		return err
	}
	if err := r.summarize(leave, ended, time.Since(began)); err != nil {
		return err
	}
	return outcome(ended)
}

// outcome makes a final state an exit status; the summary has said it all.
func outcome(i importObject) error {
	switch {
	case i.State == events.Canceled:
		return &statusError{status: exitCanceled}
	case i.State == events.Failed:
		return &statusError{status: exitFailed}
	case i.RowsInError > 0:
		return &statusError{status: exitRowsInError}
	}
	return nil
}

func (r *importRun) upload() (importObject, error) {
	fields := map[string]string{"importMode": string(events.Contacts)}
	if r.wish.eventsMode {
		fields["importMode"], fields["eventName"] = string(events.ContactsEvents), r.flags.event
	}
	for field, value := range map[string]string{"separator": r.flags.separator, "encoding": r.flags.encoding, "name": r.flags.name,
		"defaultCountry": r.flags.country, "blankCells": r.flags.blank, "corrects": r.flags.corrects} {
		if value != "" {
			fields[field] = value
		}
	}
	if !r.term.animated {
		size := ""
		if r.source.size >= 0 {
			size = " (" + byteSize(r.source.size) + ")"
		}
		r.term.say("Importing %s%s …", printable(r.source.name), size)
	}
	drawing := r.term.newProgress(importLayout)
	line := drawing.add("Uploading", max(r.source.size, 0), func(s decor.Statistics) string { return byteSize(s.Current) })
	prepared, err := r.client.upload(r.interrupted, r.source, fields, line.set)
	line.end()
	drawing.close()
	return prepared, err
}

type preview struct {
	Columns []struct {
		Header  string   `json:"header"`
		Samples []string `json:"samples"`
	} `json:"columns"`
	Encoding        string       `json:"encoding"`
	EncodingGuessed bool         `json:"encodingGuessed"`
	Rows            int          `json:"rows"`
	KeyIdentifier   string       `json:"keyIdentifier"`
	Mapping         []mappedItem `json:"mapping"`
}

// start decides the mapping and begins the import with it; false when nothing is
// to be imported.
func (r *importRun) start(prepared importObject) (goesOn bool, err error) {
	ctx := r.interrupted
	var look preview
	if _, err := r.client.get(ctx, importPath(prepared.ID, "/preview"), &look); err != nil {
		return false, err
	}
	mapping, err := r.wish.mapping(look.Mapping)
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(mapping, func(m mappedItem) bool { return m.Attribute == look.KeyIdentifier }) {
		return false, &usageError{fmt.Sprintf("no column is mapped to %s, which says which contact a row is about: name it with --map 'Header=%s'",
			look.KeyIdentifier, look.KeyIdentifier)}
	}
	body := map[string]any{"mapping": mapping}
	if r.flags.segment != "" {
		body["segment"] = segmentRef{Name: r.flags.segment}
	}
	if r.flags.review {
		if err := r.review(ctx, prepared, look, mapping, body); err != nil || !r.flags.yes {
			return false, err
		}
	}
	if r.asks {
		if err := r.ask(ctx, prepared, look, mapping); err != nil {
			return false, err
		}
	}
	_, err = r.client.send(ctx, call{method: http.MethodPut, path: importPath(prepared.ID, "/mapping")}, body, nil)
	return err == nil, err
}

// abandon leaves nothing half-done of an import that was only prepared.
func (r *importRun) abandon(leave context.Context, prepared importObject, why error) error {
	ctx, cancel := context.WithTimeout(leave, 10*time.Second)
	defer cancel()
	canceled, position, err := r.client.cancelImport(ctx, prepared.ID, "")
	if err == nil {
		err = r.client.caughtUp(ctx, prepared.ID, position)
	}
	if err == nil && r.flags.json {
		err = r.term.printJSON(canceled)
	}
	if errors.Is(why, context.Canceled) {
		why = errNothingImported
	}
	if err != nil {
		err = fmt.Errorf("the prepared import %s could not be canceled: %w", prepared.ID, err)
	}
	if why == nil {
		return err
	}
	if err != nil {
		r.term.say("importledger: %s", sentence(err.Error()))
	}
	return why
}
