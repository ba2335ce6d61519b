package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

type auditEntry struct {
	At         int64   `json:"at"`
	Action     string  `json:"action"`
	Actor      *string `json:"actor"`
	ActorName  *string `json:"actorName"`
	Target     *string `json:"target"`
	TargetName *string `json:"targetName"`
	Times      int     `json:"times"`
	Detail     *string `json:"detail"`
	Network    *string `json:"network"`
}

func (p *program) newAuditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "What people and programs did, and files that prove it",
		Example: "  importledger audit export 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --output proof.jsonl\n  importledger audit verify proof.jsonl\n  importledger audit log --action user.sign-in-failed",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.newAuditExportCommand(), p.newAuditVerifyCommand(), p.newAuditKeyCommand(), p.newAuditLogCommand())
	return cmd
}

func (p *program) newAuditLogCommand() *cobra.Command {
	var f pageFlags
	var actor, target, action string
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "log",
		Short: "List sign-ins, refusals and administrative changes, newest first",
		Example: `  importledger audit log
  importledger audit log --action user.sign-in-failed --since 24h
  importledger audit log --actor 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"actor": {actor}, "target": {target}, "action": {action}, "from": {""}}
			if since > 0 {
				query.Set("from", strconv.FormatInt(time.Now().Add(-since).UnixMilli(), 10))
			}
			return list(cmd.Context(), p, f, "/ops/audit", func(*client) (url.Values, error) { return query, nil }, func(all []auditEntry) error {
				t := p.term.newTable("WHEN", "WHAT", "BY", "ON", "FROM", "")
				for _, e := range all {
					more := deref(e.Detail)
					if e.Times > 1 {
						more = fmt.Sprintf("%s ×%s", more, number(e.Times))
					}
					t.row(localTime(e.At), e.Action, nameOr(e.ActorName, e.Actor), nameOr(e.TargetName, e.Target), deref(e.Network), more)
				}
				return t.flush()
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&actor, "actor", "", "only what the user or API client with this `ID` did")
	flags.StringVar(&target, "target", "", "only what was done to the user or API client with this `ID`")
	flags.StringVar(&action, "action", "", "only this `ACTION`, such as user.signed-in")
	flags.DurationVar(&since, "since", 0, "only the last `TIME`, such as 24h")
	f.add(cmd, "entries")
	return cmd
}

func nameOr(name, id *string) string {
	if name != nil {
		return *name
	}
	return deref(id)
}
