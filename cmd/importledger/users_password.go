package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (p *program) newPasswordCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "password NAME [-]",
		Short: "Reset a user's password: print a link, or read one from standard input",
		Long: `Reset a user's password. Without - it prints a link by which the user chooses
another one, once and within 72 hours; the old one is good until then.

With - a password is read from standard input. The user has to change it when they
sign in, and their sessions end.`,
		Example: `  importledger users password ann@example.org
  importledger users password admin - < password.txt`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 || len(args) == 2 && args[1] != "-" {
				return &usageError{"users password takes a user, and - to read a password from standard input"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]any{}
			if len(args) == 2 {
				password, err := p.term.readPassword()
				if err != nil {
					return err
				}
				body["password"] = password
			}
			return p.sendUser(cmd.Context(), args[0], call{method: http.MethodPost, path: "/password"}, body, asJSON)
		},
	}
	addJSONFlag(cmd, &asJSON, "the user, with the link")
	return cmd
}

// readPassword reads a line, without showing it on a terminal.
func (t *terminal) readPassword() (string, error) {
	if f, ok := t.in.(*os.File); ok && isTerminal(f) {
		_, _ = fmt.Fprint(t.err, "Password: ")
		text, err := term.ReadPassword(int(f.Fd()))
		t.say("")
		if err != nil {
			return "", fmt.Errorf("the password cannot be read: %w", err)
		}
		return string(text), nil
	}
	line, err := bufio.NewReader(io.LimitReader(t.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("the password cannot be read: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
