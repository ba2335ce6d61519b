package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"importledger/adapters/auth"
)

func (p *program) newServeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: API, worker and projectors",
		Long: `serve runs the API, works imports off and keeps the read models up to date, until
it is interrupted. What no setting names is embedded: the event store and Postgres
run on the data directory.`,
		Example: `  importledger serve
  importledger serve --listen 0.0.0.0:8080 --data /var/lib/importledger/data
  importledger serve --sftp-listen 0.0.0.0:2022 --ftps-listen 0.0.0.0:2121
  IMPORTLEDGER_EVENTSTORE_URL=esdb://… IMPORTLEDGER_DATABASE_URL=postgres://… importledger serve`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context()) },
	}
	addSettingFlags(cmd.Flags(), "listen", "ops-listen", "sftp-listen", "ftps-listen")
	return cmd
}

func (p *program) serve(ctx context.Context) (err error) {
	s := p.settings
	logger := newLogger(p.term.err, s.LogLevel)
	srv, err := startServer(ctx, s, serving, s.Listen, s.OpsListen, logger)
	if err != nil {
		return ended(ctx, err)
	}
	defer func() { err = errors.Join(err, srv.close(p.leave)) }()
	p.term.say("importledger serves %s (data in %s)", srv.address.URL, srv.dir.path)
	for protocol, at := range srv.doors.at {
		p.term.say("%s at %s, %s", strings.ToUpper(protocol), net.JoinHostPort(at.host, strconv.Itoa(at.port)), at.fingerprint)
	}
	if err := p.printAdminPassword(srv.adminPassword); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		p.term.say("stopping: requests and rows in flight are finished first; interrupt again to leave at once")
		return nil
	case err := <-srv.failed:
		return err
	}
}

// printAdminPassword prints the password of a ledger's first user, once.
func (p *program) printAdminPassword(password string) error {
	if password == "" {
		return nil
	}
	p.term.say("This ledger has no users yet. Sign in as %s with this password, and choose another; it is shown only now:", auth.BootstrapName)
	_, err := fmt.Fprintln(p.term.out, password)
	return err
}

// ended is err, unless it only says that somebody interrupted.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return &statusError{status: exitCanceled}
	}
	return err
}
