package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"importledger/adapters/api"
)

func (p *program) newAuditExportCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Write an import as one file that proves itself",
		Long: `Write an import as one file that proves itself: all its events exactly as they were
recorded, each chained to the one before, and the signature of the ledger. Whoever gets
the file checks it with audit verify and needs nothing else.

It holds what the events hold, and so the data of contacts.`,
		Example: `  importledger audit export 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --output proof.jsonl
  importledger audit export 01JD8Z0Q4T9M3W5X7Y9A1B2C3D | gzip > proof.jsonl.gz`,
		Args: importID,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				export := call{method: http.MethodGet, path: importPath(args[0], "/audit"), accept: "application/x-ndjson", repeat: true}
				if output == "" || output == "-" {
					return p.copyOut(cmd.Context(), c, export)
				}
				return p.exportTo(cmd.Context(), c, export, output)
			})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this `FILE`; it appears when it is whole")
	return cmd
}

// exportTo writes an answer to a file that is there as a whole or not at all.
func (p *program) exportTo(ctx context.Context, c *client, export call, path string) (err error) {
	response, err := c.do(ctx, export)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	file, err := os.CreateTemp(filepath.Dir(path), ".export-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, cause(err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	size, err := io.Copy(file, response.Body)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("the export is not whole, and was not kept: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	p.term.say("Exported to %s, %s. `importledger audit verify %s` says what it proves.", path, byteSize(size), shellWord(path))
	return nil
}

func (p *program) newAuditKeyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Print the public keys that exports are signed with",
		Long: `Print the public keys that exports are signed with, the newest first, for
audit verify --key. Give them to auditors by another way than the exports themselves.
The server publishes them as well, at /.well-known/importledger-audit-keys.

The private key is audit.key in the data directory, or what IMPORTLEDGER_AUDIT_KEY says.
To replace it, remove the file or set another, and start again: the old public key stays
in this list, so that what it signed is still proved.`,
		Example: "  importledger audit key\n  importledger audit key --json > keys.json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withServer(cmd.Context(), func(c *client) error { return p.printKeys(cmd.Context(), c, asJSON) })
		},
	}
	addJSONFlag(cmd, &asJSON, "a JSON Web Key Set, as the server publishes it")
	return cmd
}

func (p *program) printKeys(ctx context.Context, c *client, asJSON bool) error {
	var raw json.RawMessage
	if _, err := c.get(ctx, api.AuditKeysPath, &raw); err != nil {
		return err
	}
	if asJSON {
		return p.term.printJSON(raw)
	}
	var set struct{ Keys []struct{ X string } }
	if err := json.Unmarshal(raw, &set); err != nil {
		return err
	}
	for _, k := range set.Keys {
		if _, err := fmt.Fprintln(p.term.out, k.X); err != nil {
			return err
		}
	}
	return nil
}
