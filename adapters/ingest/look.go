package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

const (
	glimpsedRows   = 200 // read for samples and suggestions
	glimpsedValues = 5
	reviewSamples  = 5
	reviewRows     = 20 // listed for each kind of error
)

// Preview takes a first look at an import's file and suggests a mapping.
func (s *Service) Preview(ctx context.Context, id string) (aggregate.Preview, error) {
	started, err := s.started(ctx, id)
	if err != nil {
		return aggregate.Preview{}, err
	}
	attributes, err := s.deps.Attributes(ctx)
	if err != nil {
		return aggregate.Preview{}, fmt.Errorf("attributes of the account: %w", err)
	}
	samples := make([][]string, len(started.File.Header))
	err = s.eachRow(ctx, id, started.File, func(rec *aggregate.Record) error {
		for i := range min(len(rec.Fields), len(samples)) {
			if v := rec.Fields[i]; v != "" && !slices.Contains(samples[i], v) {
				samples[i] = append(samples[i], v)
			}
		}
		if rec.Row == glimpsedRows {
			return io.EOF
		}
		return nil
	})
	if err != nil {
		return aggregate.Preview{}, err
	}
	p := aggregate.Preview{File: started.File, KeyIdentifier: started.KeyIdentifier}
	for i, suggestion := range aggregate.Suggest(started.File.Header, samples, attributes, started.KeyIdentifier, started.ImportMode) {
		p.Columns = append(p.Columns, aggregate.ColumnGlimpse{
			Header: started.File.Header[i], Samples: samples[i][:min(glimpsedValues, len(samples[i]))], Suggestion: suggestion})
	}
	return p, nil
}

// Review runs the whole file through the rules that the import will use and
// appends nothing.
func (s *Service) Review(ctx context.Context, id string, m commands.MapColumns) (aggregate.Review, error) {
	m, err := s.complete(ctx, m)
	if err != nil {
		return aggregate.Review{}, err
	}
	imp, err := s.Load(ctx, id)
	if err != nil {
		return aggregate.Review{}, err
	}
	facts, err := aggregate.Decide(imp, m)
	if err != nil {
		return aggregate.Review{}, err
	}
	imp = aggregate.Appended(imp, facts, s.stamp(events.Meta{}), events.Position{})
	rules, err := aggregate.NewRules(imp.Started, *imp.Mapped, imp.CreatedAt, s.deps.Identity)
	if err != nil {
		return aggregate.Review{}, err
	}
	tally := tally{seen: map[uuid.UUID]struct{}{}, index: map[[2]string]int{}}
	err = s.eachRow(ctx, id, imp.Started.File, func(rec *aggregate.Record) error {
		return tally.add(rules.Row(*rec))
	})
	return tally.result(), err
}

// eachRow reads a stored file from its first row on; visit ends it with io.EOF.
func (s *Service) eachRow(ctx context.Context, id string, file events.File, visit func(*aggregate.Record) error) (err error) {
	blob, err := s.deps.OpenBlob(ctx, id)
	if err != nil {
		return fmt.Errorf("file of import %s: %w", id, err)
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
		kept.Rows = append(kept.Rows, row)
	}
}

func (t *tally) result() aggregate.Review {
	slices.SortStableFunc(t.review.Errors, func(a, b aggregate.ReviewError) int { return b.Count - a.Count })
	return t.review
}
