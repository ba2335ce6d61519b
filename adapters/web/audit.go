package web

import (
	"net/http"
	"net/url"
	"time"
)

// auditView is a page of the audit log, and what it is filtered by.
type auditView struct {
	Entries []auditRow
	Actions []actionGroup
	Filter  auditForm
	Names   map[string]string // of whom the filter names
	Pages   pages
	Any     bool // something is asked for
	Wrong   string
}

// auditForm is the filter as it stands in the address: ids and days, never a name.
type auditForm struct {
	Action, Actor, Target string
	From, To              string // days, as 2026-03-25
}

// auditRow is an entry in words.
type auditRow struct {
	AuditEntry
	Text string
}

const auditOnPage = 50

func (v *visit) auditPage() error {
	query := v.r.URL.Query()
	page := auditView{Actions: actionGroups, Filter: auditForm{
		Action: limited(query.Get("action"), 100), Actor: limited(query.Get("actor"), 200), Target: limited(query.Get("target"), 200),
		From: limited(query.Get("from"), 10), To: limited(query.Get("to"), 10)}}
	filter, ok := page.Filter.filter()
	if !ok {
		page.Wrong = "A day is written as 2026-03-25. It is left out of what is asked for here."
	}
	number := pageNumber(query)
	found, total, err := v.Audit.List(v.ctx(), filter, (number-1)*auditOnPage, auditOnPage)
	if err != nil {
		return err
	}
	for _, e := range found {
		page.Entries = append(page.Entries, auditRow{e, actionWords(e.Action)})
	}
	kept := page.Filter.query()
	page.Any = len(kept) > 0
	page.Pages = paginate("/audit", kept, number, auditOnPage, total)
	if page.Filter.Actor != "" || page.Filter.Target != "" {
		if page.Names, err = v.People.Names(v.ctx(), []string{page.Filter.Actor, page.Filter.Target}); err != nil {
			return err
		}
	}
	return v.render(http.StatusOK, "audit", view{Title: "Audit log", Section: "audit", Body: page})
}

// filter reads the days, from the beginning of the first to the end of the last; ok is
// false where one cannot be read.
func (f auditForm) filter() (filter AuditFilter, ok bool) {
	filter = AuditFilter{Actor: f.Actor, Target: f.Target, Action: f.Action}
	ok = true
	if f.From != "" {
		from, err := time.Parse(time.DateOnly, f.From)
		filter.From, ok = from, err == nil
	}
	if f.To != "" {
		to, err := time.Parse(time.DateOnly, f.To)
		if err != nil {
			return filter, false
		}
		filter.To = to.AddDate(0, 0, 1)
	}
	return filter, ok
}

func (f auditForm) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{"action": f.Action, "actor": f.Actor, "target": f.Target, "from": f.From, "to": f.To} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// With is the address of the log with one thing more asked for.
func (f auditForm) With(name, value string) string {
	query := f.query()
	query.Set(name, value)
	return "/audit?" + query.Encode()
}

// Without is the address with one thing less.
func (f auditForm) Without(name string) string {
	query := f.query()
	query.Del(name)
	if len(query) == 0 {
		return "/audit"
	}
	return "/audit?" + query.Encode()
}
