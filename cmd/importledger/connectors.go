package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// connectorObject is the API's Connector, as far as people are told of it, and the
// bytes that it came in, for scripts.
type connectorObject struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Protocol    string   `json:"protocol"`
	Host        *string  `json:"host"`
	Port        *int     `json:"port"`
	Username    string   `json:"username"`
	Fingerprint *string  `json:"hostKeyFingerprint"`
	Enabled     bool     `json:"enabled"`
	PublicKeys  []string `json:"publicKeys"`
	CreatedAt   int64    `json:"createdAt"`
	Password    string   `json:"password"`
	Template    struct {
		Header     []string     `json:"header"`
		Separator  string       `json:"separator"`
		Mapping    []mappedItem `json:"mapping"`
		ImportMode string       `json:"importMode"`
		EventName  *string      `json:"eventName"`
		Segment    *segmentRef  `json:"segment"`
	} `json:"template"`
	Files []struct {
		Name       string  `json:"name"`
		ReceivedAt int64   `json:"receivedAt"`
		ImportID   string  `json:"importId"`
		Outcome    *string `json:"outcome"`
		Reason     *string `json:"reason"`
	} `json:"files"`

	raw json.RawMessage
}

// UnmarshalJSON keeps the bytes as well.
func (c *connectorObject) UnmarshalJSON(text []byte) error {
	type plain connectorObject
	if err := json.Unmarshal(text, (*plain)(c)); err != nil {
		return err
	}
	c.raw = append(json.RawMessage(nil), text...)
	return nil
}

// MarshalJSON gives the API's own answer.
func (c connectorObject) MarshalJSON() ([]byte, error) { return c.raw, nil }

func (c connectorObject) state() string {
	if c.Enabled {
		return "enabled"
	}
	return "disabled"
}

// address is how clients reach the connector's door; empty where this server has none.
func (c connectorObject) address() string {
	if c.Host == nil || c.Port == nil {
		return ""
	}
	return c.Protocol + "://" + c.Username + "@" + *c.Host + ":" + strconv.Itoa(*c.Port)
}

// howTo is the command line of a common client, ready to copy.
func (c connectorObject) howTo() string {
	switch {
	case c.Host == nil || c.Port == nil:
		return ""
	case c.Protocol == "sftp":
		return fmt.Sprintf("sftp -P %d %s@%s", *c.Port, c.Username, *c.Host)
	}
	return fmt.Sprintf("curl --ssl-reqd --user %s --upload-file FILE ftp://%s:%d/", c.Username, *c.Host, *c.Port)
}

func connectorPath(id, below string) string {
	return "/people/connectors/" + url.PathEscape(id) + below
}

func (p *program) newConnectorsCommand() *cobra.Command {
	list := p.newConnectorsListCommand()
	cmd := &cobra.Command{
		Use:   "connectors",
		Short: "Let files come in by SFTP and FTPS",
		Long: `A connector lets somebody drop files by SFTP or FTPS. Each file becomes an import by
the connector's template as soon as its client has closed it, and then lies in
/processed, or in /failed with its reason beside it. Without a command connectors are
listed.

serve opens the doors with --sftp-listen and --ftps-listen.`,
		Example: `  importledger connectors create 'Web shop' --sample contacts.csv --password --yes
  importledger connectors show 01JD8Z0Q4T9M3W5X7Y9A1B2C3D
  importledger connectors disable 01JD8Z0Q4T9M3W5X7Y9A1B2C3D`,
		Args: noArgs,
		RunE: list.RunE,
	}
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, p.newConnectorCreateCommand(), p.newConnectorShowCommand(), p.newConnectorPasswordCommand(),
		p.newConnectorSwitchCommand("enable", "Let a connector sign in again", true),
		p.newConnectorSwitchCommand("disable", "Keep a connector out; its open sessions are cut within seconds", false),
		p.newConnectorRemoveCommand())
	return cmd
}

func (p *program) newConnectorsListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List connectors, newest first", Example: "  importledger connectors list --json", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				var all []connectorObject
				if _, err := c.get(cmd.Context(), "/people/connectors", &all); err != nil {
					return err
				}
				if asJSON {
					return p.term.printJSON(all)
				}
				if len(all) == 0 {
					p.term.say("There are no connectors yet. Begin with `importledger connectors create NAME --sample FILE`.")
					return nil
				}
				t := p.term.newTable("ID", "NAME", "STATE", "ADDRESS", "LAST FILE")
				for _, c := range all {
					last := "none yet"
					if len(c.Files) > 0 {
						last = localTime(c.Files[0].ReceivedAt) + " " + outcomeOf(c.Files[0].Outcome)
					}
					t.row(c.ID, cut(c.Name, 40), c.state(), c.address(), last)
				}
				return t.flush()
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "a list of connectors")
	return cmd
}

func outcomeOf(outcome *string) string {
	if outcome == nil {
		return "importing"
	}
	return *outcome
}

func (p *program) newConnectorShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Print one connector: its address, its template, its files and what it did",
		Example: "  importledger connectors show 01JD8Z0Q4T9M3W5X7Y9A1B2C3D", Args: oneArg("the id of a connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				var one connectorObject
				if _, err := c.get(cmd.Context(), connectorPath(args[0], ""), &one); err != nil {
					return err
				}
				if asJSON {
					return p.term.printJSON(one)
				}
				if err := p.printConnector(one); err != nil {
					return err
				}
				return p.printConnectorActivity(cmd.Context(), c, one.ID)
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "the connector")
	return cmd
}

func (p *program) printConnector(c connectorObject) error {
	t := p.term.newTable("", "")
	line := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	line("Connector", c.ID)
	line("Name", c.Name)
	line("State", c.state())
	line("Address", c.address())
	line("Fingerprint", deref(c.Fingerprint))
	line("To try", c.howTo())
	for _, key := range c.PublicKeys {
		line("Public key", cut(key, 60))
	}
	line("Mode", c.Template.ImportMode+inParentheses(deref(c.Template.EventName)))
	if s := c.Template.Segment; s != nil {
		line("Segment", s.Name)
	}
	line("Created", localTime(c.CreatedAt))
	if err := t.flush(); err != nil {
		return err
	}
	m := p.term.newTable("\nCOLUMN", "BECOMES")
	for _, header := range c.Template.Header {
		becomes := "(skipped)"
		for _, item := range c.Template.Mapping {
			if item.Header == header {
				becomes = item.target()
			}
		}
		m.row(header, becomes)
	}
	if err := m.flush(); err != nil || len(c.Files) == 0 {
		return err
	}
	f := p.term.newTable("\nFILE", "RECEIVED", "OUTCOME", "IMPORT", "REASON")
	for _, file := range c.Files[:min(20, len(c.Files))] {
		f.row(cut(file.Name, 40), localTime(file.ReceivedAt), outcomeOf(file.Outcome), file.ImportID, deref(file.Reason))
	}
	return f.flush()
}

type activityItem struct {
	At      int64   `json:"at"`
	Action  string  `json:"action"`
	File    *string `json:"file"`
	Detail  *string `json:"detail"`
	Network *string `json:"network"`
	Times   int     `json:"times"`
}

func (p *program) printConnectorActivity(ctx context.Context, c *client, id string) error {
	var page listed[activityItem]
	if _, err := c.get(ctx, connectorPath(id, "/activity?pageSize=20"), &page); err != nil || len(page.Items) == 0 {
		return err
	}
	t := p.term.newTable("\nWHEN", "WHAT", "DETAIL", "FROM")
	for _, a := range page.Items {
		what := strings.ReplaceAll(a.Action, "-", " ")
		if a.Times > 1 {
			what += fmt.Sprintf(" (%d times)", a.Times)
		}
		t.row(localTime(a.At), what, strings.TrimSpace(deref(a.File)+" "+deref(a.Detail)), deref(a.Network))
	}
	return t.flush()
}
