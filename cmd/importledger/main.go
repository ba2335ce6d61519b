// Command importledger is the whole program: the server, and the commands that
// speak to it. Here live flags, settings, terminal output and all wiring, one
// file per subcommand. What an import may do is decided elsewhere: the commands
// only ever ask the HTTP API.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// garbage is how much may gather before it is collected, in percent of what lives.
// Most of the memory of a busy server is rows that have gone by: Go's own 100 percent
// take a fifth more memory at the peak, and a tenth less CPU.
const garbage = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}

// run is the program: it gives the exit status. The first interrupt ends the
// context of the command, a second its patience.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	ctx, leave, stop := onInterrupts(ctx)
	defer stop()
	p := newProgram(stdin, stdout, stderr, env)
	p.leave = leave
	return p.execute(ctx, args)
}

// program is what the commands share.
type program struct {
	settings *settings
	env      environment
	term     *terminal
	leave    context.Context // ends at the second interrupt: drop everything

	openLocal func(context.Context, *settings) (*local, error)
	pollEvery time.Duration // between two looks at a running import or rebuild
	running   bool          // flags and arguments were fine, the command has begun
}

func newProgram(stdin io.Reader, stdout, stderr io.Writer, env []string) *program {
	e := environment(env)
	return &program{
		settings:  &settings{},
		env:       e,
		term:      newTerminal(stdin, stdout, stderr, e),
		leave:     context.Background(),
		openLocal: openLocal,
		pollEvery: 100 * time.Millisecond,
	}
}

func (p *program) execute(ctx context.Context, args []string) int {
	root := p.newRootCommand()
	root.SetArgs(args)
	root.SetIn(p.term.in)
	root.SetOut(p.term.out)
	root.SetErr(p.term.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if !p.running {
		// Whatever went wrong before a command began was wrong usage.
		if _, known := errors.AsType[*usageError](err); !known {
			err = &usageError{err.Error()}
		}
	}
	p.term.complain(cmd, err)
	return exitStatus(err)
}

func (p *program) newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "importledger",
		Short: "Import contacts from CSV files, with every decision kept",
		Long: `importledger imports contacts and events from CSV files and keeps every decision
about every row in a log that nothing is ever removed from.

Commands work on the server that --server names, else on the one that runs on the
data directory, else they open the data directory themselves and leave it again.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 the import ended but has rows in
error, 4 the file was refused, 5 canceled.`,
		Example: `  importledger serve                        # the server, everything embedded
  importledger import contacts.csv          # suggests a mapping and asks
  importledger imports --state importing
  importledger history 01JD8Z0Q4T9M3W5X7Y9A1B2C3D --follow`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: p.begin,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return wrongFlag(err) })
	addSettingFlags(root.PersistentFlags(), "data", "server", "config", "log-level")
	root.AddCommand(
		p.newServeCommand(),
		p.newNodeCommand(),
		p.newCopyLogCommand(),
		p.newAcceptLogCommand(),
		p.newImportCommand(),
		p.newImportsCommand(),
		p.newShowCommand(),
		p.newErrorsCommand(),
		p.newCancelCommand(),
		p.newHistoryCommand(),
		p.newWhyCommand(),
		p.newConnectorsCommand(),
		p.newProjectionsCommand(),
		p.newUsersCommand(),
		p.newClientsCommand(),
		p.newWebhooksCommand(),
		p.newTokenCommand(),
		p.newAuditCommand(),
		p.newDoctorCommand(),
		p.newConfigCommand(),
		p.newVersionCommand(),
	)
	return root
}

// begin runs before every command: settings are loaded once, here.
func (p *program) begin(cmd *cobra.Command, _ []string) error {
	if needsNoSettings(cmd) {
		p.running = true
		return nil
	}
	if err := p.settings.load(cmd.Flags(), p.env); err != nil {
		return &usageError{err.Error()}
	}
	p.running = true
	return nil
}

// needsNoSettings is true for commands that must work whatever is set.
func needsNoSettings(cmd *cobra.Command) bool {
	if shortPath(cmd) == "audit verify" { // an auditor has none
		return true
	}
	for c := cmd; c.HasParent(); c = c.Parent() {
		switch c.Name() {
		case "version", "help", "completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
			return true
		}
	}
	return false
}
