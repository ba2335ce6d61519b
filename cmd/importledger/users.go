package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"importledger/adapters/api"
)

type userObject struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Role       string `json:"role"`
	State      string `json:"state"`
	SignedInAt *int64 `json:"signedInAt"`
	Link       *struct {
		Path      string `json:"path"`
		ExpiresAt int64  `json:"expiresAt"`
	} `json:"link"`
}

func (p *program) newUsersCommand() *cobra.Command {
	list := p.newUsersListCommand()
	cmd := &cobra.Command{
		Use:   "users",
		Short: "List users, invite them, change what they may do",
		Long: `Users are the people who sign in. What a user may do follows from the role:

  admin    everything
  editor   imports, contacts, attributes and segments
  auditor  reads imports and contacts, their histories and the files as uploaded
  viewer   reads imports and contacts

A user is named by name or id. Changes are in force at once. Without a command users
are listed.`,
		Example: `  importledger users
  importledger users invite ann@example.org --role editor
  importledger users disable bob`,
		Args: noArgs,
		RunE: list.RunE,
	}
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, p.newInviteCommand(), p.newRoleCommand(), p.newEnableCommand(true), p.newEnableCommand(false),
		p.newPasswordCommand(), p.newSessionsCommand(), p.newSignOutCommand())
	return cmd
}

// pageFlags are those of a command that lists page by page.
type pageFlags struct {
	page, pageSize int
	json           bool
}

func (f *pageFlags) add(cmd *cobra.Command, what string) {
	cmd.Flags().IntVar(&f.page, "page", 1, "`NUMBER` of the page, from 1")
	cmd.Flags().IntVar(&f.pageSize, "page-size", 50, what+" on a page, at most 500")
	addJSONFlag(cmd, &f.json, "a page of "+what)
}

func (f pageFlags) query() (url.Values, error) {
	if f.page < 1 || f.pageSize < 1 || f.pageSize > 500 {
		return nil, &usageError{"--page counts from 1, and --page-size is 1 to 500"}
	}
	return url.Values{"page": {strconv.Itoa(f.page)}, "pageSize": {strconv.Itoa(f.pageSize)}}, nil
}

// listed is a page of anything.
type listed[T any] struct {
	Pagination struct {
		TotalRecord     int `json:"totalRecord"`
		RemainingRecord int `json:"remainingRecord"`
	} `json:"pagination"`
	Items []T `json:"items"`
}

// list prints a page, as JSON or with show. filter gives what else is asked for; nil:
// nothing.
func list[T any](ctx context.Context, p *program, f pageFlags, path string, filter func(*client) (url.Values, error), show func([]T) error) error {
	paging, err := f.query()
	if err != nil {
		return err
	}
	return p.withServer(ctx, func(c *client) error {
		if filter != nil {
			query, err := filter(c)
			if err != nil {
				return err
			}
			for name, values := range query {
				if values[0] != "" {
					paging[name] = values
				}
			}
		}
		var raw json.RawMessage
		if _, err := c.get(ctx, path+"?"+paging.Encode(), &raw); err != nil {
			return err
		}
		if f.json {
			return p.term.printJSON(raw)
		}
		var page listed[T]
		if err := json.Unmarshal(raw, &page); err != nil {
			return fmt.Errorf("the answer of the server at %s is not what importledger expects: %w", c.base, err)
		}
		if err := show(page.Items); err != nil {
			return err
		}
		if page.Pagination.RemainingRecord > 0 {
			p.term.say("\n%s more: --page %d", number(page.Pagination.RemainingRecord), f.page+1)
		}
		return nil
	})
}

func (p *program) newUsersListCommand() *cobra.Command {
	var f pageFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List users by name", Example: "  importledger users list --json", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), p, f, "/ops/users", nil, func(all []userObject) error {
				t := p.term.newTable("NAME", "ROLE", "STATE", "SIGNED IN", "ID")
				for _, u := range all {
					t.row(u.Name, u.Role, u.State, timeOrNever(u.SignedInAt), u.ID)
				}
				return t.flush()
			})
		},
	}
	f.add(cmd, "users")
	return cmd
}

func timeOrNever(ms *int64) string {
	if ms == nil {
		return "never"
	}
	return localTime(*ms)
}

func (p *program) newInviteCommand() *cobra.Command {
	var role string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "invite NAME",
		Short: "Invite a user, and print the link by which they choose a password",
		Long: `Invite a user. The link on standard output lets its bearer choose the user's
password, once and within 72 hours: send it to them on a way that nobody else reads.`,
		Example: "  importledger users invite ann@example.org --role editor",
		Args:    oneArg("the name that the user will sign in with"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := isRole(role); err != nil {
				return err
			}
			return p.sendUser(cmd.Context(), "", call{method: http.MethodPost, path: "/ops/users"}, map[string]any{"name": args[0], "role": role}, asJSON)
		},
	}
	cmd.Flags().StringVar(&role, "role", "viewer", "`ROLE`: admin, editor, auditor or viewer")
	completeFlag(cmd, "role", roleNames())
	addJSONFlag(cmd, &asJSON, "the user, with the link")
	return cmd
}

func (p *program) newRoleCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "role NAME ROLE", Short: "Give a user another role; their sessions end",
		Example: "  importledger users role ann@example.org auditor",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{"role takes a user and a role"}
			}
			return isRole(args[1])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.sendUser(cmd.Context(), args[0], call{method: http.MethodPut}, map[string]any{"role": args[1]}, asJSON)
		},
	}
	addJSONFlag(cmd, &asJSON, "the user")
	return cmd
}

func (p *program) newEnableCommand(enabled bool) *cobra.Command {
	use, short := "disable", "Keep a user out, and end their sessions"
	if enabled {
		use, short = "enable", "Let a user in again"
	}
	var asJSON bool
	cmd := &cobra.Command{
		Use: use + " NAME", Short: short, Example: "  importledger users " + use + " bob", Args: oneArg("the name or id of a user"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.sendUser(cmd.Context(), args[0], call{method: http.MethodPut}, map[string]any{"enabled": enabled}, asJSON)
		},
	}
	addJSONFlag(cmd, &asJSON, "the user")
	return cmd
}

// userID finds a user by name or id. Names stay out of addresses: they can be mail
// addresses, and addresses end up in logs.
func (c *client) userID(ctx context.Context, named string) (string, error) {
	for page, remaining := 1, 1; remaining > 0; page++ {
		var found listed[userObject]
		if _, err := c.get(ctx, fmt.Sprintf("/ops/users?page=%d&pageSize=500", page), &found); err != nil {
			return "", err
		}
		for _, u := range found.Items {
			if u.ID == named || strings.EqualFold(u.Name, named) {
				return u.ID, nil
			}
		}
		remaining = found.Pagination.RemainingRecord
	}
	return "", fmt.Errorf("there is no user %q; `importledger users` lists them", named)
}

// sendUser asks for a change of a user, below whose address what is (of a new one it
// is whole), and prints the user as they are then. A link
// is a result and goes to standard output, alone, so that it can be piped.
func (p *program) sendUser(ctx context.Context, user string, what call, body any, asJSON bool) error {
	return p.withServer(ctx, func(c *client) error {
		if user != "" {
			id, err := c.userID(ctx, user)
			if err != nil {
				return err
			}
			what.path = "/ops/users/" + url.PathEscape(id) + what.path
		}
		var raw json.RawMessage
		if _, err := c.send(ctx, what, body, &raw); err != nil {
			return err
		}
		if asJSON {
			return p.term.printJSON(raw)
		}
		var u userObject
		if err := json.Unmarshal(raw, &u); err != nil {
			return fmt.Errorf("the answer of the server at %s is not what importledger expects: %w", c.base, err)
		}
		p.term.say("%s is %s, with the role %s.", printable(u.Name), u.State, u.Role)
		if u.Link == nil {
			return nil
		}
		p.term.say("Until %s they choose their password here, once:", localTime(u.Link.ExpiresAt))
		_, err := fmt.Fprintln(p.term.out, c.base+printable(u.Link.Path))
		return err
	})
}

func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return &usageError{fmt.Sprintf("%s takes %s", shortPath(cmd), what)}
		}
		return nil
	}
}

func roleNames() []string { return []string{"admin", "editor", "auditor", "viewer"} }

func isRole(role string) error {
	if _, known := api.Roles()[role]; known && slices.Contains(roleNames(), role) {
		return nil
	}
	return &usageError{fmt.Sprintf("%q is no role: the roles are admin, editor, auditor and viewer", role)}
}
