package auth_test

import (
	"testing"

	"go.uber.org/goleak"

	"importledger/adapters/postgres/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }
