package main

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collected is what a collector of traces was sent.
type collected struct {
	mu    sync.Mutex
	raw   []byte
	spans []*trace.Span
}

// collectTraces starts a collector and gives the setting that names it.
func collectTraces(t *testing.T) (*collected, string) {
	t.Helper()
	c := &collected{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		request := &collector.ExportTraceServiceRequest{}
		if err == nil {
			err = proto.Unmarshal(body, request)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw = append(c.raw, body...)
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	return c, "IMPORTLEDGER_TRACES_URL=" + server.URL + "/v1/traces"
}

func (c *collected) named(name string) []*trace.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.spans), func(s *trace.Span) bool { return s.Name != name })
}

// A trace goes from the upload over the worker's appends to the read models, which
// link back to it.
func TestATraceGoesFromTheUploadToTheReadModels(t *testing.T) {
	t.Parallel()
	spans, setting := collectTraces(t)
	s := serveHere(t, setting)
	const client = "0af7651916cd43dd8448eb211c80319c"
	r := s.upload("contacts.csv", contractFile, map[string]string{"mapping": strings.TrimPrefix(mapAll, `"mapping":`)})
	r.Header.Set("Traceparent", "00-"+client+"-b7ad6b7169203331-01")
	var created struct{ ID string }
	s.send(r).is(http.StatusCreated).into(&created)
	s.ended(created.ID)
	if err := s.server.ledger.traces.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	uploads, worked := spans.named("POST /people/imports"), spans.named("import rows")
	if len(uploads) != 1 || len(worked) != 1 {
		t.Fatalf("%d uploads, %d times rows", len(uploads), len(worked))
	}
	upload, rows := uploads[0], worked[0]
	if hex.EncodeToString(upload.TraceId) != client || hex.EncodeToString(upload.ParentSpanId) != "b7ad6b7169203331" || upload.Kind != trace.Span_SPAN_KIND_SERVER {
		t.Errorf("the upload is not a part of the client's trace: %v", upload)
	}
	if string(rows.TraceId) != string(upload.TraceId) || string(rows.ParentSpanId) != string(upload.SpanId) {
		t.Errorf("the rows do not follow from the upload: %v", rows)
	}
	parents := map[string]bool{}
	for _, one := range spans.named("append") {
		if string(one.TraceId) == string(upload.TraceId) {
			parents[string(one.ParentSpanId)] = true
		}
	}
	if !parents[string(upload.SpanId)] || !parents[string(rows.SpanId)] {
		t.Error("the log's appends are not parts of the upload and of the rows")
	}
	for _, model := range []string{"imports_list", "contact_state", "segment_members", "error_report"} {
		linked := map[string]bool{}
		for _, one := range spans.named("project " + model) {
			for _, link := range one.Links {
				if string(link.TraceId) == string(upload.TraceId) {
					linked[string(link.SpanId)] = true
				}
			}
		}
		if !linked[string(upload.SpanId)] || !linked[string(rows.SpanId)] {
			t.Errorf("%s does not link to what it was projected from: %d spans", model, len(spans.named("project "+model)))
		}
	}
}

// Without a collector nothing is traced, and a client's trace still goes with what
// it causes.
func TestWithoutACollectorTheClientsTraceIsKept(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r := s.upload("contacts.csv", contractFile, nil)
	r.Header.Set("Traceparent", parent)
	var created struct{ ID string }
	s.send(r).is(http.StatusCreated).into(&created)
	for recorded, err := range s.server.ledger.log.Read(t.Context(), "import-"+created.ID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(recorded.Metadata), parent) {
			t.Errorf("%s", recorded.Metadata)
		}
	}
}
