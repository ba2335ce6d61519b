package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

type webhookObject struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	URL           string `json:"url"`
	Enabled       bool   `json:"enabled"`
	CreatedAt     int64  `json:"createdAt"`
	PreviousUntil *int64 `json:"previousSecretUntil"`
	Secret        string `json:"secret"`
}

type attemptObject struct {
	ID       int64   `json:"id"`
	ImportID string  `json:"importId"`
	At       int64   `json:"at"`
	Status   *int    `json:"status"`
	Problem  *string `json:"problem"`
	Delivery string  `json:"delivery"`
	NextTry  *int64  `json:"nextTryAt"`
}

func (p *program) newWebhooksCommand() *cobra.Command {
	list := p.newWebhooksListCommand()
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Have addresses called when imports have ended",
		Long: `Webhooks are addresses that a server calls when an import has ended. Messages are
signed as https://www.standardwebhooks.com says, and tried again for three days.
Without a command webhooks are listed.`,
		Example: `  importledger webhooks
  importledger webhooks create https://example.org/hooks/imports
  importledger webhooks attempts 01JD8Z0Q4T9M3W5X7Y9A1B2C3D`,
		Args: noArgs,
		RunE: list.RunE,
	}
	cmd.Flags().AddFlagSet(list.Flags())
	cmd.AddCommand(list, p.newWebhookCreateCommand(), p.newWebhookEnableCommand(true), p.newWebhookEnableCommand(false),
		p.newWebhookRotateCommand(), p.newWebhookRemoveCommand(), p.newAttemptsCommand(), p.newResendCommand())
	return cmd
}

func (p *program) newWebhooksListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List webhooks", Example: "  importledger webhooks list --json", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				var raw json.RawMessage
				if _, err := c.get(cmd.Context(), "/ops/webhooks", &raw); err != nil {
					return err
				}
				if asJSON {
					return p.term.printJSON(raw)
				}
				var all []webhookObject
				if err := c.understand(raw, &all); err != nil {
					return err
				}
				if len(all) == 0 {
					p.term.say("There are no webhooks yet. Begin with `importledger webhooks create URL`.")
					return nil
				}
				t := p.term.newTable("ID", "URL", "STATE", "NAME")
				for _, w := range all {
					t.row(w.ID, w.URL, w.state(), w.Name)
				}
				return t.flush()
			})
		},
	}
	addJSONFlag(cmd, &asJSON, "a list of webhooks")
	return cmd
}

func (w webhookObject) state() string {
	if w.Enabled {
		return "enabled"
	}
	return "disabled"
}

// understand reads an answer.
func (c *client) understand(raw json.RawMessage, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("the answer of the server at %s is not what importledger expects: %w", c.base, err)
	}
	return nil
}

func (p *program) newWebhookCreateCommand() *cobra.Command {
	var asJSON bool
	var name string
	cmd := &cobra.Command{
		Use: "create URL", Short: "Have an address called, and print its id and secret",
		Long: `Have an address called when an import has ended. The webhook's id and the secret that
its messages are signed with go to standard output, a line each; the secret is shown
only here.`,
		Example: "  importledger webhooks create https://example.org/hooks/imports --name shop",
		Args:    oneArg("the address to be called"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.sendWebhook(cmd.Context(), call{method: http.MethodPost, path: "/ops/webhooks"}, map[string]any{"url": args[0], "name": name}, asJSON)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "`NAME` that people call it")
	addJSONFlag(cmd, &asJSON, "the webhook, with its secret")
	return cmd
}

func (p *program) newWebhookEnableCommand(enabled bool) *cobra.Command {
	use, short := "disable", "Do not call a webhook for now; what waits for it is dropped"
	if enabled {
		use, short = "enable", "Call a webhook again"
	}
	var asJSON bool
	cmd := &cobra.Command{
		Use: use + " ID", Short: short, Example: "  importledger webhooks " + use + " 01JD8Z0Q4T9M3W5X7Y9A1B2C3D", Args: oneArg("the id of a webhook"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.sendWebhook(cmd.Context(), webhookCall(http.MethodPut, args[0], ""), map[string]any{"enabled": enabled}, asJSON)
		},
	}
	addJSONFlag(cmd, &asJSON, "the webhook")
	return cmd
}

func (p *program) newWebhookRotateCommand() *cobra.Command {
	var asJSON bool
	var hours int
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Give a webhook another secret, and print it",
		Long: `Give a webhook another secret. For a while messages are signed with both, so that the
receiver can change over. The new one goes to standard output, and is shown only here.`,
		Example: "  importledger webhooks rotate 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --overlap-hours 1",
		Args:    oneArg("the id of a webhook"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if hours < 0 || hours > 168 {
				return &usageError{"--overlap-hours is 0 to 168"}
			}
			return p.sendWebhook(cmd.Context(), webhookCall(http.MethodPost, args[0], "/rotate"), map[string]any{"overlapHours": hours}, asJSON)
		},
	}
	cmd.Flags().IntVar(&hours, "overlap-hours", 24, "`HOURS` that messages are signed with both secrets")
	addJSONFlag(cmd, &asJSON, "the webhook, with its secret")
	return cmd
}

func webhookCall(method, id, below string) call {
	return call{method: method, path: "/ops/webhooks/" + url.PathEscape(id) + below}
}

// sendWebhook asks for a change of a webhook and prints it as it is then. A secret is a
// result, and goes to standard output.
func (p *program) sendWebhook(ctx context.Context, what call, body any, asJSON bool) error {
	return p.withServer(ctx, func(c *client) error {
		var raw json.RawMessage
		if _, err := c.send(ctx, what, body, &raw); err != nil {
			return err
		}
		if asJSON {
			return p.term.printJSON(raw)
		}
		var w webhookObject
		if err := c.understand(raw, &w); err != nil {
			return err
		}
		p.term.say("The webhook to %s is %s.", printable(w.URL), w.state())
		if w.Secret == "" {
			return nil
		}
		if w.PreviousUntil != nil {
			p.term.say("Until %s messages are signed with the secret before, too.", localTime(*w.PreviousUntil))
		}
		p.term.say("Its id and its secret, which is shown only now:")
		_, err := fmt.Fprintf(p.term.out, "%s\n%s\n", printable(w.ID), printable(w.Secret))
		return err
	})
}

func (p *program) newWebhookRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Short: "Remove a webhook, with what waits for it and its attempts",
		Example: "  importledger webhooks remove 01JD8Z0Q4T9M3W5X7Y9A1B2C3D", Args: oneArg("the id of a webhook"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				_, err := c.send(cmd.Context(), webhookCall(http.MethodDelete, args[0], ""), nil, nil)
				if err == nil {
					p.term.say("The webhook is removed.")
				}
				return err
			})
		},
	}
}

func (p *program) newAttemptsCommand() *cobra.Command {
	var f pageFlags
	cmd := &cobra.Command{
		Use: "attempts ID", Short: "List calls of a webhook and what it answered, newest first",
		Example: "  importledger webhooks attempts 01JD8Z0Q4T9M3W5X7Y9A1B2C3D", Args: oneArg("the id of a webhook"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return list(cmd.Context(), p, f, webhookCall("", args[0], "/attempts").path, nil, func(all []attemptObject) error {
				t := p.term.newTable("ATTEMPT", "AT", "IMPORT", "ANSWER", "MESSAGE", "NEXT TRY")
				for _, a := range all {
					t.row(strconv.FormatInt(a.ID, 10), localTime(a.At), a.ImportID, a.answer(), a.Delivery, timeOrNothing(a.NextTry))
				}
				return t.flush()
			})
		},
	}
	f.add(cmd, "attempts")
	return cmd
}

func (a attemptObject) answer() string {
	switch {
	case a.Problem != nil:
		return *a.Problem
	case a.Status != nil:
		return strconv.Itoa(*a.Status)
	}
	return ""
}

func timeOrNothing(ms *int64) string {
	if ms == nil {
		return ""
	}
	return localTime(*ms)
}

func (p *program) newResendCommand() *cobra.Command {
	return &cobra.Command{
		Use: "resend ID ATTEMPT", Short: "Send the message of an attempt again, whatever became of it",
		Example: "  importledger webhooks resend 01JD8Z0Q4T9M3W5X7Y9A1B2C3D 17",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				if n, err := strconv.ParseInt(args[1], 10, 64); err == nil && n > 0 {
					return nil
				}
			}
			return &usageError{"resend takes the id of a webhook and the number of an attempt"}
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withServer(cmd.Context(), func(c *client) error {
				_, err := c.send(cmd.Context(), webhookCall(http.MethodPost, args[0], "/attempts/"+args[1]+"/resend"), nil, nil)
				if err == nil {
					p.term.say("The message is queued. `importledger webhooks attempts %s` shows what comes of it.", args[0])
				}
				return err
			})
		},
	}
}
