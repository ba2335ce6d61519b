package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Refusals of an upload as such.
var (
	ErrFileMissing = &commands.Refusal{Kind: commands.Unacceptable, Code: "file-missing", Message: "Send the CSV file in the field \"file\"."}
	ErrFileTwice   = &commands.Refusal{Kind: commands.Unacceptable, Code: "file-repeated", Message: "Send one file at a time."}
	ErrKeyReused   = &commands.Refusal{Kind: commands.Unacceptable, Code: "idempotency-key-reused", Message: "This Idempotency-Key was used with another file. Use a new key for a new import."}
)

// Store hands a file's bytes over while they arrive.
type Store = func(name string, r io.Reader) error

// Create receives a file and starts an import, mapped at once when a mapping is
// given. It calls read once; read hands the file to store and gives what was asked
// beside it. The file is checked as a whole; one that breaks a rule leaves nothing
// behind. The same client, idempotency key and file again give the same import; an
// empty key ties nothing.
func (s *Service) Create(ctx context.Context, meta events.Meta, client, key string,
	read func(store Store) (commands.Start, *commands.MapColumns, error)) (imp aggregate.Import, err error) {
	upload, err := s.deps.NewUpload(ctx)
	if err != nil {
		return imp, fmt.Errorf("store the file: %w", err)
	}
	defer func() { err = errors.Join(err, upload.Discard()) }()

	name := ""
	start, mapping, err := read(func(file string, r io.Reader) error {
		if name != "" {
			return ErrFileTwice
		}
		name = file
		return s.receive(upload, r)
	})
	switch {
	case err != nil:
		return imp, err
	case name == "":
		return imp, ErrFileMissing
	}
	if start, err = s.check(ctx, upload, name, start); err != nil {
		return imp, err
	}
	todo := []commands.Command{start}
	if mapping != nil {
		complete, err := s.prepare(ctx, aggregate.Import{Started: events.ImportStarted(start)}, *mapping, received(upload))
		if err != nil {
			return imp, err
		}
		todo = append(todo, complete)
	}
	return s.start(ctx, upload, s.stamp(meta), client, key, todo)
}

// receive streams a file away and stops at the first byte too many.
func (s *Service) receive(upload Upload, r io.Reader) error {
	if _, err := io.Copy(upload, io.LimitReader(r, s.deps.MaxBytes)); err != nil {
		return fmt.Errorf("receive the file: %w", err)
	}
	var more [1]byte
	n, err := io.ReadFull(r, more[:])
	switch {
	case n > 0:
		return &commands.Refusal{Kind: commands.TooLarge, Code: commands.FileTooLarge,
			Message: message.NewPrinter(language.English).Sprintf("The file is larger than %d bytes. Split it, or raise IMPORTLEDGER_MAX_BYTES.", s.deps.MaxBytes)}
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("receive the file: %w", err)
	}
	return nil
}

// check runs the whole file through the file rules and completes what is started.
func (s *Service) check(ctx context.Context, upload Upload, name string, start commands.Start) (commands.Start, error) {
	file, err := s.inspect(upload.Reader(), commands.Reading{Separator: start.File.Separator, Encoding: start.File.Encoding})
	if err != nil {
		return start, err
	}
	file.Name, file.Size, file.SHA256 = name, upload.Size(), upload.SHA256()
	start.File = file
	if start.Type == "" {
		start.Type = events.Manual
	}
	if start.ImportMode == "" {
		start.ImportMode = events.Contacts
	}
	if start.KeyIdentifier, err = s.deps.Account(ctx); err != nil {
		return start, fmt.Errorf("key identifier of the account: %w", err)
	}
	start.Corrects, err = s.corrected(ctx, start.Corrects, file, received(upload))
	return start, err
}

// inspect checks a whole file. A separator comes from clients, as a text.
func (s *Service) inspect(r io.Reader, as commands.Reading) (events.File, error) {
	if len(as.Separator) > 1 {
		return events.File{}, &commands.Refusal{Kind: commands.Unacceptable, Code: commands.SeparatorUnsupported,
			Message: "A separator is one character: a comma or a semicolon."}
	}
	return s.deps.Inspect(r, as)
}

// received opens an upload's file where a stored one is expected.
func received(upload Upload) opener {
	return func(context.Context) (io.ReadSeekCloser, error) { return unclosed{upload.Reader()}, nil }
}

type unclosed struct{ io.ReadSeeker }

func (unclosed) Close() error { return nil }

// start ties the idempotency key, keeps the file and appends. The commands are
// tried on an import that does not exist yet first, so that a refusal keeps nothing.
func (s *Service) start(ctx context.Context, upload Upload, meta events.Meta, client, key string, todo []commands.Command) (aggregate.Import, error) {
	id := s.deps.NewID()
	trial := aggregate.Import{ID: id}
	for _, c := range todo {
		facts, err := aggregate.Decide(trial, c)
		if err != nil {
			return aggregate.Import{}, err
		}
		trial = aggregate.Tried(trial, facts, meta)
	}
	if key != "" {
		fingerprint, first, claimed, err := s.deps.Claim(ctx, client, key, upload.SHA256(), id)
		if err != nil {
			return aggregate.Import{}, fmt.Errorf("idempotency key: %w", err)
		}
		if fingerprint != upload.SHA256() {
			return aggregate.Import{}, ErrKeyReused
		}
		if !claimed {
			if imp, err := aggregate.Load(ctx, s.deps.Log, first); err != nil || imp.Exists() {
				return imp, err
			}
			id = first // whoever claimed it has not started the import, or died before
		}
	}
	todo, err := s.establish(ctx, meta, aggregate.Import{ID: id}, todo...)
	if err != nil {
		return aggregate.Import{}, err
	}
	if err := upload.Commit(id); err != nil {
		return aggregate.Import{}, fmt.Errorf("store the file: %w", err)
	}
	imp, err := aggregate.Execute(ctx, s.deps.Log, id, meta, todo...)
	if err == nil && imp.State == events.Importing {
		s.wake(id)
	}
	return imp, err
}
