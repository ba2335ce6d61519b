package web

import (
	"net/http"
	"net/url"
	"strings"

	"importledger/events"
	"importledger/projections"
)

// importsView is a page of the list of imports.
type importsView struct {
	Imports []projections.Import
	Tabs    []stateTab
	Filter  projections.ImportFilter
	Pages   pages
	Limits  Limits
	Any     bool // there are imports at all
	names   map[string]ConnectorName
}

// From is the connector that an import came from; nil: none.
func (l importsView) From(i projections.Import) *connectorLink { return connectorOf(l.names, i) }

// stateTab is one state to filter by, with how many imports are in it.
type stateTab struct {
	State   events.State // empty: all
	Label   string
	Count   int
	Address string
	Current bool
}

var listedStates = []events.State{"", events.Preparing, events.Importing, events.Imported, events.Canceled, events.Failed}

const importsOnPage = 50

func (v *visit) importsPage() error {
	if err := v.reached(projections.ImportsList); err != nil {
		return err
	}
	list, err := v.listImports()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "imports", view{Title: "Imports", Section: "imports", Live: "/imports/live?" + list.Pages.query.Encode(), Body: list})
}

// importsLive sends the list again whenever it has changed.
func (v *visit) importsLive() error {
	return v.watch("", func() ([]byte, bool, error) {
		list, err := v.listImports()
		if err != nil {
			return nil, false, err
		}
		made, err := v.execute("imports", "live", view{User: v.user, Body: list})
		return made, false, err
	})
}

// listImports reads what the address asks for.
func (v *visit) listImports() (importsView, error) {
	query := v.r.URL.Query()
	filter := projections.ImportFilter{Q: limited(strings.TrimSpace(query.Get("q")), 255), State: knownState(query.Get("state")),
		Page: pageNumber(query), PageSize: importsOnPage}
	found, total, err := projections.ListImports(v.ctx(), v.DB, filter)
	if err != nil {
		return importsView{}, err
	}
	counts, err := projections.CountImports(v.ctx(), v.DB)
	if err != nil {
		return importsView{}, err
	}
	kept := url.Values{}
	if filter.Q != "" {
		kept.Set("q", filter.Q)
	}
	list := importsView{Imports: found, Filter: filter, Limits: v.Limits, Tabs: stateTabs(counts, filter.State, kept)}
	list.Any = list.Tabs[0].Count > 0
	if list.names, err = v.fromConnectors(found...); err != nil {
		return importsView{}, err
	}
	if filter.State != "" {
		kept.Set("state", string(filter.State))
	}
	list.Pages = paginate("/imports", kept, filter.Page, importsOnPage, total)
	return list, nil
}

func stateTabs(counts map[events.State]int, current events.State, kept url.Values) []stateTab {
	tabs, all := make([]stateTab, 0, len(listedStates)), 0
	for _, n := range counts {
		all += n
	}
	for _, s := range listedStates {
		tab := stateTab{State: s, Label: stateWord(s), Count: counts[s], Current: s == current, Address: "/imports"}
		query := url.Values{}
		if s == "" {
			tab.Label, tab.Count = "All", all
		} else {
			query.Set("state", string(s))
		}
		if q := kept.Get("q"); q != "" {
			query.Set("q", q)
		}
		if len(query) > 0 {
			tab.Address += "?" + query.Encode()
		}
		tabs = append(tabs, tab)
	}
	return tabs
}

// knownState is empty for a word that is no state.
func knownState(word string) events.State {
	for _, s := range listedStates {
		if word == string(s) {
			return s
		}
	}
	return ""
}

// limited keeps the first n characters.
func limited(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(n, len(runes))])
}
