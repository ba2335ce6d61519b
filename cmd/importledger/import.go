package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// importFlags are what was asked of an import.
type importFlags struct {
	file       string
	maps       []string // Header=attribute
	creates    []string // attribute:type
	skips      []string
	event      string
	properties []string
	timestamp  string
	segment    string
	separator  string
	encoding   string
	country    string
	blank      string
	corrects   string
	name       string
	review     bool
	yes        bool
	json       bool
}

// choosesMapping tells that the mapping was said, so that nobody has to be asked.
func (f importFlags) choosesMapping() bool {
	return len(f.maps)+len(f.creates)+len(f.skips) > 0
}

func (p *program) newImportCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import a CSV file of contacts or events",
		Long: `Import a CSV file of contacts, or with --events of their events; - reads it from
standard input.

Without --map the mapping is suggested from headers and values, shown, and asked
about; --skip and --create amend it. With --map exactly the columns that are named
are imported, all others are skipped. Off a terminal nobody can be asked: say --yes,
or say the mapping with --map, --skip or --create.

--review checks the whole file by the rules of the import, prints what would happen
and imports nothing; with --yes it goes on and imports.

The command returns when contacts, segments and errors show the import. Ctrl-C asks
the import to be canceled, rows already imported stay; a second Ctrl-C just leaves.

Exit status: 0 every row was imported, 1 failed, 2 wrong usage, 3 some rows are in
error, 4 the file was refused, 5 canceled.`,
		Example: `  importledger import contacts.csv
  importledger import contacts.csv --map 'E-mail=email' --map 'First name=firstName' --create firstName:string
  importledger import contacts.csv --review --skip Notes
  importledger import kontakte.csv --encoding windows-1252 --country DE --blank clear
  importledger import visits.csv --events visit --map 'E-mail=email' --property Stand --timestamp Seen --yes
  zcat contacts.csv.gz | importledger import - --name contacts.csv --yes --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return &usageError{"import takes one file, or - for standard input"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.file = args[0]
			return p.runImport(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	addMappingFlags(flags, &f)
	flags.StringVar(&f.corrects, "corrects", "", "`ID` of the import whose rows in error the file has, mended (default: told by the file)")
	flags.StringVar(&f.name, "name", "", "`NAME` of the import (default: the file's)")
	flags.BoolVar(&f.review, "review", false, "check the whole file and print what would happen")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	addJSONFlag(cmd, &f.json, "the import as it ended, as the last line")
	return cmd
}

// addMappingFlags adds the flags that say how a file is read and what its columns
// become.
func addMappingFlags(flags *pflag.FlagSet, f *importFlags) {
	// Headers may hold commas: one flag is one value.
	flags.StringArrayVar(&f.maps, "map", nil, "import a column as an attribute: `Header=attribute`; may be repeated")
	flags.StringArrayVar(&f.creates, "create", nil, "create an attribute: `attribute:type`, string, number or boolean; may be repeated")
	flags.StringArrayVar(&f.skips, "skip", nil, "leave a column out: `Header`; may be repeated")
	flags.StringVar(&f.event, "events", "", "each row is an event with this `NAME` of its contact")
	flags.StringArrayVar(&f.properties, "property", nil, "with --events: the column is a property of the event, `Header`; may be repeated")
	flags.StringVar(&f.timestamp, "timestamp", "", "with --events: the column says when it happened, `Header`")
	flags.StringVar(&f.segment, "segment", "", "put the contacts into the segment with this `NAME`, made where there is none")
	flags.StringVar(&f.separator, "separator", "", "`CHARACTER` between the columns: , or ; (default: found out)")
	flags.StringVar(&f.encoding, "encoding", "", "`NAME` of the file's encoding: "+strings.Join(encodings, ", ")+" (default: found out)")
	flags.StringVar(&f.country, "country", "", "`CODE` of the country of national phone numbers, such as BE")
	flags.StringVar(&f.blank, "blank", "", "what a blank cell does to the contact's attribute: keep or clear, `WHAT` (default keep)")
}

func (p *program) runImport(ctx context.Context, f importFlags) error {
	wish, err := parseWish(f)
	if err != nil {
		return err
	}
	asks := !f.yes && len(f.maps) == 0 && !f.review
	if asks && !f.choosesMapping() && !p.term.asks {
		return &usageError{"nobody can be asked whether the suggested mapping is right: say --yes to take it, or say it with --map 'Header=attribute'"}
	}
	file, err := openSource(f.file, p.term.in)
	if err != nil {
		return err
	}
	err = p.withServer(ctx, func(c *client) error {
		// Interrupts are the import's own business from here on: see interruptible.
		run := &importRun{program: p, client: c, flags: f, wish: wish, source: file, asks: asks && p.term.asks, interrupted: ctx}
		return run.do(p.leave) //nolint:contextcheck // which ends when a second interrupt asks for it
	})
	if errors.Is(err, errLeft) && p.settings.Server == "" {
		return &statusError{exitFailed, fmt.Errorf("%w; it goes on when a server next runs on %s", err, p.settings.Data)}
	}
	return err
}
