package ingest

import (
	"context"
	"errors"
	"io"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// A chunk is one append: as many rows as make the append worth its fsync and fit
// the log's limit of 1 MiB, of which a part is left for the protocol.
const (
	chunkEvents = 2000
	chunkBytes  = 1000 << 10
	eventBytes  = 128 // what the protocol adds to an event, at most
)

type chunk []events.Proposed

// decider turns rows into chunks of events, in order, to the end of the file.
type decider struct {
	run
	imp    aggregate.Import // with everything that was decided, recorded or not yet
	rules  *aggregate.Rules
	rows   Rows
	source *source

	rec      aggregate.Record
	carry    chunk // decided, and did not fit into the chunk before
	finished bool
}

func (d *decider) decide(ctx context.Context, chunks chan<- chunk) error {
	for !d.finished || len(d.carry) > 0 {
		c, err := d.chunk()
		if err != nil {
			return err
		}
		select {
		case chunks <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// chunk decides the next rows; the last chunk ends with the import's completion.
func (d *decider) chunk() (chunk, error) {
	encoder := events.NewEncoder(events.ImportStream(d.id), d.meta(d.imp))
	c := append(make(chunk, 0, min(chunkEvents, d.imp.RowsMissing()+2)), d.carry...)
	d.carry = d.carry[:0]
	size := c.size()
	for !d.finished && len(c) < chunkEvents {
		todo, err := d.next()
		if err != nil {
			return nil, err
		}
		more, err := d.decided(encoder, todo)
		if err != nil {
			return nil, err
		}
		if size += more.size(); size > chunkBytes && len(c) > 0 {
			d.carry = append(d.carry, more...)
			break
		}
		c = append(c, more...)
	}
	return c, nil
}

// next gives the command that the next row of the file amounts to.
func (d *decider) next() (commands.Command, error) {
	if d.imp.RowsMissing() == 0 {
		d.finished = true
		return commands.Complete{}, d.endOfFile()
	}
	if err := d.rows.Read(&d.rec); err != nil {
		return nil, d.unreadable(err)
	}
	return d.rules.Row(d.rec), nil
}

// decided gives the events that a command causes, encoded.
func (d *decider) decided(encoder *events.Encoder, todo commands.Command) (chunk, error) {
	facts, err := aggregate.Decide(d.imp, todo)
	if err != nil {
		return nil, err
	}
	imp, c := d.imp, make(chunk, 0, 1)
	for _, fact := range facts {
		proposed, recorded, err := encoder.Encode(imp.Next(), fact)
		if err != nil {
			return nil, err
		}
		imp, c = aggregate.Evolve(imp, recorded), append(c, proposed)
	}
	if row, ok := todo.(commands.RowAccepted); ok && c.size() > chunkBytes {
		return d.decided(encoder, commands.RowRejected{Row: row.Row, Line: row.Line, Errors: []events.RowError{{
			Code: commands.RowTooLong, Message: "The row is larger than the 1 MiB that an event may have."}}})
	}
	d.imp = imp
	return c, nil
}

func (c chunk) size() int {
	n := 0
	for i := range c {
		n += eventBytes + len(c[i].Type) + len(c[i].Data) + len(c[i].Metadata)
	}
	return n
}

// endOfFile makes sure that what was read is the file that was received, to its
// last byte.
func (d *decider) endOfFile() error {
	err := d.rows.Read(&d.rec)
	if err == nil {
		return broken(SourceChanged, "The stored file has more rows than the one that was received.")
	}
	if !errors.Is(err, io.EOF) {
		return d.unreadable(err)
	}
	sum, err := d.source.sum()
	if err != nil {
		return d.unreadable(err)
	}
	if sum != d.imp.Started.File.SHA256 {
		return broken(SourceChanged, "The stored file is not the one that was received: its SHA-256 differs.")
	}
	return nil
}
