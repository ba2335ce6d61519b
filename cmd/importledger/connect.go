package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"time"
)

// withServer runs what a command does against the server that it works on: the
// one that --server names, else the one that runs on the data directory, else one
// that this process opens for itself on the data directory and closes again.
func (p *program) withServer(ctx context.Context, do func(*client) error) (err error) {
	c, closeServer, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		c.close()
		err = errors.Join(err, closeServer())
	}()
	return do(c)
}

func (p *program) connect(ctx context.Context) (c *client, closeServer func() error, err error) {
	nothingToClose := func() error { return nil }
	if p.settings.Server != "" {
		if p.settings.ClientID == "" {
			return nil, nil, &usageError{"--server needs credentials: set IMPORTLEDGER_CLIENT_ID and IMPORTLEDGER_CLIENT_SECRET"}
		}
		c := newClient(p.settings.Server, p.settings.ClientID, p.settings.ClientSecret)
		if err := c.alive(ctx); err != nil {
			c.close()
			return nil, nil, p.notThere(err)
		}
		return c, nothingToClose, nil
	}
	running, err := p.runningServer(ctx)
	if running != nil || err != nil {
		return running, nothingToClose, err
	}
	return p.connectLocal(ctx)
}

// notThere says of the server that was named how to come to one that is there.
func (p *program) notThere(err error) error {
	if _, ok := errors.AsType[*apiError](err); ok {
		return fmt.Errorf("what answers at %s is no importledger server: correct --server", p.settings.Server)
	}
	return fmt.Errorf("%w: start it, or correct --server", err)
}

// runningServer reaches the server that runs on the data directory; nil when none
// does. A file that a server which crashed has left behind is no server.
func (p *program) runningServer(ctx context.Context) (*client, error) {
	var at address
	switch err := readJSON(filepath.Join(p.settings.Data, addressFile), &at); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the data directory %s belongs to another user: run this as that user, or use its server with --server", p.settings.Data)
	case err != nil:
		return nil, nil //nolint:nilerr // half a file is no server either
	}
	c := newClient(at.URL, at.ClientID, at.ClientSecret)
	if err := c.alive(ctx); err != nil {
		c.close()
		return nil, ctx.Err()
	}
	return c, nil
}

func (p *program) connectLocal(ctx context.Context) (*client, func() error, error) {
	opened, err := p.openLocal(ctx, p.settings)
	if err != nil {
		return nil, nil, err
	}
	closeServer := func() error {
		// The command's own context has mostly ended when it was interrupted;
		// what runs here is still put away in order, unless asked once more.
		ctx, cancel := context.WithTimeout(p.leave, 30*time.Second)
		defer cancel()
		return opened.Close(ctx)
	}
	return newClient(opened.URL, opened.ClientID, opened.ClientSecret), closeServer, nil
}

// alive tells whether a server answers, at once.
func (c *client) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/livez", nil)
	if err != nil {
		return err
	}
	response, err := c.answer(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
