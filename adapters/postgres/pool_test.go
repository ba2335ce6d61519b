package postgres_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

func TestAWrongConnectionStringSaysWhatToDoAndNeverThePassword(t *testing.T) {
	t.Parallel()
	good := pgtest.URL(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	with := func(change func(*url.URL)) string {
		u, err := url.Parse(good)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(u.User.Username(), passwordOf(u))
		change(u)
		return u.String()
	}
	for _, c := range []struct {
		name, url, want string
		unavailable     bool
	}{
		{"empty", "", "IMPORTLEDGER_DATABASE_URL is not a connection string", false},
		{"another scheme", "mysql://u:hunter2@localhost/db", "is not a connection string", false},
		{"a password that is not encoded", "postgres://u:hunter2/x@localhost/db", "is not a connection string", false},
		{"a broken escape", "postgres://u:hunter2%zz@localhost/db", "is not a connection string", false},
		{"an unknown sslmode", "postgres://u:hunter2@localhost/db?sslmode=perhaps", "is not a connection string", false},
		{"a wrong password", with(func(u *url.URL) { u.User = url.UserPassword("importledger", "hunter2") }), `does not let user "importledger" in`, false},
		{"an unknown database", with(func(u *url.URL) { u.Path = "/nowhere" }), `has no database "nowhere"`, false},
		{"nobody listens", with(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "no Postgres answers at 127.0.0.1:1", true},
		{"nobody answers", with(func(u *url.URL) { u.Host = silent.Addr().String() }), "does not answer in time", true},
		{"an unknown host", with(func(u *url.URL) { u.Host = "host.invalid" }), `the host "host.invalid" of IMPORTLEDGER_DATABASE_URL is unknown`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool, err := postgres.Open(t.Context(), c.url, postgres.PoolConfig{ConnectTimeout: 500 * time.Millisecond})
			if err == nil {
				pool.Close()
			}
			wantSentence(t, err, c.want)
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the password is in", err)
			}
			if postgres.IsUnavailable(err) != c.unavailable {
				t.Errorf("unavailable: %v", !c.unavailable)
			}
		})
	}
}

func passwordOf(u *url.URL) string {
	password, _ := u.User.Password()
	return password
}

func TestOpeningCanBeInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := postgres.Open(ctx, pgtest.URL(t), postgres.PoolConfig{})
	wantSentence(t, err, "was interrupted")
}

func TestAConnectionSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	var name, zone string
	err := pgtest.New(t).QueryRow(t.Context(), "SELECT current_setting('application_name'), current_setting('timezone')").Scan(&name, &zone)
	if err != nil {
		t.Fatal(err)
	}
	if name != "importledger" || zone != "UTC" {
		t.Errorf("application_name %q, timezone %q", name, zone)
	}
}
