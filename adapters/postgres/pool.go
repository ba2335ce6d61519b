package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// URLEnv names the setting that Open's errors send the reader to.
const URLEnv = "IMPORTLEDGER_DATABASE_URL"

// PoolConfig bounds a pool; the zero value is good.
type PoolConfig struct {
	// MaxConns is how many connections are open at most; 0 is 16.
	MaxConns int32
	// ConnectTimeout is how long one attempt to connect may take; 0 is 5 s.
	ConnectTimeout time.Duration
}

// Open connects to the Postgres of a connection string postgres://… and checks
// that it answers and is new enough. The pool survives a Postgres that goes and
// comes back: what fails meanwhile satisfies IsUnavailable. No error holds the
// password.
func Open(ctx context.Context, url string, cfg PoolConfig) (*pgxpool.Pool, error) {
	config, err := poolConfig(url, cfg)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, explainConnect(err, config.ConnConfig)
	}
	if err := check(ctx, pool); err != nil {
		pool.Close()
		return nil, explainConnect(err, config.ConnConfig)
	}
	return pool, nil
}

func poolConfig(url string, cfg PoolConfig) (*pgxpool.Config, error) {
	wrong := fmt.Errorf("%s is not a connection string: write it like postgres://USER:PASSWORD@HOST:5432/DATABASE, special characters in the password as %%XX", URLEnv)
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, wrong
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, wrong // the parser's reasons quote what they could not parse, the password too
	}
	config.MaxConns = cmp.Or(cfg.MaxConns, 16)
	config.MinConns = 0
	config.MaxConnLifetime = time.Hour
	config.MaxConnLifetimeJitter = 10 * time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.PingTimeout = 5 * time.Second
	config.ConnConfig.ConnectTimeout = cmp.Or(cfg.ConnectTimeout, 5*time.Second)
	config.ConnConfig.RuntimeParams["application_name"] = "importledger"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	// A peer that vanished without a word is noticed in half a minute, not in two hours.
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	config.ConnConfig.DialFunc = dialer.DialContext
	return config, nil
}

var errTooOld = errors.New("too old")

func check(ctx context.Context, pool *pgxpool.Pool) error {
	var version string
	if err := pool.QueryRow(ctx, "SHOW server_version_num").Scan(&version); err != nil {
		return err
	}
	n, err := strconv.Atoi(version)
	if err != nil {
		return fmt.Errorf("server version %q: %w", version, err)
	}
	if n/10000 < oldestMajor {
		return fmt.Errorf("%w: Postgres %d", errTooOld, n/10000)
	}
	return nil
}

// explainConnect says what to do about a server that cannot be used.
func explainConnect(err error, c *pgx.ConnConfig) error {
	where := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	code := ""
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		code = refused.Code
	}
	var dns *net.DNSError
	tell := ""
	switch {
	case errors.Is(err, errTooOld):
		tell = fmt.Sprintf("the Postgres at %s is too old: importledger needs version %d or later", where, oldestMajor)
	case code == "28P01" || code == "28000":
		tell = fmt.Sprintf("the Postgres at %s does not let user %q in: correct the user or the password in %s, or pg_hba.conf there", where, c.User, URLEnv)
	case code == "3D000":
		tell = fmt.Sprintf("the Postgres at %s has no database %q: make it with createdb, or correct %s", where, c.Database, URLEnv)
	case code == "53300":
		tell = fmt.Sprintf("the Postgres at %s has no connection left: raise its max_connections, or end other clients", where)
	case errors.As(err, &dns):
		tell = fmt.Sprintf("the host %q of %s is unknown: correct it", c.Host, URLEnv)
	case errors.Is(err, context.Canceled):
		tell = fmt.Sprintf("connecting to the Postgres at %s was interrupted", where)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		tell = fmt.Sprintf("the Postgres at %s does not answer in time: see whether it runs, or correct %s", where, URLEnv)
	case IsUnavailable(err):
		tell = fmt.Sprintf("no Postgres answers at %s: start it, or correct %s", where, URLEnv)
	default:
		tell = fmt.Sprintf("the Postgres at %s cannot be used", where)
	}
	return &connectError{tell, err}
}

// connectError tells in its own words and keeps the cause for errors.Is: the
// driver's words may quote the connection string.
type connectError struct {
	tell  string
	cause error
}

func (e *connectError) Error() string { return e.tell }
func (e *connectError) Unwrap() error { return e.cause }
