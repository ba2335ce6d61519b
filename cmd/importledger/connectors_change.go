package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// sendConnector asks for a connector that is new or has changed, and prints it, with
// the password where one was made.
func (p *program) sendConnector(ctx context.Context, c *client, what call, body any, asJSON bool) error {
	var one connectorObject
	if _, err := c.send(ctx, what, body, &one); err != nil {
		return err
	}
	if asJSON {
		return p.term.printJSON(one)
	}
	if one.Password == "" {
		return p.printConnector(one)
	}
	p.term.say("Connector %s (%s): %s", printable(one.Name), one.ID, printable(one.address()))
	if one.Fingerprint != nil {
		p.term.say("Fingerprint: %s", printable(*one.Fingerprint))
	}
	if one.Host == nil {
		p.term.say("This server does not open that door: start serve with --%s-listen.", one.Protocol)
	} else {
		p.term.say("To try it: %s", printable(one.howTo()))
	}
	p.term.say("The password of %s is shown only now:", printable(one.Username))
	_, err := fmt.Fprintln(p.term.out, printable(one.Password))
	return err
}

func (p *program) newConnectorPasswordCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "password ID", Short: "Give a connector a new password, and print it; the old one stops",
		Long: `Give a connector a new password. The old one stops at once, and sessions that began
with it are cut. The new one goes to standard output, and is shown only here.`,
		Example: "  importledger connectors password 01JD8Z0Q4T9M3W5X7Y9A1B2C3D",
		Args:    oneArg("the id of a connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				return p.sendConnector(cmd.Context(), c, call{method: http.MethodPost, path: connectorPath(args[0], "/password")}, nil, asJSON)
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "the connector, with its password")
	return cmd
}

func (p *program) newConnectorSwitchCommand(verb, short string, enabled bool) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Example: "  importledger connectors " + verb + " 01JD8Z0Q4T9M3W5X7Y9A1B2C3D",
		Args: oneArg("the id of a connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				return p.sendConnector(cmd.Context(), c, call{method: http.MethodPut, path: connectorPath(args[0], ""), repeat: true},
					map[string]bool{"enabled": enabled}, asJSON)
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "the connector")
	return cmd
}

func (p *program) newConnectorRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Short: "Remove a connector; files that it had closed are still imported",
		Example: "  importledger connectors remove 01JD8Z0Q4T9M3W5X7Y9A1B2C3D",
		Args:    oneArg("the id of a connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				_, err := c.send(cmd.Context(), call{method: http.MethodDelete, path: connectorPath(args[0], "")}, nil, nil)
				if err == nil {
					p.term.say("Removed. Its imports stay.")
				}
				return err
			})
		},
	}
}
