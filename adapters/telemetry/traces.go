package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	api "go.opentelemetry.io/otel/trace"

	"importledger/projections"
)

// Traces makes spans; the zero value makes none, and costs nothing.
type Traces struct {
	provider *trace.TracerProvider
	tracer   api.Tracer
}

// Config says where spans go.
type Config struct {
	// URL of a collector that speaks OTLP over HTTP; empty: where the OTEL_ variables
	// of the environment say.
	URL     string
	Version string // of the program
	Logger  *slog.Logger
}

// Export sends spans to a collector, in the background. One that is away is told in
// the log, and holds nothing up.
func Export(ctx context.Context, cfg Config) (*Traces, error) {
	var options []otlptracehttp.Option
	if cfg.URL != "" {
		options = append(options, otlptracehttp.WithEndpointURL(cfg.URL))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("export of traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		cfg.Logger.Warn("traces cannot be exported", "error", err)
	}))
	return New(cfg.Version, trace.WithBatcher(exporter))
}

// New makes spans of this program for a processor of spans.
func New(version string, processing ...trace.TracerProviderOption) (*Traces, error) {
	// Not resource.Default, which tells the command line.
	described, err := resource.New(context.Background(), resource.WithSchemaURL(semconv.SchemaURL), resource.WithFromEnv(), resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName("importledger"), semconv.ServiceVersion(version)))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describe this program to traces: %w", err)
	}
	provider := trace.NewTracerProvider(append(processing, trace.WithResource(described))...)
	return &Traces{provider: provider, tracer: provider.Tracer("importledger")}, nil
}

// Provider is for those who make spans by themselves; nil where nobody looks.
func (t *Traces) Provider() api.TracerProvider {
	if t.provider == nil {
		return nil
	}
	return t.provider
}

const flushFor = 5 * time.Second

// Close sends what is still to be sent.
func (t *Traces) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, flushFor)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// Continue begins a span that goes on with a trace from a recorded event, and gives
// the traceparent that what is recorded in it carries: empty where nobody looks.
func (t *Traces) Continue(ctx context.Context, traceParent, name string) (_ context.Context, carried string, end func(error)) {
	if t.provider == nil {
		return ctx, "", func(error) {}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceParent})
	ctx, span := t.tracer.Start(ctx, name)
	if !span.SpanContext().IsSampled() {
		return ctx, "", ender(span)
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return ctx, carrier["traceparent"], ender(span)
}

// Projected begins the span of a read model's transaction, linked to the traces
// that its events come from: they are many, so that it is part of none.
func (t *Traces) Projected(ctx context.Context, p projections.Transaction) (context.Context, func(error)) {
	if t.provider == nil {
		return ctx, func(error) {}
	}
	var links []api.Link
	for _, from := range p.TraceParents() {
		parent := api.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": from}))
		if parent.IsValid() {
			links = append(links, api.Link{SpanContext: parent})
		}
	}
	ctx, span := t.tracer.Start(ctx, "project "+p.Model, api.WithNewRoot(), api.WithLinks(links...),
		api.WithAttributes(attribute.Int("importledger.events", p.Events), attribute.String("importledger.position", p.Until.String())))
	return ctx, ender(span)
}

// ender ends a span. Errors' texts may hold what a person wrote, so that it only
// tells that there was one.
func ender(span api.Span) func(error) {
	return func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
