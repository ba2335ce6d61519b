package connectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/commands"
	"importledger/events"
)

// Sample is a file like those that will come, kept while somebody makes a template
// from it. It is no import, and leaves nothing behind.
type Sample struct {
	ID          string // of the connector that is made from it, too
	ConnectorID string // that gets another template; empty: a new one is made
	Started     events.ImportStarted
	Choices     []byte // JSON
}

// Key is what the sample's bytes are stored under.
func (s Sample) Key() string { return sampleKey(s.ID) }

func sampleKey(id string) string { return "sample-" + id }

const (
	samplesKept = 7 * 24 * time.Hour // since somebody last chose
	samplesMost = 10                 // of a user; the oldest make room
)

// ErrNoSample is for a sample that is not there, or somebody else's.
var ErrNoSample = refuse(commands.NotFound, "sample-not-found", "This sample file is not kept any more. Choose it again.")

// AnnounceSample keeps in mind that a sample's bytes are about to be stored under its
// key.
func (c *Connectors) AnnounceSample(ctx context.Context, by string, s Sample) (Sample, error) {
	s.ID = c.deps.NewID()
	_, err := c.deps.DB.Exec(ctx, `
		WITH room AS (
			UPDATE ledger.connector_samples SET state = 'sweeping' WHERE state = 'kept' AND id IN (
				SELECT id FROM ledger.connector_samples WHERE made_by = $3 AND state = 'kept' ORDER BY saved_at DESC OFFSET $7)
		)
		INSERT INTO ledger.connector_samples (id, connector_id, made_by, state, started, choices, saved_at)
		VALUES ($1, nullif($2, ''), $3, 'storing', $4, $5, $6)`,
		s.ID, s.ConnectorID, by, s.Started, s.Choices, c.deps.Now(), samplesMost-1)
	if err != nil {
		return s, fmt.Errorf("announce a sample: %w", err)
	}
	return s, nil
}

// StoredSample makes an announced sample one that can be worked with.
func (c *Connectors) StoredSample(ctx context.Context, id string) error {
	tag, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connector_samples SET state = 'kept', saved_at = $2 WHERE id = $1 AND state = 'storing'", id, c.deps.Now())
	if err != nil {
		return fmt.Errorf("keep a sample: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errors.Join(errSwept, c.deps.RemoveBlob(context.WithoutCancel(ctx), sampleKey(id)))
	}
	return nil
}

// Sample gives a sample to whoever brought it.
func (c *Connectors) Sample(ctx context.Context, by, id string) (Sample, error) {
	rows, err := c.deps.DB.Query(ctx, `
		SELECT id, coalesce(connector_id, ''), started, choices FROM ledger.connector_samples
		WHERE id = $1 AND made_by = $2 AND state = 'kept'`, id, by)
	var s Sample
	if err == nil {
		s, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Sample])
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return s, ErrNoSample
	}
	if err != nil {
		return s, fmt.Errorf("sample: %w", err)
	}
	return s, nil
}

// SaveSample keeps what was chosen in the place of what was chosen before.
func (c *Connectors) SaveSample(ctx context.Context, by, id string, choices []byte) error {
	tag, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connector_samples SET choices = $3, saved_at = $4 WHERE id = $1 AND made_by = $2 AND state = 'kept'",
		id, by, choices, c.deps.Now())
	if err == nil && tag.RowsAffected() == 0 {
		return ErrNoSample
	}
	if err != nil {
		return fmt.Errorf("save a sample: %w", err)
	}
	return nil
}

// RemoveSample removes a sample with its bytes. Removing none is no error.
func (c *Connectors) RemoveSample(ctx context.Context, by, id string) error {
	tag, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connector_samples SET state = 'sweeping' WHERE id = $1 AND made_by = $2", id, by)
	if err != nil {
		return fmt.Errorf("remove a sample: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return c.sweepSample(ctx, id)
}

// sweepSamples removes samples that nobody has worked with for long, and those whose
// process died while they were stored.
func (c *Connectors) sweepSamples(ctx context.Context) error {
	now := c.deps.Now()
	_, err := c.deps.DB.Exec(ctx, `
		UPDATE ledger.connector_samples SET state = 'sweeping' WHERE state = 'storing' AND saved_at < $1 OR state = 'kept' AND saved_at < $2`,
		now.Add(-sweptAfter), now.Add(-samplesKept))
	if err != nil {
		return fmt.Errorf("samples that have had their time: %w", err)
	}
	rows, err := c.deps.DB.Query(ctx, "SELECT id FROM ledger.connector_samples WHERE state = 'sweeping' LIMIT 1000")
	if err != nil {
		return fmt.Errorf("samples that have had their time: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("samples that have had their time: %w", err)
	}
	for _, id := range ids {
		if err := c.sweepSample(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// sweepSample removes the bytes first, then the row, so that none is left without the
// other.
func (c *Connectors) sweepSample(ctx context.Context, id string) error {
	ctx = context.WithoutCancel(ctx)
	if err := c.deps.RemoveBlob(ctx, sampleKey(id)); err != nil {
		return fmt.Errorf("remove a sample: %w", err)
	}
	if _, err := c.deps.DB.Exec(ctx, "DELETE FROM ledger.connector_samples WHERE id = $1 AND state = 'sweeping'", id); err != nil {
		return fmt.Errorf("remove a sample: %w", err)
	}
	return nil
}
