package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"importledger/adapters/csvfile"
	"importledger/adapters/proof"
	"importledger/aggregate"
	"importledger/events"
)

func (p *program) newAuditVerifyCommand() *cobra.Command {
	var source string
	var keys []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check an export, and say what it proves",
		Long: `Check an export, and say what it proves and what it does not. It needs no server, no
database and no data directory.

Without --key the file is held against the key that stands in it, which shows that it is
as somebody signed it, and not who: give the key that the ledger's operator told you.
With --source it is also shown which file was imported.

Exit status 1 tells that something is wrong. The first event that is is named.`,
		Example: `  importledger audit verify proof.jsonl --key lJZrfAjkBXdfjrqUbL-u1oAz0tt2QxSBpFWRpVHIpxY
  importledger audit verify proof.jsonl --key keys.json --source contacts.csv
  gunzip -c proof.jsonl.gz | importledger audit verify - --json`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			o := proof.Options{CountRows: countRows}
			for _, given := range keys {
				read, err := pinnedKeys(given)
				if err != nil {
					return err
				}
				o.Keys = append(o.Keys, read...)
			}
			if source != "" {
				o.Source = func() (io.ReadCloser, error) { return openNamed(source) }
			}
			return p.verifyExport(args[0], o, asJSON)
		},
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "a public `KEY` of the ledger, or a file of them, as audit key prints it; may be given again")
	cmd.Flags().StringVar(&source, "source", "", "the `CSV` file that is said to be the one that was imported")
	addJSONFlag(cmd, &asJSON, "what is proved, what is not, and what is wrong")
	return cmd
}

func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{fmt.Sprintf("%s takes one file, or - for standard input", shortPath(cmd))}
	}
	return nil
}

func openNamed(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, cause(err))
	}
	return file, nil
}

// pinnedKeys takes a key, or the name of a file that has some.
func pinnedKeys(given string) ([]proof.PublicKey, error) {
	keys, err := proof.ReadKeys([]byte(given))
	if err == nil {
		return keys, nil
	}
	file, openErr := os.Open(given)
	if errors.Is(openErr, fs.ErrNotExist) {
		return nil, &usageError{"--key takes a public key as `importledger audit key` prints it, or the name of a file that has some"}
	} else if openErr != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", given, cause(openErr))
	}
	text, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", given, cause(err))
	}
	if keys, err = proof.ReadKeys(text); err != nil {
		return nil, fmt.Errorf("%s: %w", given, err)
	}
	return keys, nil
}

// countRows reads a file as it was read when it was imported.
func countRows(r io.Reader, file events.File) (int, error) {
	reader, err := csvfile.Reopen(r, file)
	if err != nil {
		return 0, err
	}
	var rec aggregate.Record
	for rows := 0; ; rows++ {
		if err := reader.Read(&rec); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return rows, err
		}
	}
}

func (p *program) verifyExport(path string, o proof.Options, asJSON bool) (err error) {
	in := p.term.in
	if path != "-" {
		file, err := openNamed(path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		in = file
	}
	report, err := proof.Verify(in, o)
	if err != nil {
		return err
	}
	if asJSON {
		err = p.term.printJSON(report)
	} else {
		err = p.printReport(report)
	}
	if err == nil && !report.Verified {
		err = &statusError{status: exitFailed}
	}
	return err
}

func (p *program) printReport(r proof.Report) error {
	var err error
	say := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintln(p.term.out, printableLines(fmt.Sprintf(format, args...)))
		}
	}
	if r.Import != "" {
		say("Import %s of ledger %s, exported %s.", cut(r.Import, 26), cut(r.Instance, 36), localTime(r.ExportedAt))
	}
	if r.Fault != nil {
		say("\nNOT PROVED. %s (%s)", r.Fault.Message, r.Fault.Code)
	}
	list := func(title string, all []proof.Statement) {
		if len(all) > 0 {
			say("\n%s", title)
		}
		for _, s := range all {
			say("  · %s", s.Message)
		}
	}
	list("Proved:", r.Proved)
	list("Not proved:", r.NotProved)
	return err
}
