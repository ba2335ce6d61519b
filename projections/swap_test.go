package projections_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"importledger/events"
	"importledger/projections"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// queries are all that read models can be asked, with something to ask for.
var queries = map[string]func(context.Context, *pgxpool.Pool) (any, error){
	"SearchContacts": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		found, total, err := projections.SearchContacts(ctx, q, projections.ContactSearch{Page: 1, PageSize: 10, Sort: projections.ContactSort{Attribute: "createdAt", Type: events.Number}, Limit: time.Minute, Now: time.UnixMilli(0)})
		return []any{found, total}, err
	},
	"CountContacts": func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.CountContacts(ctx, q) },
	"ContactByID": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.ContactByID(ctx, q, contactID(1))
	},
	"KnownContacts": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.KnownContacts(ctx, q, []uuid.UUID{contactID(1), contactID(50)})
	},
	"ContactsByID": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.ContactsByID(ctx, q, []uuid.UUID{contactID(1), contactID(2)})
	},
	"ListContacts": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.ListContacts(ctx, q, 1, 10, projections.NewestFirst)
	},
	"ContactEvents": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		found, total, err := projections.ContactEvents(ctx, q, contactID(3), 1, 10)
		return []any{found, total}, err
	},
	"CustomAttributes": func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.CustomAttributes(ctx, q) },
	"ListErrors": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		found, total, err := projections.ListErrors(ctx, q, "b", 1, 10)
		return []any{found, total}, err
	},
	"GroupErrors": func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.GroupErrors(ctx, q, "b") },
	"RejectedRows": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		var all []projections.RejectedRow
		for row, err := range projections.RejectedRows(ctx, q, "b") {
			if err != nil {
				return nil, err
			}
			all = append(all, row)
		}
		return all, nil
	},
	"CountRejected": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.CountRejected(ctx, q, "b", []int{1, 2, 3})
	},
	"RejectedRowsFrom": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.RejectedRowsFrom(ctx, q, "b", 1, 10, projections.OldestFirst)
	},
	"ListImports": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		found, total, err := projections.ListImports(ctx, q, projections.ImportFilter{Page: 1, PageSize: 10})
		return []any{found, total}, err
	},
	"ListImportKeys": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		found, total, err := projections.ListImportKeys(ctx, q, projections.ImportFilter{Page: 1, PageSize: 10, Q: "a"})
		return []any{found, total}, err
	},
	"ImportsByID": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.ImportsByID(ctx, q, []string{"a", "b"})
	},
	"ImportCounts": func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.ImportCounts(ctx, q) },
	"ImportByID":   func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.ImportByID(ctx, q, "a") },
	"ImportingIDs": func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.ImportingIDs(ctx, q) },
	"LastMapping": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.LastMapping(ctx, q, []string{"E-mail", "City"}, events.Contacts)
	},
	"ImportsWithErrors": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.ImportsWithErrors(ctx, q, []string{"E-mail", "City"})
	},
	"CorrectedBy": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.CorrectedBy(ctx, q, []string{"a", "b"})
	},
	"CountImports": func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.CountImports(ctx, q) },
	"ListSegments": func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.ListSegments(ctx, q, "") },
	"SegmentByID":  func(ctx context.Context, q *pgxpool.Pool) (any, error) { return projections.SegmentByID(ctx, q, "seg") },
	"SegmentByName": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.SegmentByName(ctx, q, "Fair")
	},
	"SegmentsOf": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.SegmentsOf(ctx, q, contactID(1))
	},
	"SegmentMemberIDs": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.SegmentMemberIDs(ctx, q, "seg", 1, 10, projections.NewestFirst)
	},
	"Marks": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		all, err := projections.Marks(ctx, q)
		return slices.DeleteFunc(all, func(r projections.Reached) bool { // tables that are filled or kept come and go
			return !slices.Contains(projections.Names(), r.Name)
		}), err
	},
	"ImportsBeyond": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.ImportsBeyond(ctx, q, events.Position{})
	},
	"MissingImports": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.MissingImports(ctx, q, []string{"a", "none"})
	},
	"RowsOfContact": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.RowsOfContact(ctx, q, contactID(1), 0, 10)
	},
	"ImportsOfContact": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		found, total, err := projections.ImportsOfContact(ctx, q, contactID(1), 1, 10)
		return []any{found, total}, err
	},
	"SegmentHistory": func(ctx context.Context, q *pgxpool.Pool) (any, error) {
		return projections.SegmentHistory(ctx, q, "seg", time.UnixMilli(0), time.UnixMilli(1<<42))
	},
}

// asking finds the functions of this package that ask Postgres on behalf of others.
func asking(t *testing.T) (names []string) {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() {
				continue
			}
			for _, p := range f.Type.Params.List {
				if of, ok := p.Type.(*ast.Ident); ok && (of.Name == "Querier" || of.Name == "Beginner") {
					names = append(names, f.Name.Name)
				}
			}
		}
	}
	return names
}

// Readers whose statements are prepared and whose plans are kept see neither an error
// nor another answer, however often tables are swapped under them.
func TestNoQueryFailsOrChangesWhileTablesAreSwapped(t *testing.T) {
	t.Parallel()
	for _, name := range asking(t) {
		if queries[name] == nil {
			t.Errorf("%s is not asked while tables are swapped", name)
		}
	}
	l := history()
	bought := accepted(1, 3, `{}`)
	bought.Event = &events.ContactEvent{ID: contactID(1000), Name: "bought", At: 1795500000000}
	l.record("e", started("e.csv", 1), mapped(nil), bought)
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	want := map[string]any{}
	for name, ask := range queries {
		want[name] = must(ask(t.Context(), pool))
	}

	ctx, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	var counting sync.Mutex
	asked := map[string]int{}
	for range 5 {
		reading.Go(func() {
			for ctx.Err() == nil {
				for _, name := range slices.Sorted(maps.Keys(queries)) {
					got, err := queries[name](t.Context(), pool)
					if err != nil || !reflect.DeepEqual(got, want[name]) {
						t.Errorf("%s: %v, %v; want %v", name, got, err, want[name])
					}
					counting.Lock()
					asked[name]++
					counting.Unlock()
				}
			}
		})
	}
	const swaps = 6
	for range swaps { // there and back, so that a plan meets tables that it has known
		if err := p.Rebuild(t.Context(), nil, nil); err != nil {
			t.Error(err)
		}
		for _, name := range projections.Names() {
			if err := p.AskRollback(t.Context(), name); err != nil {
				t.Error(err)
			}
		}
		for working := true; working; {
			did, err := p.Work(t.Context())
			if working = did; err != nil {
				t.Error(err)
			}
		}
	}
	stop()
	reading.Wait()
	least := asked["CountContacts"]
	for name := range queries {
		least = min(least, asked[name])
	}
	t.Logf("%d swaps; each query was asked %d times or more", 2*swaps*len(projections.Names()), least)
	if least < swaps {
		t.Errorf("readers did not keep up: %v", fmt.Sprint(asked))
	}
}
