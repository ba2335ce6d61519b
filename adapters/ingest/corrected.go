package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// ErrCorrectsNothing refuses the claim to correct an import that does not exist.
var ErrCorrectsNothing = &commands.Refusal{Kind: commands.Unacceptable, Code: "corrected-import-not-found", Message: "The import that this file is said to correct does not exist.",
	Details: []commands.Detail{{Field: "corrects", Code: "corrected-import-not-found", Message: "There is no import with this id."}}}

const idLength = 26 // of a ULID

// corrected gives the id of the import that a file corrects: the one that was asked
// for, else the one that its error columns can only be from, else none.
func (s *Service) corrected(ctx context.Context, asked string, file events.File, open opener) (string, error) {
	if asked != "" && len(asked) != idLength {
		return "", ErrCorrectsNothing
	}
	if asked != "" {
		imp, err := aggregate.LoadAt(ctx, s.deps.Log, asked, 0)
		if err == nil && !imp.Exists() {
			err = aggregate.ErrNotFound
		}
		if errors.Is(err, aggregate.ErrNotFound) {
			err = ErrCorrectsNothing
		}
		return asked, err
	}
	if !file.Correction {
		return "", nil
	}
	reported, err := s.reported(ctx, file, open)
	if err != nil || len(reported) == 0 {
		return "", err
	}
	candidates, err := s.deps.WithErrors(ctx, file.OwnColumns())
	if err != nil {
		return "", fmt.Errorf("imports with errors: %w", err)
	}
	var fitting []string
	for _, id := range candidates {
		fits, err := s.rejectedAll(ctx, id, reported)
		if err != nil {
			return "", fmt.Errorf("rows in error of import %s: %w", id, err)
		}
		if !fits {
			continue
		}
		if strings.HasPrefix(file.Name, id) { // as the download was named: of several that fit it is this one
			return id, nil
		}
		fitting = append(fitting, id)
	}
	if len(fitting) != 1 {
		return "", nil // nobody can tell
	}
	return fitting[0], nil
}

// reported are the rows that a file's error columns name, and their codes.
func (s *Service) reported(ctx context.Context, file events.File, open opener) (map[int]string, error) {
	rows := map[int]string{}
	own := len(file.OwnColumns())
	err := s.eachRow(ctx, file, open, func(rec *aggregate.Record) error {
		if rec.Problem != nil || len(rec.Fields) != len(file.Header) {
			return nil
		}
		if row, err := strconv.Atoi(strings.TrimSpace(rec.Fields[own])); err == nil {
			rows[row] = strings.TrimSpace(rec.Fields[own+2])
		}
		return nil
	})
	return rows, err
}

// rejectedAll tells whether an import rejected all of these rows for these reasons.
func (s *Service) rejectedAll(ctx context.Context, id string, reported map[int]string) (bool, error) {
	left := maps.Clone(reported)
	for rejected, err := range s.deps.RowsInError(ctx, id) {
		if err != nil {
			return false, err
		}
		codes, named := left[rejected.Row]
		if !named {
			continue
		}
		if codes != joinedCodes(rejected.Errors) {
			return false, nil
		}
		if delete(left, rejected.Row); len(left) == 0 {
			return true, nil
		}
	}
	return false, nil
}

func joinedCodes(all []events.RowError) string {
	codes := make([]string, len(all))
	for i, e := range all {
		codes[i] = e.Code
	}
	return strings.Join(codes, errorSeparator)
}
