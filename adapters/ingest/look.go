package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

const (
	glimpsedRows  = 200 // read for samples and suggestions
	glimpsedFirst = 8   // of them shown as they are
	reviewSamples = 5
	reviewRows    = 20 // listed for each kind of error
)

// Preview takes a first look at an import's file and suggests a mapping. The file is
// read as asked; what is not said stays as it was found. Nothing of that is kept.
func (s *Service) Preview(ctx context.Context, id string, as commands.Reading) (aggregate.Preview, error) {
	imp, err := s.begun(ctx, id)
	if err != nil {
		return aggregate.Preview{}, err
	}
	file, open := imp.File(), s.stored(id)
	if as != (commands.Reading{}) {
		if file, err = s.reread(ctx, file, as, open); err != nil {
			return aggregate.Preview{}, err
		}
	}
	return s.glimpse(ctx, imp, file, open)
}

// glimpse puts a preview of a file together.
func (s *Service) glimpse(ctx context.Context, imp aggregate.Import, file events.File, open opener) (aggregate.Preview, error) {
	attributes, err := s.deps.Attributes(ctx)
	if err != nil {
		return aggregate.Preview{}, fmt.Errorf("attributes of the account: %w", err)
	}
	last, err := s.deps.LastMapping(ctx, file.OwnColumns(), imp.Started.ImportMode)
	if err != nil {
		return aggregate.Preview{}, fmt.Errorf("mapping last used: %w", err)
	}
	samples, first, err := s.samples(ctx, file, open)
	p := aggregate.NewPreview(imp, file, samples, attributes, last)
	p.First = first
	return p, err
}

// samples are different values of each column, from the file's first rows, and the
// very first of those rows.
func (s *Service) samples(ctx context.Context, file events.File, open opener) (samples, first [][]string, err error) {
	samples = make([][]string, len(file.Header))
	err = s.eachRow(ctx, file, open, func(rec *aggregate.Record) error {
		if len(first) < glimpsedFirst {
			first = append(first, shownCells(rec))
		}
		for i := range min(len(rec.Fields), len(samples)) {
			if v, ok := aggregate.Sample(rec.Fields[i]); ok && rec.Problem == nil && !slices.Contains(samples[i], v) {
				samples[i] = append(samples[i], v)
			}
		}
		if rec.Row == glimpsedRows {
			return io.EOF
		}
		return nil
	})
	return samples, first, err
}

// shownCells are a row's cells as a preview shows them.
func shownCells(rec *aggregate.Record) []string {
	cells := make([]string, len(rec.Fields))
	for i, cell := range rec.Fields {
		cells[i], _ = aggregate.Sample(cell)
	}
	return cells
}

// Review runs the whole file through the rules that the import will use and
// appends nothing.
func (s *Service) Review(ctx context.Context, id string, m commands.MapColumns) (aggregate.Review, error) {
	leave, err := s.seat(ctx)
	if err != nil {
		return aggregate.Review{}, err
	}
	defer leave()
	imp, rules, err := s.try(ctx, id, m)
	if err != nil {
		return aggregate.Review{}, err
	}
	tally := tally{seen: map[uuid.UUID]struct{}{}, index: map[[2]string]int{}}
	err = s.eachRow(ctx, imp.File(), s.stored(id), func(rec *aggregate.Record) error {
		return tally.add(rules.Row(*rec))
	})
	return tally.result(), err
}

// try gives an import as it would be with a mapping, and the rules of its rows.
func (s *Service) try(ctx context.Context, id string, m commands.MapColumns) (aggregate.Import, *aggregate.Rules, error) {
	imp, err := s.Load(ctx, id)
	if err != nil {
		return imp, nil, err
	}
	if m, err = s.prepare(ctx, imp, m, s.stored(id)); err != nil {
		return imp, nil, err
	}
	facts, err := aggregate.Decide(imp, m)
	if err != nil {
		return imp, nil, err
	}
	imp = aggregate.Tried(imp, facts, s.stamp(events.Meta{}))
	rules, err := aggregate.NewRules(imp.Started, *imp.Mapped, imp.CreatedAt, s.deps.Identity)
	return imp, rules, err
}

// reviewPatience is how long a review waits for its turn.
const reviewPatience = 20 * time.Second

var errReviewsBusy = &commands.Refusal{Kind: commands.Unavailable, Code: "reviews-busy", Message: "Too many files are being reviewed at the moment. Try again shortly."}

// seat waits for a review's turn.
func (s *Service) seat(ctx context.Context) (leave func(), err error) {
	patience := time.NewTimer(reviewPatience)
	defer patience.Stop()
	select {
	case s.reviews <- struct{}{}:
		return func() { <-s.reviews }, nil
	case <-patience.C:
		return nil, errReviewsBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// eachRow reads a file from its first row on; visit ends it with io.EOF.
func (s *Service) eachRow(ctx context.Context, file events.File, open opener, visit func(*aggregate.Record) error) (err error) {
	if file.Separator == "" {
		return aggregate.ErrFileUnreadable
	}
	blob, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	rows, err := s.deps.OpenRows(blob, file)
	if err != nil {
		return err
	}
	for rec := new(aggregate.Record); ; {
		if err := rows.Read(rec); err != nil {
			return endOfRows(err)
		}
		if err := visit(rec); err != nil {
			return endOfRows(err)
		}
		if rec.Row%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func endOfRows(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// tally adds up what a review finds.
type tally struct {
	review aggregate.Review
	seen   map[uuid.UUID]struct{}
	index  map[[2]string]int // code and column → place in review.Errors
}

func (t *tally) add(outcome commands.Command) error {
	t.review.Rows++
	switch c := outcome.(type) {
	case commands.RowAccepted:
		t.review.Acceptable++
		if _, again := t.seen[c.Contact.NxID]; again {
			t.review.Repeated++
		}
		t.seen[c.Contact.NxID] = struct{}{}
		if len(t.review.Samples) < reviewSamples {
			t.review.Samples = append(t.review.Samples, aggregate.ReviewSample{Row: c.Row, Contact: c.Contact, Event: c.Event})
		}
	case commands.RowRejected:
		t.review.InError++
		for _, e := range c.Errors {
			t.addError(c.Row, e)
		}
	default:
		return fmt.Errorf("row %d: the rules gave %T", t.review.Rows, outcome)
	}
	return nil
}

func (t *tally) addError(row int, e events.RowError) {
	kind := [2]string{e.Code, e.Column}
	i, ok := t.index[kind]
	if !ok {
		i = len(t.review.Errors)
		t.index[kind] = i
		t.review.Errors = append(t.review.Errors, aggregate.ReviewError{Code: e.Code, Column: e.Column, Message: e.Message})
	}
	kept := &t.review.Errors[i]
	kept.Count++
	if len(kept.Rows) < reviewRows {
		kept.Rows, kept.Values = append(kept.Rows, row), append(kept.Values, e.Value)
	}
}

func (t *tally) result() aggregate.Review {
	slices.SortStableFunc(t.review.Errors, func(a, b aggregate.ReviewError) int { return b.Count - a.Count })
	return t.review
}
