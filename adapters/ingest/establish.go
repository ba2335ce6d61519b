package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// errSegmentMissing is for a mapping that names a segment that is not there any more.
var errSegmentMissing = &commands.Refusal{Kind: commands.Unacceptable, Code: "segment-not-found", Message: "There is no manual segment with this id.",
	Details: []commands.Detail{{Field: "segment.segmentId", Code: "segment-not-found", Message: "There is no manual segment with this id."}}}

// complete adds what the account knows to a mapping that a client asked for.
func (s *Service) complete(ctx context.Context, m commands.MapColumns) (commands.MapColumns, error) {
	var err error
	if m.Attributes, err = s.attributes(ctx, m.Mapping); err != nil {
		return m, err
	}
	if m.Segment != nil {
		m.Segment, err = s.segment(ctx, *m.Segment)
	}
	return m, err
}

// attributes are the account's. Once it exists an attribute never changes, so the
// read model is right about those that it knows; for others that a mapping names
// the log is asked.
func (s *Service) attributes(ctx context.Context, mapping []commands.Column) ([]events.Attribute, error) {
	all, err := s.deps.Attributes(ctx)
	if err != nil {
		return nil, fmt.Errorf("attributes of the account: %w", err)
	}
	found := make([]aggregate.Attribute, len(mapping))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(attributesAtOnce)
	for i, column := range mapping {
		if column.Attribute == "" || slices.ContainsFunc(all, func(a events.Attribute) bool { return a.Name == column.Attribute }) {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = aggregate.LoadAttribute(ctx, s.deps.Log, column.Attribute)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("attributes of the account: %w", err)
	}
	for _, attribute := range found {
		if attribute.Exists() {
			all = append(all, attribute.Attribute)
		}
	}
	return all, nil
}

// attributesAtOnce is how many attributes the log is asked for side by side: a file
// can bring a hundred new ones, each of which is a stream.
const attributesAtOnce = 16

// segment finds the segment that was asked for by id or name; a name that nobody
// has makes a new one. A new one whose id is chosen already keeps it.
func (s *Service) segment(ctx context.Context, asked events.Segment) (*events.Segment, error) {
	if asked.ID == "" {
		found, ok, err := aggregate.SegmentNamed(ctx, s.deps.Log, asked.Name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("segment by name: %w", err)
		case ok:
			return &events.Segment{ID: found.ID, Name: found.Name}, nil
		}
		return &events.Segment{ID: s.deps.NewID(), Name: asked.Name, Create: true}, nil
	}
	if id, err := ulid.ParseStrict(asked.ID); err != nil || id.String() != asked.ID {
		return nil, errSegmentMissing
	}
	found, err := aggregate.LoadSegment(ctx, s.deps.Log, asked.ID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("segment %s: %w", asked.ID, err)
	case found.Exists():
		return &events.Segment{ID: found.ID, Name: found.Name}, nil
	case asked.Create && found.State == "":
		return &asked, nil
	}
	return nil, errSegmentMissing
}

// establish makes what the commands on an import create part of the account, before
// the commands are recorded: a segment or attribute is there whole, or not at all, and
// of two imports that create the same one the log says which came first. It gives the
// commands with what is there then; deciding them may refuse what another import was
// faster to create. Commands that are refused anyway create nothing.
func (s *Service) establish(ctx context.Context, meta events.Meta, imp aggregate.Import, todo ...commands.Command) ([]commands.Command, error) {
	todo = slices.Clone(todo)
	for i, c := range todo {
		facts, err := aggregate.Decide(imp, c)
		if err != nil {
			return nil, err
		}
		if m, ok := c.(commands.MapColumns); ok && len(facts) > 0 {
			if todo[i], err = s.establishMapping(ctx, meta, imp, m, facts); err != nil {
				return nil, err
			}
		}
		imp = aggregate.Tried(imp, facts, meta)
	}
	return todo, nil
}

// establishMapping creates what a mapping creates by the facts that were decided,
// attributes first: where one is refused there is no segment without its import.
func (s *Service) establishMapping(ctx context.Context, meta events.Meta, imp aggregate.Import, m commands.MapColumns, facts []events.Event) (commands.MapColumns, error) {
	for _, fact := range facts {
		mapped, ok := fact.(events.ColumnsMapped)
		if !ok {
			continue
		}
		var err error
		if m.Attributes, err = s.establishAttributes(ctx, meta, imp.ID, mapped.Columns, m.Attributes); err != nil {
			return m, err
		}
	}
	if _, err := aggregate.Decide(imp, m); err != nil {
		return m, err
	}
	if m.Segment == nil || !m.Segment.Create {
		return m, nil
	}
	segment, err := s.establishSegment(ctx, meta, imp.ID, *m.Segment)
	m.Segment = segment
	return m, err
}

// establishAttributes creates the attributes that a mapping says are new, and adds
// those to the known ones that somebody else was faster to create.
func (s *Service) establishAttributes(ctx context.Context, meta events.Meta, importID string, columns []events.Column, known []events.Attribute) ([]events.Attribute, error) {
	created := make([]aggregate.Attribute, len(columns))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(attributesAtOnce)
	for i, column := range columns {
		if !column.Create {
			continue
		}
		group.Go(func() (err error) {
			created[i], err = aggregate.ExecuteAttribute(ctx, s.deps.Log, meta, commands.CreateAttribute{Name: column.Attribute, Type: column.Type, ImportID: importID})
			if errors.Is(err, aggregate.ErrAttributeExists) {
				return nil // of another type: deciding says so
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("create attributes: %w", err)
	}
	known = slices.Clip(known)
	for _, attribute := range created {
		if attribute.Exists() && attribute.ImportID != importID {
			known = append(known, attribute.Attribute)
		}
	}
	return known, nil
}

// establishSegment creates a segment; where another one got the name first, it is that one.
func (s *Service) establishSegment(ctx context.Context, meta events.Meta, importID string, wanted events.Segment) (*events.Segment, error) {
	for {
		_, err := aggregate.ExecuteSegment(ctx, s.deps.Log, wanted.ID, meta, commands.CreateSegment{Name: wanted.Name, ImportID: importID})
		if err == nil {
			return &wanted, nil
		}
		if !errors.Is(err, aggregate.ErrSegmentNameTaken) {
			return nil, fmt.Errorf("create segment %s: %w", wanted.ID, err)
		}
		other, ok, err := aggregate.SegmentNamed(ctx, s.deps.Log, wanted.Name)
		if err != nil || ok {
			return &events.Segment{ID: other.ID, Name: other.Name}, err
		}
	}
}
