package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// ErrClientTaken is returned for a bootstrap client whose id somebody made a client
// with before.
var ErrClientTaken = errors.New("IMPORTLEDGER_CLIENT_ID names an API client that was made by hand: choose another id for the one in the environment")

// Bootstrap makes the API client that the environment names, with all scopes, or
// gives it the secret that it has there now. It is stored, so that processes which
// are started with the same environment agree. A client that the environment named
// before, and names no more, is revoked.
func (c *Clients) Bootstrap(ctx context.Context, id, secret string) error {
	if id == OwnerID {
		return ErrClientTaken
	}
	same, err := c.unchanged(ctx, id, secret)
	if err != nil {
		return err
	}
	hash := ""
	if !same {
		if hash, err = c.hasher.hash(ctx, secret); err != nil {
			return err
		}
	}
	return pgx.BeginFunc(ctx, c.db, func(tx pgx.Tx) error {
		if !same {
			tag, err := tx.Exec(ctx, `
				INSERT INTO ledger.api_clients AS c (id, name, secret_hash, scopes, origin)
				VALUES ($1, $1, $2, $3, 'bootstrap')
				ON CONFLICT (id) DO UPDATE
				SET secret_hash = excluded.secret_hash, scopes = excluded.scopes, disabled_at = NULL, generation = c.generation + 1
				WHERE c.origin = 'bootstrap'`, id, hash, c.scopes)
			if err != nil {
				return fmt.Errorf("API client of the environment: %w", err)
			}
			if tag.RowsAffected() == 0 {
				return ErrClientTaken
			}
			if err := note(ctx, tx, c.now(), ClientCreated, By{}, id, "by the environment"); err != nil {
				return err
			}
		}
		return c.revokeFormer(ctx, tx, id)
	})
}

// unchanged tells that the client is there as the environment has it: its tokens,
// which other processes gave out, stay good.
func (c *Clients) unchanged(ctx context.Context, id, secret string) (bool, error) {
	is, found, err := c.Credentials(ctx, id)
	if err != nil || !found || !slices.Equal(is.Scopes, c.scopes) {
		return false, err
	}
	if by, err := c.Find(ctx, id); err != nil || by.Origin != "bootstrap" {
		return false, err
	}
	leave, err := c.hasher.enter()
	if err != nil {
		return false, err
	}
	defer leave()
	return c.hasher.match(ctx, secret, is.Hash)
}

func (c *Clients) revokeFormer(ctx context.Context, tx pgx.Tx, id string) error {
	rows, err := tx.Query(ctx, `
		UPDATE ledger.api_clients SET disabled_at = $2, generation = generation + 1
		WHERE origin = 'bootstrap' AND id <> $1 AND disabled_at IS NULL RETURNING id`, id, c.now())
	if err != nil {
		return fmt.Errorf("former API clients of the environment: %w", err)
	}
	former, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("former API clients of the environment: %w", err)
	}
	for _, one := range former {
		if err := note(ctx, tx, c.now(), ClientRevoked, By{}, one, "by the environment"); err != nil {
			return err
		}
	}
	return nil
}
