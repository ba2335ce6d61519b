package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"importledger/projections"
)

// collectors are what the ledger tells Prometheus.
func (l *ledger) collectors() []prometheus.Collector {
	return []prometheus.Collector{readModelCollector{l}, l.streams}
}

var (
	modelApplied = prometheus.NewDesc("importledger_projection_events_applied_total", "Events in a read model's tables.", []string{"projection"}, nil)
	modelRate    = prometheus.NewDesc("importledger_projection_events_per_second", "Events applied per second, lately, by whichever process projects.", []string{"projection"}, nil)
	modelStopped = prometheus.NewDesc("importledger_projection_stopped", "1 while a read model is stopped by an event that it cannot apply.", []string{"projection"}, nil)
	projectsHere = prometheus.NewDesc("importledger_projection_owner", "1 while this process is the one that projects.", nil, nil)
	feedCurrent  = prometheus.NewDesc("importledger_projection_feed_current", "1 while the projectors have all that is in the log; of the process that projects.", nil, nil)
	dbInUse      = prometheus.NewDesc("importledger_database_connections_in_use", "Connections of the pool that are in use.", nil, nil)
	dbOpen       = prometheus.NewDesc("importledger_database_connections_open", "Connections of the pool.", nil, nil)
)

// readModelCollector asks when it is asked.
type readModelCollector struct{ *ledger }

func (c readModelCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{modelApplied, modelRate, modelStopped, projectsHere, feedCurrent, dbInUse, dbOpen} {
		out <- d
	}
}

func (c readModelCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	stat := c.pool.Stat()
	gauge(dbInUse, float64(stat.AcquiredConns()))
	gauge(dbOpen, float64(stat.TotalConns()))
	feed := c.projecting.feed.Load()
	gauge(projectsHere, oneIf(feed != nil))
	if feed != nil {
		gauge(feedCurrent, oneIf(feed.State().CaughtUp))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	all, err := c.projecting.projector.Status(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(modelApplied, err)
		return
	}
	for _, s := range all {
		out <- prometheus.MustNewConstMetric(modelApplied, prometheus.CounterValue, float64(s.Applied), s.Name)
		gauge(modelRate, s.EventsPerSecond, s.Name)
		gauge(modelStopped, oneIf(s.State == projections.StateStopped), s.Name)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
