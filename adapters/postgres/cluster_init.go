package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// readPassword returns the password that create made.
func (p *place) readPassword() (string, error) {
	password, err := os.ReadFile(p.password())
	if err != nil {
		return "", fmt.Errorf("the password of the private Postgres cannot be read: restore %s from the backup of the data directory (%w)", p.password(), err)
	}
	return strings.TrimSpace(string(password)), nil
}

// create makes the database and returns the password of its user. The database
// is made aside and renamed, so that it is whole or not there.
func (p *place) create(ctx context.Context, bin binaries, output *outputLog) (string, error) {
	password := rand.Text()
	if err := writeDurably(p.password(), password+"\n"); err != nil {
		return "", explainPath(err, p.home)
	}
	aside, pwfile := p.pgdata()+".new", p.password()+".initdb"
	err := errors.Join(
		os.RemoveAll(aside), os.RemoveAll(pwfile),
		os.Mkdir(aside, 0o700), p.account.own(aside),
		os.WriteFile(pwfile, []byte(password), 0o600), p.account.own(pwfile))
	if err != nil {
		return "", explainPath(err, p.home)
	}
	if err := p.initdb(ctx, bin, output, aside, pwfile); err != nil {
		return "", errors.Join(err, os.Remove(pwfile), os.RemoveAll(aside))
	}
	err = errors.Join(os.Remove(pwfile), os.Rename(aside, p.pgdata()), syncDir(p.home))
	if err != nil {
		return "", explainPath(err, p.home)
	}
	return password, nil
}

func (p *place) initdb(ctx context.Context, bin binaries, output *outputLog, pgdata, pwfile string) error {
	cmd := exec.CommandContext(ctx, bin.path("initdb"), "-D", pgdata, "-U", clusterUser, "--pwfile="+pwfile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions")
	cmd.Dir = p.home
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = 5 * time.Second
	output.forget()
	err := p.account.run(cmd)
	if ctx.Err() != nil {
		return fmt.Errorf("making the private Postgres in %s was interrupted: %w", p.home, ctx.Err())
	}
	if err != nil {
		return explain(output, p.home, err)
	}
	return nil
}
