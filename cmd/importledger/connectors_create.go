package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"importledger/events"
)

// connectorFlags are what was asked of a new connector.
type connectorFlags struct {
	importFlags // how the sample is read, and what its columns become
	protocol    string
	username    string
	keys        []string // files of public keys
	password    bool
}

func (p *program) newConnectorCreateCommand() *cobra.Command {
	f := connectorFlags{protocol: "sftp"}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a connector from a sample of the files that will come",
		Long: `Create a connector. --sample names a file with the columns that files will have; what
becomes of them is said as for import: without --map the mapping is suggested, shown,
and asked about. Nothing of the sample is imported.

With --password a password is made and printed to standard output; it is shown only
here. With --public-key the connector signs in with that SSH key.`,
		Example: `  importledger connectors create 'Web shop' --sample contacts.csv --password
  importledger connectors create CRM --sample crm.csv --public-key ~/.ssh/id_ed25519.pub --segment CRM --yes
  importledger connectors create Visits --protocol ftps --sample visits.csv --password --events visit --map 'E-mail=email' --property Stand`,
		Args: oneArg("what people will call the connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.name = args[0]
			return p.createConnector(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.file, "sample", "", "`FILE` with the columns that files will have")
	flags.StringVar(&f.protocol, "protocol", f.protocol, "`PROTOCOL`: sftp or ftps")
	flags.StringVar(&f.username, "username", "", "`NAME` to sign in with (default: made from the connector's)")
	flags.StringArrayVar(&f.keys, "public-key", nil, "`FILE` of an SSH public key to sign in with; may be repeated")
	flags.BoolVar(&f.password, "password", false, "make a password, and print it")
	addMappingFlags(flags, &f.importFlags)
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	addJSONFlag(cmd, &f.json, "the connector, with its password")
	completeFlag(cmd, "protocol", []string{"sftp", "ftps"})
	return cmd
}

func (f connectorFlags) check() error {
	switch {
	case f.file == "":
		return &usageError{"name a file with the columns that will come: --sample FILE"}
	case f.protocol != "sftp" && f.protocol != "ftps":
		return &usageError{"--protocol is sftp or ftps"}
	case !f.password && len(f.keys) == 0:
		return &usageError{"say how the connector signs in: --password, or --public-key FILE"}
	}
	return nil
}

func (p *program) createConnector(ctx context.Context, f connectorFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	wish, err := parseWish(f.importFlags)
	if err != nil {
		return err
	}
	asks := !f.yes && len(f.maps) == 0
	if asks && !p.term.asks {
		return &usageError{"nobody can be asked whether the suggested mapping is right: say --yes to take it, or say it with --map 'Header=attribute'"}
	}
	keys, err := readPublicKeys(f.keys)
	if err != nil {
		return err
	}
	sample, err := openSource(f.file, p.term.in)
	if err != nil {
		return err
	}
	return p.withServer(ctx, func(c *client) error {
		template, err := p.templateFrom(ctx, c, f.importFlags, wish, sample, asks)
		if err != nil {
			return err
		}
		body := map[string]any{"name": f.name, "protocol": f.protocol, "template": template, "password": f.password}
		if len(keys) > 0 {
			body["publicKeys"] = keys
		}
		if f.username != "" {
			body["username"] = f.username
		}
		return p.sendConnector(ctx, c, call{method: http.MethodPost, path: "/people/connectors"}, body, f.json)
	})
}

// readPublicKeys reads files of public keys, each with one key or several.
func readPublicKeys(files []string) (keys []string, err error) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", file, cause(err))
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				keys = append(keys, line)
			}
		}
	}
	return keys, nil
}

// templateFrom lets the server look at the sample and decides what its columns become.
func (p *program) templateFrom(ctx context.Context, c *client, f importFlags, w wish, sample *source, asks bool) (map[string]any, error) {
	mode := events.Contacts
	if w.eventsMode {
		mode = events.ContactsEvents
	}
	fields := map[string]string{"importMode": string(mode)}
	for field, value := range map[string]string{"separator": f.separator, "encoding": f.encoding, "eventName": f.event} {
		if value != "" {
			fields[field] = value
		}
	}
	var look struct {
		preview
		Header    []string `json:"header"`
		Separator string   `json:"separator"`
	}
	if err := c.sendFile(ctx, call{path: "/people/connectors/sample", repeat: sample.repeat}, sample, fields, func(int64) {}, &look); err != nil {
		return nil, err
	}
	mapping, err := w.mapping(look.Mapping)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(mapping, func(m mappedItem) bool { return m.Attribute == look.KeyIdentifier }) {
		return nil, &usageError{fmt.Sprintf("no column is mapped to %s, which says which contact a row is about: name it with --map 'Header=%s'",
			look.KeyIdentifier, look.KeyIdentifier)}
	}
	if asks {
		if err := p.askForTemplate(ctx, look.preview, mapping); err != nil {
			return nil, err
		}
	}
	template := map[string]any{"header": look.Header, "separator": look.Separator, "mapping": mapping, "importMode": mode}
	for key, value := range map[string]string{"eventName": f.event, "encoding": f.encoding, "defaultCountry": f.country, "blankCells": f.blank} {
		if value != "" {
			template[key] = value
		}
	}
	if f.segment != "" {
		template["segment"] = segmentRef{Name: f.segment}
	}
	return template, nil
}

func (p *program) askForTemplate(ctx context.Context, look preview, mapping []mappedItem) error {
	if err := showMapping(p.term.err, p.term.animated, look, mapping); err != nil {
		return err
	}
	p.term.say("")
	yes, err := p.term.confirm(ctx, "Import files like this?")
	if err == nil && !yes {
		return &statusError{exitCanceled, errors.New("no connector was made; amend the mapping with --map, --skip and --create")}
	}
	return err
}
