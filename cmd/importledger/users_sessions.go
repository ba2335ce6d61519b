package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

type sessionObject struct {
	ID        string `json:"id"`
	UserName  string `json:"userName"`
	Agent     string `json:"agent"`
	CreatedAt int64  `json:"createdAt"`
	SeenAt    int64  `json:"seenAt"`
}

func (p *program) newSessionsCommand() *cobra.Command {
	var f pageFlags
	var user string
	cmd := &cobra.Command{
		Use: "sessions", Short: "List the browsers that are signed in",
		Example: "  importledger users sessions\n  importledger users sessions --user ann@example.org --json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter := func(c *client) (url.Values, error) {
				if user == "" {
					return nil, nil
				}
				id, err := c.userID(cmd.Context(), user)
				return url.Values{"userId": {id}}, err
			}
			return list(cmd.Context(), p, f, "/ops/sessions", filter, func(all []sessionObject) error {
				if len(all) == 0 {
					p.term.say("Nobody is signed in.")
					return nil
				}
				t := p.term.newTable("USER", "SIGNED IN", "LAST USED", "SESSION", "BROWSER")
				for _, s := range all {
					t.row(s.UserName, localTime(s.CreatedAt), localTime(s.SeenAt), s.ID, s.Agent)
				}
				return t.flush()
			})
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "only those of the user with this `NAME` or id")
	f.add(cmd, "sessions")
	return cmd
}

func (p *program) newSignOutCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sign-out SESSION", Short: "End a session", Example: "  importledger users sign-out 3XQ7JH5FWBZ2VYKD4M6NPR8TCA",
		Args: oneArg("a session; `importledger users sessions` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				_, err := c.send(cmd.Context(), call{method: http.MethodDelete, path: "/ops/sessions/" + url.PathEscape(args[0]), repeat: true}, nil, nil)
				if err == nil {
					p.term.say("The session has ended.")
				}
				return err
			})
		},
	}
}
