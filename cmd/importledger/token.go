package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) newTokenCommand() *cobra.Command {
	var scopes []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print an access token for the API",
		Long: `Print an access token for the server that --server names, with the credentials of the
environment, or for the one that runs on the data directory. It is good for a quarter
of an hour.`,
		Example: `  curl -H "Authorization: Bearer $(importledger token)" http://127.0.0.1:8080/people/imports
  importledger token --scope imports:read --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.settings.Server == "" {
				c, err := p.runningServer(cmd.Context())
				if err != nil {
					return err
				}
				if c == nil {
					return errors.New("no server runs on the data directory, so nobody would take a token: start `importledger serve`, or name a server with --server")
				}
				c.close()
			}
			return p.withServer(cmd.Context(), func(c *client) error {
				granted, err := c.grant(cmd.Context(), scopes)
				if err != nil {
					return err
				}
				if asJSON {
					return p.term.printJSON(granted)
				}
				_, err = fmt.Fprintln(p.term.out, granted.Token)
				return err
			})
		},
	}
	addScopeFlag(cmd, &scopes)
	cmd.Flags().Lookup("scope").Usage = "`SCOPE` that it shall have; repeat it for more (default: all that the client has)"
	addJSONFlag(cmd, &asJSON, "the token, its scope and how many seconds it is good")
	return cmd
}

// granted is the answer of RFC 6749 §5.1.
type granted struct {
	Token     string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"`
	Scope     string `json:"scope"`
}
