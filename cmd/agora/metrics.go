package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agora-rfc/agora/store"
)

// queueMetrics registers what the queue is measured by and returns the worker's
// observer.
func queueMetrics(metrics prometheus.Registerer, db *store.Store) (func(kind, outcome string, took time.Duration), error) {
	runs := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "agora_entry_duration_seconds", Help: "How long runs of queue entries took, by kind and outcome.",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
	}, []string{"kind", "outcome"})
	for _, c := range []prometheus.Collector{runs, &queueCollector{db}, &sealCollector{db}} {
		if err := metrics.Register(c); err != nil {
			return nil, fmt.Errorf("registering the queue's metrics: %w", err)
		}
	}
	return func(kind, outcome string, took time.Duration) {
		runs.WithLabelValues(kind, outcome).Observe(took.Seconds())
	}, nil
}

// queueCollector asks the store when it is scraped.
type queueCollector struct{ db *store.Store }

var (
	queueDepth  = prometheus.NewDesc("agora_queue_entries", "Queue entries by state.", []string{"state"}, nil)
	queueOldest = prometheus.NewDesc("agora_queue_oldest_pending_seconds", "Age of the oldest entry that waits.", nil, nil)
)

// Describe names the metrics.
func (c *queueCollector) Describe(out chan<- *prometheus.Desc) {
	out <- queueDepth
	out <- queueOldest
}

// Collect reads the queue; a database that does not answer yields no figures.
func (c *queueCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	stats, err := c.db.QueueStats(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(queueDepth, err)
		return
	}
	for state, n := range stats.Depth {
		out <- prometheus.MustNewConstMetric(queueDepth, prometheus.GaugeValue, float64(n), state)
	}
	out <- prometheus.MustNewConstMetric(queueOldest, prometheus.GaugeValue, stats.OldestPending.Seconds())
}
