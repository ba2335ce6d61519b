package web

import (
	"context"
	"io"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Imports does what people ask of imports. An import that does not exist is
// aggregate.ErrNotFound.
type Imports interface {
	// Create receives a file and starts an import. It calls read once; read hands the
	// file's bytes to store, which streams them away, and gives what was asked beside it.
	Create(ctx context.Context, meta events.Meta, client, key string,
		read func(store func(name string, r io.Reader) error) (commands.Start, *commands.MapColumns, error)) (aggregate.Import, error)
	// Preview reads the file as asked; what is not said stays as it was found.
	Preview(ctx context.Context, id string, as commands.Reading) (aggregate.Preview, error)
	// Review and Map complete the segment, which comes with its id or its name, and
	// add the account's attributes.
	Review(ctx context.Context, id string, m commands.MapColumns) (aggregate.Review, error)
	Map(ctx context.Context, id string, m commands.MapColumns, meta events.Meta) (aggregate.Import, error)
	Cancel(ctx context.Context, id, reason string, meta events.Meta) (aggregate.Import, error)
	// At gives an import as it stood right after the event with that revision.
	At(ctx context.Context, id string, revision uint64) (aggregate.Import, error)
	// Source opens the file as it was uploaded; the caller closes it.
	Source(ctx context.Context, id string) (file io.ReadSeekCloser, name string, err error)
	// Row tells what became of a row, and what the file says in it.
	Row(ctx context.Context, id string, row int) (aggregate.Outcome, error)
	// Origins tells where the values of a contact come from, which has these attributes.
	// Not whole means that it has more rows than were looked at.
	Origins(ctx context.Context, contact uuid.UUID, attributes []string) (origins []aggregate.Origin, whole bool, err error)
	// SettingsOf gives how an attribute of a contact was set, the latest first, from
	// before a row's number on (0: the latest), and the number to go on from (0: no more).
	SettingsOf(ctx context.Context, contact uuid.UUID, attribute string, before int64, limit int) (all []aggregate.Setting, next int64, err error)
	// ErrorsCSV writes the rejected rows. It writes nothing before it knows that the
	// import exists and can be read.
	ErrorsCSV(ctx context.Context, id string, w io.Writer) error
	// ReviewErrorsCSV writes the rows that an import would reject, likewise.
	ReviewErrorsCSV(ctx context.Context, id string, m commands.MapColumns, w io.Writer) error
}
