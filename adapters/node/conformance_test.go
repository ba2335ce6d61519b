package node_test

import (
	"os"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/adapters/node"
	"importledger/adapters/node/conformance"
)

// A connection string of a real server, to see that it does what the node does.
const realServer = "IMPORTLEDGER_TEST_EVENTSTORE"

func TestNodeConforms(t *testing.T) {
	for name, cfg := range map[string]node.Config{
		"open":    {},
		"guarded": {Username: "admin", Password: "s3cret: ü"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, func(t *testing.T) *esdb.Client {
				return connect(t, start(t, cfg).ConnectionString())
			})
		})
	}
}

func TestRealServerConforms(t *testing.T) {
	server := os.Getenv(realServer)
	if server == "" {
		t.Skip(realServer + " names no server")
	}
	conformance.Run(t, func(t *testing.T) *esdb.Client { return connect(t, server) })
}

// start opens a node in a directory of its own, unless cfg names one, and closes it with the test.
func start(t testing.TB, cfg node.Config) *node.Node {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	n, err := node.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close the node: %v", err)
		}
	})
	return n
}

func connect(t testing.TB, connection string) *esdb.Client {
	t.Helper()
	cfg, err := esdb.ParseConnectionString(connection)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return client
}
