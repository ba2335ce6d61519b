package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	benchPassword   = "a password that only the bench has"
	historyAsks     = 300 // of one run
	historyWarmUp   = 50
	sessionOfPages  = "__Host-importledger"
	historyGoal     = 0.050
	historyGoalText = "< 50 ms"
)

// historyRows are the sizes of imports whose history is looked at: the figures must not
// grow with them.
var historyRows = []int{2_000, 20_000, 200_000}

// history measures the page of an import's history, as one browser asks for it when
// nothing else goes on: the 99th percentile of the first byte and of the whole page,
// for imports of three sizes. The page is asked for in both orders, in turn.
func history(ctx context.Context, b *bench) (figures []figure, err error) {
	database, err := b.newDatabase(ctx)
	if err != nil {
		return nil, err
	}
	p, err := startProduct(ctx, b.binary, filepath.Join(b.dir, "history"), "IMPORTLEDGER_DATABASE_URL="+database,
		"IMPORTLEDGER_ADMIN_PASSWORD="+benchPassword, "IMPORTLEDGER_MAX_ROWS=200000", "IMPORTLEDGER_MAX_BYTES=100000000")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	session, err := p.signIn(ctx)
	if err != nil {
		return nil, err
	}
	for generation, rows := range historyRows {
		in := input{name: "H" + strconv.Itoa(rows), rows: rows, columns: inputA.columns}
		path, err := in.write(b.dir, generation)
		if err != nil {
			return nil, err
		}
		id, err := p.importWhole(ctx, in, path)
		if err != nil {
			return nil, err
		}
		first, whole, err := b.looks(ctx, p, session, "/imports/"+id+"/history", rows)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("history-%d", rows)
		if rows == inputA.rows {
			name = "history"
			profiled := func(ctx context.Context) error {
				for range historyAsks {
					if _, _, err := p.look(ctx, session, "/imports/"+id+"/history"); err != nil {
						return err
					}
				}
				return nil
			}
			if err := b.profiled(ctx, p, "history", 5*time.Second, profiled); err != nil {
				return nil, err
			}
		}
		good := func(v, _ float64) bool { return v < historyGoal }
		figures = append(figures, measured(name+": first byte, p99", "s", first, nil, historyGoalText, good),
			measured(name+": whole page, p99", "s", whole, nil, "", nil))
	}
	return figures, nil
}

// importWhole imports a file and gives its id once all read models have it.
func (p *product) importWhole(ctx context.Context, in input, path string) (id string, err error) {
	if _, err := p.importFile(ctx, in, path); err != nil {
		return "", err
	}
	var newest []imported
	if err := p.call(ctx, http.MethodGet, "/people/imports?pageSize=1", "", nil, &newest); err != nil {
		return "", err
	}
	if len(newest) != 1 {
		return "", fmt.Errorf("%d imports instead of the newest", len(newest))
	}
	return newest[0].ID, nil
}

// looks gives the percentiles of each run.
func (b *bench) looks(ctx context.Context, p *product, session, path string, rows int) (first, whole []float64, err error) {
	for run := range b.runs + 1 {
		asks := historyAsks
		if run == 0 { // warms up
			asks = historyWarmUp
		}
		var firsts, wholes []float64
		for n := range asks {
			begin, end, err := p.look(ctx, session, path+[]string{"", "?order=newest"}[n%2])
			if err != nil {
				return nil, nil, err
			}
			firsts, wholes = append(firsts, begin.Seconds()), append(wholes, end.Seconds())
		}
		atFirst, atEnd := percentile(firsts, 0.99), percentile(wholes, 0.99)
		fmt.Fprintf(b.progress, "  history of %d rows: first byte p50 %.1f ms, p99 %.1f ms, whole page p99 %.1f ms\n", rows, median(firsts)*1000, atFirst*1000, atEnd*1000)
		if run > 0 {
			first, whole = append(first, atFirst), append(whole, atEnd)
		}
	}
	return first, whole, nil
}

// look asks for a page as a browser does, and takes the time to its first byte and to
// its last.
func (p *product) look(ctx context.Context, session, path string) (first, whole time.Duration, err error) {
	begin := time.Now()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Since(begin) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Cookie", sessionOfPages+"="+session)
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	text, err := io.ReadAll(resp.Body)
	whole = time.Since(begin)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, 0, err
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(text), `<ol class="events" id="lines"`) {
		return 0, 0, fmt.Errorf("GET %s: %s, and no history", path, resp.Status)
	}
	return first, whole, nil
}

// signIn gives the token of a session in a browser.
func (p *product) signIn(ctx context.Context) (session string, err error) {
	form := url.Values{"name": {"admin"}, "password": {benchPassword}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	for _, c := range resp.Cookies() {
		if c.Name == sessionOfPages {
			return c.Value, resp.Body.Close()
		}
	}
	return "", errors.Join(fmt.Errorf("sign in: %s, and no session", resp.Status), resp.Body.Close())
}
