package api

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced begins a request's span, as a part of the client's trace where it sent
// one. What the request causes carries the span on. Paths and queries are no part
// of it: they can hold an address.
func (a *API) traced(r *http.Request, known *request) (*http.Request, trace.Span) {
	if a.tracer == nil {
		return r, trace.SpanFromContext(context.Background()) //nolint:contextcheck // that nothing is in is the point: no span
	}
	// Without tracestate, in which a client can write anything.
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.MapCarrier{"traceparent": r.Header.Get("Traceparent")})
	ctx, span := a.tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", methodOf(r)), attribute.String("importledger.request", known.id)))
	if span.SpanContext().IsSampled() {
		carrier := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(ctx, carrier)
		known.trace = carrier["traceparent"]
	}
	return r.WithContext(ctx), span
}

// endTrace names a span by its route, which is known once it was served.
func endTrace(span trace.Span, method, route string, status int) {
	span.SetName(method + " " + route)
	span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
