package pgtest_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"importledger/adapters/postgres/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }

func TestTime(t *testing.T) {
	for range 10 {
		t.Run("", func(t *testing.T) {
			b := time.Now()
			p := pgtest.New(t)
			d := time.Since(b)
			t.Cleanup(func() { t.Log(d, time.Since(b)) })
			_ = p
		})
	}
}
