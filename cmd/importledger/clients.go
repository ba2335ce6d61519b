package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"importledger/adapters/api"
)

type clientObject struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Scopes    []string `json:"scopes"`
	Origin    string   `json:"origin"`
	CreatedAt int64    `json:"createdAt"`
	RevokedAt *int64   `json:"revokedAt"`
	Secret    string   `json:"secret"`
}

func (p *program) newClientsCommand() *cobra.Command {
	list := p.newClientsListCommand()
	cmd := &cobra.Command{
		Use:   "clients",
		Short: "List API clients, create them, give them another secret, revoke them",
		Long: `API clients are the programs that call the API. Each has an id, a secret and the
scopes that its tokens may have. Without a command they are listed.`,
		Example: `  importledger clients
  importledger clients create 'Web shop' --scope imports:write --scope imports:read
  importledger clients rotate client-4kq2wz7hm3xv5ybn`,
		Args: noArgs,
		RunE: list.RunE,
	}
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, p.newClientCreateCommand(), p.newClientRotateCommand(), p.newClientRevokeCommand())
	return cmd
}

func (p *program) newClientsListCommand() *cobra.Command {
	var f pageFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List API clients by name, the revoked ones too", Example: "  importledger clients list --json", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), p, f, "/ops/clients", nil, func(all []clientObject) error {
				if len(all) == 0 {
					p.term.say("There are no API clients yet. Begin with `importledger clients create NAME --scope SCOPE`.")
					return nil
				}
				t := p.term.newTable("ID", "NAME", "STATE", "CREATED", "SCOPES")
				for _, c := range all {
					t.row(c.ID, c.Name, c.state(), localTime(c.CreatedAt), strings.Join(c.Scopes, " "))
				}
				return t.flush()
			})
		},
	}
	f.add(cmd, "API clients")
	return cmd
}

func (c clientObject) state() string {
	switch {
	case c.RevokedAt != nil:
		return "revoked"
	case c.Origin == "bootstrap":
		return "from environment"
	}
	return "active"
}

func (p *program) newClientCreateCommand() *cobra.Command {
	var scopes []string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create an API client, and print its id and secret",
		Long: `Create an API client. Its id and its secret go to standard output, a line each; the
secret is shown only here.

The scopes are ` + strings.Join(api.Scopes(), ", ") + `.`,
		Example: "  importledger clients create 'Web shop' --scope imports:write --scope imports:read",
		Args:    oneArg("what people will call the client"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(scopes) == 0 {
				return &usageError{"give the client at least one --scope"}
			}
			return p.sendClient(cmd.Context(), call{method: http.MethodPost, path: "/ops/clients"}, map[string]any{"name": args[0], "scopes": scopes}, asJSON)
		},
	}
	addScopeFlag(cmd, &scopes)
	addJSONFlag(cmd, &asJSON, "the API client, with its secret")
	return cmd
}

func addScopeFlag(cmd *cobra.Command, to *[]string) {
	cmd.Flags().StringSliceVar(to, "scope", nil, "`SCOPE` that its tokens may have; repeat it for more")
	completeFlag(cmd, "scope", api.Scopes())
}

func (p *program) newClientRotateCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Give an API client another secret, and print it; the old one stops",
		Long: `Give an API client another secret. The old one stops at once, and the tokens that it
brought within a minute. The new one goes to standard output, and is shown only here.`,
		Example: "  importledger clients rotate client-4kq2wz7hm3xv5ybn",
		Args:    oneArg("the id of an API client"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.sendClient(cmd.Context(), call{method: http.MethodPost, path: "/ops/clients/" + url.PathEscape(args[0]) + "/secret"}, nil, asJSON)
		},
	}
	addJSONFlag(cmd, &asJSON, "the API client, with its secret")
	return cmd
}

// sendClient asks for a client with a new secret, and prints both.
func (p *program) sendClient(ctx context.Context, what call, body any, asJSON bool) error {
	return p.withServer(ctx, func(c *client) error {
		var raw json.RawMessage
		if _, err := c.send(ctx, what, body, &raw); err != nil {
			return err
		}
		if asJSON {
			return p.term.printJSON(raw)
		}
		var made clientObject
		if err := json.Unmarshal(raw, &made); err != nil {
			return fmt.Errorf("the answer of the server at %s is not what importledger expects: %w", c.base, err)
		}
		p.term.say("Id and secret of %s, which may have %s. The secret is shown only now:", printable(made.Name), strings.Join(made.Scopes, " "))
		_, err := fmt.Fprintf(p.term.out, "%s\n%s\n", printable(made.ID), printable(made.Secret))
		return err
	})
}

func (p *program) newClientRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke an API client, for good",
		Long: `Revoke an API client. Its secret stops at once, and its tokens within a minute. The
client that IMPORTLEDGER_CLIENT_ID names comes back when a server starts with it.`,
		Example: "  importledger clients revoke client-4kq2wz7hm3xv5ybn",
		Args:    oneArg("the id of an API client"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				_, err := c.send(cmd.Context(), call{method: http.MethodDelete, path: "/ops/clients/" + url.PathEscape(args[0]), repeat: true}, nil, nil)
				if err == nil {
					p.term.say("The API client is revoked.")
				}
				return err
			})
		},
	}
}
