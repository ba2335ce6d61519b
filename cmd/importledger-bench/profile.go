package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// profiled keeps a CPU profile of the server while work is done, and a heap profile
// after it, in the folder that --profile names.
func (b *bench) profiled(ctx context.Context, p *product, name string, atMost time.Duration, work func(context.Context) error) error {
	if b.profiles == "" {
		return nil
	}
	if err := os.MkdirAll(b.profiles, 0o700); err != nil {
		return err
	}
	group, during := errgroup.WithContext(ctx)
	group.Go(func() error {
		return p.profile(during, fmt.Sprintf("profile?seconds=%d", int(max(1, atMost.Seconds()))), filepath.Join(b.profiles, name+".cpu.pprof"))
	})
	group.Go(func() error { return work(during) })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return p.profile(ctx, "heap", filepath.Join(b.profiles, name+".heap.pprof"))
}

// profile saves what the server's operations address tells about itself.
func (p *product) profile(ctx context.Context, what, path string) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.opsURL+"/debug/pprof/"+what, nil)
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.Copy(file, resp.Body)
	return err
}
