package main

import (
	"context"
	"log/slog"
	"os"

	"importledger/adapters/telemetry"
)

// openTraces sends traces where the setting says, or else where OpenTelemetry's own
// variables do. Without either there are none.
func openTraces(ctx context.Context, s *settings, logger *slog.Logger) (*telemetry.Traces, error) {
	if s.TracesURL == "" && os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return &telemetry.Traces{}, nil
	}
	return telemetry.Export(ctx, telemetry.Config{URL: s.TracesURL, Version: readVersion().Version, Logger: logger})
}
