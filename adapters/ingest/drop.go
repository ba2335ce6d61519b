package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Dropped is a file that came in by itself, to be imported by a template. Its bytes
// are stored under the import's id.
type Dropped struct {
	ImportID string      // chosen when the file was received: dropping it again is the same import
	File     events.File // name, size and SHA-256
	// Refused is why nothing of the file was stored; nil: it was.
	Refused  *commands.Refusal
	Template aggregate.Template
}

// Drop starts the import of a file. One that breaks a rule, or does not fit its
// template, becomes an import that failed and says why. Whatever went wrong before,
// Drop may be called again: an import is started once.
func (s *Service) Drop(ctx context.Context, meta events.Meta, d Dropped) (aggregate.Import, error) {
	imp, err := aggregate.Load(ctx, s.deps.Log, d.ImportID)
	if err != nil {
		return imp, err
	}
	if !imp.Exists() {
		meta = s.stamp(meta)
		todo, err := s.follow(ctx, d)
		if err != nil {
			return imp, err
		}
		established, err := s.establish(ctx, meta, imp, todo...)
		if why, ok := errors.AsType[*commands.Refusal](err); ok {
			established, err = d.Template.Refuse(todo[0].(commands.Start), why), nil
		}
		if err != nil {
			return imp, err
		}
		if imp, err = aggregate.Execute(ctx, s.deps.Log, d.ImportID, meta, established...); err != nil {
			return imp, err
		}
	}
	if imp.State == events.Importing {
		s.wake(imp.ID)
	}
	return imp, nil
}

// follow reads a file and gives the commands that it amounts to.
func (s *Service) follow(ctx context.Context, d Dropped) ([]commands.Command, error) {
	key, err := s.deps.Account(ctx)
	if err != nil {
		return nil, fmt.Errorf("key identifier of the account: %w", err)
	}
	start := commands.Start{File: d.File, KeyIdentifier: key}
	if d.Refused != nil {
		return d.Template.Refuse(start, d.Refused), nil //nolint:nilerr // what is recorded is the refusal
	}
	start.File, err = s.inspectDropped(ctx, d)
	if err == nil {
		var m commands.MapColumns
		imp := aggregate.Import{Started: events.ImportStarted(start)}
		if m, err = s.prepare(ctx, imp, commands.MapColumns{Segment: d.Template.Segment, Mapping: d.Template.Mapping}, s.stored(d.ImportID)); err == nil {
			d.Template.Segment, d.Template.Mapping = m.Segment, m.Mapping
			start.Corrects, err = s.corrected(ctx, "", start.File, s.stored(d.ImportID))
		}
		if err == nil {
			return d.Template.Follow(start, m.Attributes)
		}
	}
	if why, ok := errors.AsType[*commands.Refusal](err); ok {
		return d.Template.Refuse(start, why), nil
	}
	return nil, err
}

// inspectDropped finds out what a file is. It is read with the template's separator
// first; where its columns are others then, the file itself says what separates them.
func (s *Service) inspectDropped(ctx context.Context, d Dropped) (file events.File, err error) {
	blob, err := s.deps.OpenBlob(ctx, d.ImportID)
	if err != nil {
		if s.deps.BlobMissing(err) {
			err = &commands.Refusal{Kind: commands.NotFound, Code: SourceMissing, Message: "The stored file is gone.", Err: err}
		}
		return d.File, err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	for _, separator := range []string{d.Template.Separator, ""} {
		if _, err := blob.Seek(0, io.SeekStart); err != nil {
			return d.File, fmt.Errorf("stored file: %w", err)
		}
		var found events.File
		found, err = s.deps.Inspect(blob, commands.Reading{Separator: separator, Encoding: d.Template.Encoding})
		if err != nil && !isFileRule(err) {
			return d.File, fmt.Errorf("stored file: %w", err)
		}
		file = found
		file.Name, file.Size, file.SHA256 = d.File.Name, d.File.Size, d.File.SHA256
		if err == nil && d.Template.Fits(found.OwnColumns()) {
			break
		}
	}
	return file, err
}

func isFileRule(err error) bool {
	refusal, ok := errors.AsType[*commands.Refusal](err)
	return ok && commands.IsFileRule(refusal.Code)
}

// Ending gives the event that ended an import; nil while it goes on.
func (s *Service) Ending(ctx context.Context, id string) (events.Event, error) {
	for recorded, err := range s.deps.Log.ReadBack(ctx, events.ImportStream(id), aggregate.LastRevision) {
		if err != nil {
			return nil, fmt.Errorf("end of import %s: %w", id, err)
		}
		last, err := events.Decode(recorded)
		if err != nil {
			return nil, err
		}
		switch last.Event.(type) {
		case events.ImportCompleted, events.ImportFailed, events.ImportCanceled:
			return last.Event, nil
		}
		return nil, nil
	}
	return nil, nil
}

// CheckTemplate refuses a template that no file could follow, by what is true of the
// account and of files today, and gives it as it is to be kept: header as a file
// shows it, segment with an id that stays the same for every file.
func (s *Service) CheckTemplate(ctx context.Context, t aggregate.Template) (aggregate.Template, error) {
	key, err := s.deps.Account(ctx)
	if err != nil {
		return t, fmt.Errorf("key identifier of the account: %w", err)
	}
	if t.Header, err = s.checkHeader(t); err != nil {
		return t, err
	}
	if err := s.checkEncoding(t); err != nil {
		return t, err
	}
	m, err := s.complete(ctx, commands.MapColumns{Mapping: t.Mapping, Segment: t.Segment})
	if err != nil {
		return t, err
	}
	t.Segment = m.Segment
	return t, t.Check(key, m.Attributes)
}

// checkEncoding lets the reader say whether it knows an encoding: of no bytes at all
// it says nothing else about it.
func (s *Service) checkEncoding(t aggregate.Template) error {
	_, err := s.deps.Inspect(bytes.NewReader(nil), commands.Reading{Encoding: t.Encoding})
	if why, ok := errors.AsType[*commands.Refusal](err); ok && why.Code == commands.EncodingInvalid {
		return why
	}
	return nil //nolint:nilerr // that there are no rows is no news
}

// checkHeader reads a file of just the header, as if it had been received.
func (s *Service) checkHeader(t aggregate.Template) ([]string, error) {
	if t.Separator != "," && t.Separator != ";" {
		return nil, &commands.Refusal{Kind: commands.Unacceptable, Code: commands.SeparatorUnsupported, Message: "A separator is one character: a comma or a semicolon."}
	}
	if len(t.Header) == 0 {
		return nil, &commands.Refusal{Kind: commands.Unacceptable, Code: commands.HeaderEmpty, Message: "Name the columns that the files will have."}
	}
	var sample bytes.Buffer
	out := s.deps.NewCSV(&sample, t.Separator, false)
	row := make([]string, len(t.Header))
	row[0] = "x"
	if err := errors.Join(out.Write(t.Header), out.Write(row), out.Flush()); err != nil {
		return nil, fmt.Errorf("write a sample of a template: %w", err)
	}
	file, err := s.deps.Inspect(&sample, commands.Reading{Separator: t.Separator, Encoding: "utf-8"})
	return file.Header, err
}
