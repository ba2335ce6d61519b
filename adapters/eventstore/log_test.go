package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"importledger/aggregate"
)

func TestBadConnectionStringIsOneSentenceWithoutThePassword(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "localhost:2113", "http://localhost:2113", "esdb://", "esdb://localhost:port",
		"esdb://admin:s3cr/et@localhost:2113", "esdb://admin:s3cret@localhost:port", "esdb://admin:#s3cret@localhost",
		"esdb://admin:s3cret%zz@localhost", "esdb://localhost?keepAliveInterval=s3cret@x",
	} {
		_, err := Open(t.Context(), s, Config{})
		if err == nil {
			t.Errorf("%q was taken", s)
			continue
		}
		text := err.Error()
		if strings.Contains(text, "s3cr") || strings.Contains(text, "\n") || !strings.Contains(text, "esdb://") {
			t.Errorf("%q: %s", s, text)
		}
	}
}

func TestErrorsAreTranslated(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want error
	}{
		"timeout":             {t.Context(), context.DeadlineExceeded, aggregate.ErrLogUnavailable},
		"gRPC timeout":        {t.Context(), status.Error(codes.DeadlineExceeded, "x"), aggregate.ErrLogUnavailable},
		"connection lost":     {t.Context(), fmt.Errorf("send: %w", io.EOF), aggregate.ErrLogUnavailable},
		"server not ready":    {t.Context(), status.Error(codes.Unavailable, "x"), aggregate.ErrLogUnavailable},
		"server timed out":    {t.Context(), status.Error(codes.Aborted, "x"), aggregate.ErrLogUnavailable},
		"no leader":           {t.Context(), status.Error(codes.Unknown, "x"), aggregate.ErrLogUnavailable},
		"wrong password":      {t.Context(), status.Error(codes.Unauthenticated, "x"), ErrDenied},
		"no right":            {t.Context(), status.Error(codes.PermissionDenied, "x"), ErrDenied},
		"caller has given up": {canceled, status.Error(codes.Unavailable, "x"), context.Canceled},
		"closed":              {t.Context(), errClosed, errClosed},
	} {
		if err := translate(c.ctx, "do it", c.err); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	final := translate(t.Context(), "do it", status.Error(codes.InvalidArgument, "x"))
	if final == nil || isUnavailable(final) {
		t.Errorf("a request that is never taken: got %v", final)
	}
	if err := translate(t.Context(), "do it", nil); err != nil {
		t.Errorf("success: got %v", err)
	}
}
