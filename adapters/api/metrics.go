package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"importledger/projections"
)

// Metrics are the process's Prometheus metrics: of requests, of the Go runtime,
// and those that other parts hand in.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

// NewMetrics makes a registry; two collectors of one metric are an error.
func NewMetrics(parts ...prometheus.Collector) (*Metrics, error) {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "importledger_http_request_duration_seconds",
			Help:    "Time from a request's head to the end of its answer, by route.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"method", "route", "status"}),
	}
	parts = append(parts, m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, p := range parts {
		if err := m.registry.Register(p); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *Metrics) observe(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// handler serves what can be known: while Postgres or the log is away the metrics
// of the rest are what an operator needs.
func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second, ErrorHandling: promhttp.ContinueOnError})
}

var (
	lagMetric     = prometheus.NewDesc("importledger_projection_lag_events", "Events of the log that a read model does not have yet.", []string{"projection"}, nil)
	importsMetric = prometheus.NewDesc("importledger_imports", "Imports of the ledger, by state and type.", []string{"state", "type"}, nil)
)

// standings tells Prometheus how the read models stand and what they hold. It asks
// when it is asked, and leaves away what cannot be known at the moment.
type standings struct{ *API }

// Describe implements prometheus.Collector.
func (s standings) Describe(out chan<- *prometheus.Desc) {
	out <- lagMetric
	out <- importsMetric
}

// Collect implements prometheus.Collector.
func (s standings) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), checkFor)
	defer cancel()
	if all, end, err := s.standing(ctx); err == nil {
		for _, one := range all {
			out <- prometheus.MustNewConstMetric(lagMetric, prometheus.GaugeValue, float64(end.lag(one)), one.Name)
		}
	}
	if counts, err := projections.ImportCounts(ctx, s.db); err == nil {
		for _, c := range counts {
			out <- prometheus.MustNewConstMetric(importsMetric, prometheus.GaugeValue, float64(c.Imports), string(c.State), string(c.Type))
		}
	}
}
