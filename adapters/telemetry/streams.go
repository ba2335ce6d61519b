package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	api "go.opentelemetry.io/otel/trace"

	"importledger/aggregate"
	"importledger/events"
)

// Streams watches what is appended to the log.
type Streams struct {
	aggregate.Streams
	traces   *Traces
	appends  *prometheus.HistogramVec
	imports  *prometheus.CounterVec
	rows     *prometheus.CounterVec
	recorded *prometheus.CounterVec
}

// Watch makes Streams that do what others do, and count it.
func Watch(streams aggregate.Streams, traces *Traces) *Streams {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	s := &Streams{Streams: streams, traces: traces,
		appends: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "importledger_append_duration_seconds",
			Help: "Time of an append to the log, by how it ended.", Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5}}, []string{"outcome"}),
		imports:  counter("importledger_imports_total", "Imports that this process started or ended, by what became of them.", "outcome"),
		rows:     counter("importledger_rows_total", "Rows that this process decided, by their outcome.", "outcome"),
		recorded: counter("importledger_events_appended_total", "Events that this process appended, by their name.", "type"),
	}
	// Series that are there from the start can be told from such that nobody makes.
	for _, fact := range facts {
		fact.of(s).WithLabelValues(fact.outcome)
	}
	return s
}

// facts are the events that are counted as what they say.
var facts = map[string]struct {
	of      func(*Streams) *prometheus.CounterVec
	outcome string
}{
	"ImportStarted":   {importsOf, "started"},
	"ImportCompleted": {importsOf, "imported"},
	"ImportFailed":    {importsOf, "failed"},
	"ImportCanceled":  {importsOf, "canceled"},
	"RowAccepted":     {rowsOf, "accepted"},
	"RowRejected":     {rowsOf, "rejected"},
}

func importsOf(s *Streams) *prometheus.CounterVec { return s.imports }
func rowsOf(s *Streams) *prometheus.CounterVec    { return s.rows }

// Append implements aggregate.Streams.
func (s *Streams) Append(ctx context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error) {
	end := func(error) {}
	if s.traces.provider != nil {
		var span api.Span
		ctx, span = s.traces.tracer.Start(ctx, "append", api.WithAttributes(attribute.Int("importledger.events", len(batch))))
		end = ender(span)
	}
	began := time.Now()
	position, err := s.Streams.Append(ctx, stream, expected, batch)
	end(err)
	s.appends.WithLabelValues(outcomeOf(err)).Observe(time.Since(began).Seconds())
	if err == nil {
		s.count(batch)
	}
	return position, err
}

// count adds up first: there are thousands of rows in a batch.
func (s *Streams) count(batch []events.Proposed) {
	types := map[string]int{}
	for i := range batch {
		types[batch[i].Type]++
	}
	for name, n := range types {
		s.recorded.WithLabelValues(name).Add(float64(n))
		if fact, ok := facts[name]; ok {
			fact.of(s).WithLabelValues(fact.outcome).Add(float64(n))
		}
	}
}

func outcomeOf(err error) string {
	switch {
	case err == nil:
		return "appended"
	case errors.Is(err, aggregate.ErrOvertaken):
		return "overtaken"
	case errors.Is(err, aggregate.ErrLogUnavailable):
		return "unavailable"
	}
	return "failed"
}

// Describe implements prometheus.Collector.
func (s *Streams) Describe(out chan<- *prometheus.Desc) {
	for _, c := range s.collectors() {
		c.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (s *Streams) Collect(out chan<- prometheus.Metric) {
	for _, c := range s.collectors() {
		c.Collect(out)
	}
}

func (s *Streams) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.appends, s.imports, s.rows, s.recorded}
}
