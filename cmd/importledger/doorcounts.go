package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"importledger/adapters/connectors"
)

// doorCounts are what is counted of the doors of this process, by protocol.
type doorCounts struct {
	connections, logins, files, bytes *prometheus.CounterVec
	handshakes, sessions              *prometheus.GaugeVec
}

func newDoorCounts() *doorCounts {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"protocol"}, labels...))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"protocol"})
	}
	c := &doorCounts{
		connections: counter("importledger_door_connections_total", "Connections that came to a door for files."),
		handshakes:  gauge("importledger_door_handshakes", "Connections that have not shown yet who they are."),
		logins:      counter("importledger_door_logins_total", "Logins at a door for files, by their outcome.", "outcome"),
		sessions:    gauge("importledger_door_sessions", "Sessions that are open."),
		files:       counter("importledger_door_files_total", "Files that came in: closed by their client (received), or broken off or refused (broken).", "outcome"),
		bytes:       counter("importledger_door_received_bytes_total", "Bytes of files that came in."),
	}
	for _, protocol := range []string{connectors.SFTP, connectors.FTPS} { // series that are there from the start
		c.of(protocol)
	}
	return c
}

// doorCount is what is counted of one door.
type doorCount struct {
	connections, entered, refused, received, broken, bytes prometheus.Counter
	handshakes, sessions                                   prometheus.Gauge
}

func (c *doorCounts) of(protocol string) doorCount {
	return doorCount{
		connections: c.connections.WithLabelValues(protocol), handshakes: c.handshakes.WithLabelValues(protocol),
		entered: c.logins.WithLabelValues(protocol, "entered"), refused: c.logins.WithLabelValues(protocol, "refused"),
		sessions: c.sessions.WithLabelValues(protocol), bytes: c.bytes.WithLabelValues(protocol),
		received: c.files.WithLabelValues(protocol, "received"), broken: c.files.WithLabelValues(protocol, "broken"),
	}
}

// collectors are what the doors tell Prometheus.
func (d *doors) collectors() []prometheus.Collector {
	c := d.counts
	return []prometheus.Collector{c.connections, c.handshakes, c.logins, c.sessions, c.files, c.bytes, waitingFiles{d.connectors}}
}

var filesWaiting = prometheus.NewDesc("importledger_door_files_waiting", "Files of connectors that are closed and not imported yet, of all processes together.", nil, nil)

// waitingFiles asks when it is asked.
type waitingFiles struct{ *connectors.Connectors }

func (w waitingFiles) Describe(out chan<- *prometheus.Desc) { out <- filesWaiting }

func (w waitingFiles) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	count, err := w.Waiting(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(filesWaiting, err)
		return
	}
	out <- prometheus.MustNewConstMetric(filesWaiting, prometheus.GaugeValue, float64(count))
}
