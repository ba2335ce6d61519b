package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// importOf measures an import from the first byte of the upload until it is imported
// and the four read models that lead are level, in turn with its floor on the same
// Postgres server. contact_rows, which trails, is not waited for.
func importOf(name string, in input, atMost float64) func(context.Context, *bench) ([]figure, error) {
	return func(ctx context.Context, b *bench) (figures []figure, err error) {
		database, err := b.newDatabase(ctx)
		if err != nil {
			return nil, err
		}
		p, err := startProduct(ctx, b.binary, filepath.Join(b.dir, name), "IMPORTLEDGER_DATABASE_URL="+database)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		database, err = b.newDatabase(ctx)
		if err != nil {
			return nil, err
		}
		f, err := newFloor(ctx, database)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, f.close(ctx)) }()

		var runs, floors []float64
		for generation := range b.runs + 1 { // the first warms both up
			path, err := in.write(b.dir, generation)
			if err != nil {
				return nil, err
			}
			least, err := f.run(ctx, path)
			if err != nil {
				return nil, err
			}
			took, err := p.importFile(ctx, in, path)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(b.progress, "  %.3f s, floor %.3f s\n", took.Seconds(), least.Seconds())
			if generation > 0 {
				runs, floors = append(runs, took.Seconds()), append(floors, least.Seconds())
			}
		}
		path, err := in.write(b.dir, b.runs+1)
		if err != nil {
			return nil, err
		}
		err = b.profiled(ctx, p, name, time.Duration(median(runs)*float64(time.Second)), func(ctx context.Context) error {
			_, err := p.importFile(ctx, in, path)
			return err
		})
		if err != nil {
			return nil, err
		}
		goal := fmt.Sprintf("≤ %g ×", atMost)
		return []figure{measured(name, "s", runs, floors, goal, func(_, ratio float64) bool { return ratio <= atMost })}, nil
	}
}

// memory measures the highest resident memory of the server, embedded node
// included, over one import of each input. Postgres is a process of its own.
func memory(ctx context.Context, b *bench) ([]figure, error) {
	var figures []figure
	for _, m := range []struct {
		in     input
		atMost float64 // MB
	}{{inputA, 100}, {inputB, 200}, {inputC, 130}} {
		runs, err := b.peaks(ctx, m.in)
		if err != nil {
			return nil, err
		}
		figures = append(figures, measured("memory-"+m.in.name, "MB", runs, nil, fmt.Sprintf("≤ %g MB", m.atMost), func(v, _ float64) bool { return v <= m.atMost }))
	}
	return figures, nil
}

// peaks takes one figure of the long input and one for each run of the others.
func (b *bench) peaks(ctx context.Context, in input) ([]float64, error) {
	times := b.runs
	if in.rows > 100_000 {
		times = 1
	}
	path, err := in.write(b.dir, 0)
	if err != nil {
		return nil, err
	}
	var peaks []float64
	for run := range times {
		peak, err := b.peak(ctx, in, path, fmt.Sprintf("memory-%s-%d", in.name, run))
		if err != nil {
			return nil, err
		}
		peaks = append(peaks, peak/1e6)
	}
	return peaks, nil
}

func (b *bench) peak(ctx context.Context, in input, path, dir string) (peak float64, err error) {
	p, stop, err := b.startUnlimited(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if _, err := p.importFile(ctx, in, path); err != nil {
		return 0, err
	}
	return p.peakRSS()
}
