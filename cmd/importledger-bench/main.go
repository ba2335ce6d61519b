// Command importledger-bench measures the whole path, each figure beside a floor
// or peer that runs in the same minute on the same machine, and prints a table:
// medians, the runs' spread, the ratio, the goal and whether it is met. It makes
// its own inputs, the same at every run.
//
// It measures; it does not test. Nothing fails because a machine is slow.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"importledger/adapters/postgres"
)

// bench is what the measurements share.
type bench struct {
	dir      string // scratch, removed at the end
	binary   string // the product
	database string // URL of a Postgres that only the bench uses
	runs     int
	profiles string // folder for profiles, empty: none
	progress io.Writer
}

// measurement is one or more lines of the table.
type measurement struct {
	name    string
	measure func(context.Context, *bench) ([]figure, error)
}

var measurements = []measurement{
	{"import-A", importOf("import-A", inputA, 4)},
	{"import-B", importOf("import-B", inputB, 2.2)},
	{"import-C", longImport},
	{"ten-imports", tenImports},
	{"memory", memory},
	{"worst-file", worst},
	{"review", review},
	{"append", appends},
	{"rebuild", rebuild},
	{"history", history},
	{"queries", queries},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "importledger-bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("importledger-bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print JSON")
	only := flags.String("only", "", "measure only these, comma-separated: "+strings.Join(names(), ", "))
	runs := flags.Int("runs", 5, "runs of each measurement")
	binary := flags.String("binary", "", "measure this importledger binary; default: build it from the source here")
	profiles := flags.String("profile", "", "keep CPU and heap profiles of the server in this folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	b := &bench{binary: *binary, runs: max(1, *runs), profiles: *profiles, progress: stderr}
	cleanUp, err := b.prepare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanUp()) }()
	var figures []figure
	for _, m := range chosen {
		fmt.Fprintf(stderr, "%s …\n", m.name)
		found, err := m.measure(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		figures = append(figures, found...)
	}
	if *asJSON {
		return writeJSON(stdout, figures)
	}
	return writeTable(stdout, figures)
}

func names() []string {
	var all []string
	for _, m := range measurements {
		all = append(all, m.name)
	}
	return all
}

func choose(only string) ([]measurement, error) {
	if only == "" {
		return measurements, nil
	}
	var chosen []measurement
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(measurements, func(m measurement) bool { return m.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no measurement %q; there are %s", name, strings.Join(names(), ", "))
		}
		chosen = append(chosen, measurements[i])
	}
	return chosen, nil
}

// prepare makes the scratch folder, the binary and the Postgres that product and
// floors share.
func (b *bench) prepare(ctx context.Context) (cleanUp func() error, err error) {
	if b.dir, err = os.MkdirTemp("", "importledger-bench-"); err != nil {
		return nil, err
	}
	if b.binary == "" {
		b.binary = filepath.Join(b.dir, "importledger")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.binary, "importledger/cmd/importledger").CombinedOutput(); err != nil {
			return nil, errors.Join(fmt.Errorf("build importledger: %w\n%s", err, out), os.RemoveAll(b.dir))
		}
	}
	cluster, err := postgres.StartCluster(ctx, postgres.ClusterConfig{Dir: filepath.Join(b.dir, "postgres"), Logger: discard()})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	b.database = cluster.URL()
	return func() error {
		return errors.Join(cluster.Stop(context.WithoutCancel(ctx)), os.RemoveAll(b.dir))
	}, nil
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
