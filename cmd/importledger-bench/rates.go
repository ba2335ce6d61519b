package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// longImport measures the rows of C a second beside those of A on the same server:
// what an import costs grows with its rows and no faster.
func longImport(ctx context.Context, b *bench) (figures []figure, err error) {
	p, stop, err := b.startUnlimited(ctx, "import-C")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	short, err := b.rates(ctx, p, inputA, b.runs)
	if err != nil {
		return nil, err
	}
	long, err := b.rates(ctx, p, inputC, 1)
	if err != nil {
		return nil, err
	}
	return []figure{measured("import-C", "rows/s", long, []float64{median(short)}, "≥ 0.9 ×", func(_, ratio float64) bool { return ratio >= 0.9 })}, nil
}

// rates are the rows a second of some imports, one after the other; a first one of
// A warms up.
func (b *bench) rates(ctx context.Context, p *product, in input, times int) (rates []float64, err error) {
	for generation := range times + 1 {
		in := in
		if generation == 0 {
			in = inputA
		}
		path, err := in.write(b.dir, generation)
		if err != nil {
			return nil, err
		}
		took, err := p.importFile(ctx, in, path)
		if err != nil {
			return nil, err
		}
		if generation > 0 {
			rates = append(rates, float64(in.rows)/took.Seconds())
			fmt.Fprintf(b.progress, "  %s: %.0f rows/s\n", in.name, rates[len(rates)-1])
		}
	}
	return rates, nil
}

const together = 10

// tenImports measures ten imports of A at once beside one alone, and how long the
// last of the ten took beside the first.
func tenImports(ctx context.Context, b *bench) (figures []figure, err error) {
	p, stop, err := b.startUnlimited(ctx, "ten-imports")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var all, alone, spread []float64
	for run := range b.runs {
		one, err := b.atOnce(ctx, p, 1, 100*run+50)
		if err != nil {
			return nil, err
		}
		ten, err := b.atOnce(ctx, p, together, 100*run+60)
		if err != nil {
			return nil, err
		}
		alone = append(alone, float64(inputA.rows)/one[0].Seconds())
		all = append(all, together*float64(inputA.rows)/ten[together-1].Seconds())
		spread = append(spread, ten[together-1].Seconds()/ten[0].Seconds())
		fmt.Fprintf(b.progress, "  %.0f rows/s, one alone %.0f rows/s, last beside first %.2f ×\n", all[run], alone[run], spread[run])
	}
	return []figure{
		measured("ten-imports", "rows/s", all, alone, "≥ 1.3 ×", func(_, ratio float64) bool { return ratio >= 1.3 }),
		measured("ten-imports, last beside first", "×", spread, nil, "", nil),
	}, nil
}

// atOnce starts imports of A together and gives the time of each, the shortest first.
func (b *bench) atOnce(ctx context.Context, p *product, n, generation int) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	paths := make([]string, n)
	for i := range n {
		var err error
		if paths[i], err = inputA.write(b.dir, generation+i); err != nil {
			return nil, err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range n {
		group.Go(func() (err error) {
			took[i], err = p.importFile(ctx, inputA, paths[i])
			return err
		})
	}
	err := group.Wait()
	slices.Sort(took)
	return took, err
}

// startUnlimited starts the product with limits that let C in.
func (b *bench) startUnlimited(ctx context.Context, name string) (*product, func() error, error) {
	database, err := b.newDatabase(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := startProduct(ctx, b.binary, filepath.Join(b.dir, name), "IMPORTLEDGER_DATABASE_URL="+database,
		"IMPORTLEDGER_MAX_ROWS=2000000", "IMPORTLEDGER_MAX_BYTES=1000000000")
	if err != nil {
		return nil, nil, err
	}
	return p, p.stop, nil
}
