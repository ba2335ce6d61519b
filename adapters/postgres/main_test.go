package postgres_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

// ownClusterEnv makes this test binary a program that owns a cluster in the
// folder it names, until it is killed.
const ownClusterEnv = "POSTGRES_TEST_OWN_CLUSTER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownClusterEnv); dir != "" {
		ownCluster(dir)
	}
	goleak.VerifyTestMain(pgtest.M{M: m})
}

func ownCluster(dir string) {
	c, err := postgres.StartCluster(context.Background(), pgtest.Config(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, c.URL())
	select {}
}
