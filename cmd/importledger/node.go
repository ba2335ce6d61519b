package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"importledger/adapters/node"
)

const nodeListen = "127.0.0.1:2113"

func (p *program) newNodeCommand() *cobra.Command {
	listen := nodeListen
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Run the embedded event store alone",
		Long: `node serves the event log in the data directory to several processes on this
machine, over EventStoreDB's protocol. It takes no password, so it listens on this
machine only.`,
		Example: `  importledger node --data ./log
  IMPORTLEDGER_EVENTSTORE_URL='esdb://127.0.0.1:2113?tls=false' importledger serve`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.node(cmd.Context(), listen) },
	}
	cmd.Flags().StringVar(&listen, "listen", nodeListen, "`ADDRESS` to listen on")
	return cmd
}

func (p *program) node(ctx context.Context, listen string) (err error) {
	if err := isAddress(listen); err != nil {
		return &usageError{"--listen " + err.Error()}
	}
	// The address first: one that is taken must leave nothing behind.
	listener, err := openListener(ctx, listen, "--listen")
	if err != nil {
		return err
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return errors.Join(&usageError{"node takes no password, so --listen must be an address of this machine only, such as " + nodeListen}, listener.Close())
	}
	dir, err := openDataDir(p.settings.Data, "node")
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, dir.close()) }()
	n, err := node.Open(node.Config{Dir: dir.file(logFolder), Listener: listener, Logger: newLogger(p.term.err, p.settings.LogLevel)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	p.term.say("IMPORTLEDGER_EVENTSTORE_URL='%s'", n.ConnectionString())
	select {
	case <-ctx.Done():
		return nil
	case <-n.Failed():
		return logFailed(n)
	}
}

// logFailed says of an embedded event store that takes no more appends what helps.
func logFailed(n *node.Node) error {
	return fmt.Errorf("the event log cannot be written any more (%w): see that its disk has room and is well, and start again", n.Err())
}
