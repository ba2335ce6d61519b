package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

var databases atomic.Int64

// newDatabase makes an empty database on the bench's Postgres and gives its URL.
func (b *bench) newDatabase(ctx context.Context) (_ string, err error) {
	conn, err := pgx.Connect(ctx, b.database)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	name := fmt.Sprintf("bench_%d", databases.Add(1))
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", err
	}
	u, err := url.Parse(b.database)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}
