package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

const (
	askers         = 8
	asksOfEach     = 250
	readers        = 200
	readersPause   = time.Second // between two looks of one reader
	importsOfCrowd = 3
	pagesOfImport  = 10 // of 50, that are asked for in turn
)

// queries measures reading from a large ledger: the imports list and a contact by
// its address, as the 99th percentile of 8 clients, beside a SELECT of the same rows
// through pgx; the list again while 200 readers look at it during an import of A;
// and a search that has to look at every contact. The read models' tables are
// filled by COPY, without a log behind them: what is measured reads nothing else.
func queries(ctx context.Context, b *bench) (figures []figure, err error) {
	database, err := b.newDatabase(ctx)
	if err != nil {
		return nil, err
	}
	p, err := startProduct(ctx, b.binary, filepath.Join(b.dir, "queries"), "IMPORTLEDGER_DATABASE_URL="+database, "IMPORTLEDGER_SECRET_KEY="+fillKey)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	config, err := pgxpool.ParseConfig(database)
	if err != nil {
		return nil, err
	}
	config.MaxConns = askers
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	began := time.Now()
	if err := fill(ctx, pool); err != nil {
		return nil, fmt.Errorf("fill the read models: %w", err)
	}
	fmt.Fprintf(b.progress, "  %d contacts and %d imports in %.0f s\n", filledContacts, filledImports, time.Since(began).Seconds())
	p.client.Transport = &http.Transport{MaxIdleConnsPerHost: readers, MaxConnsPerHost: readers}

	list, err := b.besideSelect(ctx, "queries: list", p.askList, selectList(pool))
	if err != nil {
		return nil, err
	}
	contact, err := b.besideSelect(ctx, "queries: contact", p.askContact, selectContact(pool))
	if err != nil {
		return nil, err
	}
	search, err := b.searches(ctx, p)
	if err != nil {
		return nil, err
	}
	crowd, err := b.crowd(ctx, p)
	if err != nil {
		return nil, err
	}
	for name, question := range map[string]ask{"queries-list": p.askList, "queries-contact": p.askContact} {
		if err := b.profiled(ctx, p, name, 5*time.Second, func(ctx context.Context) error {
			_, err := percentile99(ctx, question)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return append([]figure{list, contact, search}, crowd...), nil
}

// ask is one question, the n-th of a client.
type ask func(ctx context.Context, n int) error

// besideSelect measures a question beside the same rows through pgx, in turn.
func (b *bench) besideSelect(ctx context.Context, name string, product, floor ask) (figure, error) {
	var runs, floors []float64
	for run := range b.runs + 1 { // the first warms both up
		least, err := percentile99(ctx, floor)
		if err != nil {
			return figure{}, err
		}
		took, err := percentile99(ctx, product)
		if err != nil {
			return figure{}, err
		}
		fmt.Fprintf(b.progress, "  %s: p99 %.2f ms, SELECT %.2f ms\n", name, took*1000, least*1000)
		if run > 0 {
			runs, floors = append(runs, took), append(floors, least)
		}
	}
	return measured(name+", p99", "s", runs, floors, "≤ 3 ×", func(_, ratio float64) bool { return ratio <= 3 }), nil
}

// percentile99 has all clients ask at once, and gives the 99th percentile of what
// an answer took, in seconds.
func percentile99(ctx context.Context, question ask) (float64, error) {
	took := make([][]float64, askers)
	group, ctx := errgroup.WithContext(ctx)
	for client := range askers {
		group.Go(func() error {
			for n := range asksOfEach {
				began := time.Now()
				if err := question(ctx, client*asksOfEach+n); err != nil {
					return err
				}
				took[client] = append(took[client], time.Since(began).Seconds())
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return percentile(slices.Concat(took...), 0.99), nil
}

func percentile(values []float64, of float64) float64 {
	slices.Sort(values)
	return values[min(len(values)-1, int(float64(len(values))*of))]
}

func (p *product) askList(ctx context.Context, n int) error {
	return p.read(ctx, http.MethodGet, fmt.Sprintf("/people/imports?page=%d", 1+n%pagesOfImport), "")
}

func (p *product) askContact(ctx context.Context, n int) error {
	return p.read(ctx, http.MethodGet, "/people/contacts/"+url.PathEscape(filledEmail(anyContact(n))), "")
}

// anyContact spreads questions over all contacts, the same at every run.
func anyContact(n int) int { return int(rand.New(rand.NewPCG(1, uint64(n))).IntN(filledContacts)) }

// read asks and reads the answer to its end; a reader does not decode it, as the
// SELECT beside it does not.
func (p *product) read(ctx context.Context, method, path, body string) error {
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return nil
}

// searches measures a condition that an index does not help with. There is no goal.
func (b *bench) searches(ctx context.Context, p *product) (figure, error) {
	const body = `{"condition":{"all":[{"attribute":{"field":"lastName","operator":"contains","value":"77"}},{"attribute":{"field":"score","operator":"gt","value":50}}]}}`
	var runs []float64
	for run := range b.runs + 1 {
		began := time.Now()
		if err := p.read(ctx, http.MethodPost, "/people/contacts", body); err != nil {
			return figure{}, err
		}
		if run > 0 {
			runs = append(runs, time.Since(began).Seconds())
		}
	}
	return measured("queries: search", "s", runs, nil, "", nil), nil
}

// crowd measures the list while many look at it and an import of A runs: each
// reader looks once a second, as a page that is open does. How long they take when
// none of them pauses is reported beside it, without a goal.
func (b *bench) crowd(ctx context.Context, p *product) ([]figure, error) {
	var calm, flatOut []float64
	for generation := range b.runs {
		for _, pause := range []time.Duration{readersPause, 0} {
			took, err := p.crowdDuring(ctx, pause, func(ctx context.Context) error {
				return b.importSome(ctx, p, 1000*(generation+1)+10*int(pause/readersPause))
			})
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(b.progress, "  %d readers, pause %v: p99 %.1f ms of %d answers\n", readers, pause, percentile(took, 0.99)*1000, len(took))
			if pause > 0 {
				calm = append(calm, percentile(took, 0.99))
			} else {
				flatOut = append(flatOut, percentile(took, 0.99))
			}
		}
	}
	return []figure{
		measured("queries: 200 readers, p99", "s", calm, nil, "< 50 ms", func(value, _ float64) bool { return value < 0.05 }),
		measured("queries: 200 without a pause, p99", "s", flatOut, nil, "", nil),
	}, nil
}

// importSome imports A a few times, one after the other, for enough answers to tell
// the slowest hundredth.
func (b *bench) importSome(ctx context.Context, p *product, generation int) error {
	for n := range importsOfCrowd {
		path, err := inputA.write(b.dir, generation+n)
		if err != nil {
			return err
		}
		if _, err := p.importFile(ctx, inputA, path); err != nil {
			return err
		}
	}
	return nil
}

// crowdDuring has readers look at the list until work is done, and gives what each
// answer took that was asked for meanwhile: work begins when all have looked once,
// so that nobody's connection is still to be made. An answer that is an error ends it.
func (p *product) crowdDuring(ctx context.Context, pause time.Duration, work func(context.Context) error) ([]float64, error) {
	group, ctx := errgroup.WithContext(ctx)
	done := make(chan struct{})
	var here sync.WaitGroup
	here.Add(readers)
	var mu sync.Mutex
	var all []float64
	var working time.Time
	for reader := range readers {
		group.Go(func() error {
			next := time.NewTimer(pause * time.Duration(reader) / readers) // not all at the same moment
			defer next.Stop()
			for looked := false; ; looked = true {
				select {
				case <-done:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				case <-next.C:
				}
				began := time.Now()
				err := p.askList(ctx, 0)
				if !looked {
					here.Done()
				}
				if err != nil {
					return err
				}
				mu.Lock()
				if !working.IsZero() && began.After(working) {
					all = append(all, time.Since(began).Seconds())
				}
				mu.Unlock()
				next.Reset(pause)
			}
		})
	}
	group.Go(func() error {
		defer close(done)
		here.Wait()
		mu.Lock()
		working = time.Now()
		mu.Unlock()
		return work(ctx)
	})
	err := group.Wait()
	return all, err
}
