package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"importledger/events"
)

// searchView is what was found in the events of an import. What is searched for can
// be somebody's address, so that it never stands in an address of ours.
type searchView struct {
	ID      string
	File    string
	Q       string
	Lines   []historyLine
	Names   map[string]string
	Scanned uint64 // events that were looked at, from From on
	From    uint64
	Next    uint64 // where to go on; 0: everything was looked at
}

const (
	foundAtOnce   = 100
	scannedAtOnce = 60_000 // events: less than a second
)

func (v *visit) historySearch() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	if err := v.parseForm(); err != nil {
		return err
	}
	q := limited(strings.TrimSpace(v.r.PostForm.Get("q")), 255)
	if q == "" {
		return v.seeOther("/imports/" + id + "/history")
	}
	from, err := strconv.ParseUint(v.r.PostForm.Get("from"), 10, 64)
	if err != nil {
		from = 0
	}
	page := searchView{ID: id, Q: q, From: from}
	if err := v.search(&page); err != nil {
		return err
	}
	i, err := v.currentImport(id)
	if err != nil {
		return err
	}
	page.File = i.File.Name
	if page.Names, err = v.actors(page.Lines); err != nil {
		return err
	}
	return v.render(http.StatusOK, "search", view{Title: "Search in the history of " + page.File, Section: "imports", Body: page})
}

// search reads the log from a revision on and keeps the events whose sentence or
// content has the words, as far as one page goes.
func (v *visit) search(page *searchView) error {
	words := strings.ToLower(page.Q)
	var decoder events.Decoder
	for r, err := range v.Streams.Read(v.ctx(), events.ImportStream(page.ID), page.From) {
		if err != nil {
			return err
		}
		if page.Scanned == scannedAtOnce || len(page.Lines) == foundAtOnce {
			page.Next = r.Revision
			return nil
		}
		page.Scanned++
		line := lineOf(&decoder, r)
		if bytes.Contains(bytes.ToLower(r.Data), []byte(words)) || strings.Contains(strings.ToLower(line.Text), words) {
			page.Lines = append(page.Lines, line)
		}
	}
	return nil
}
