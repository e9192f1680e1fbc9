package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
)

// meters count what happens in this process.
type meters struct {
	deliveries *prometheus.CounterVec
	runs       *prometheus.HistogramVec
	waits      *prometheus.HistogramVec
	effects    *prometheus.CounterVec
	pollLag    prometheus.Histogram
	clock      app.Clock
}

// effectOf names the effects on GitHub among the kinds of entries.
var effectOf = map[string]string{
	rfc.PublishKind: "comments", rfc.CheckKind: "check", rfc.ConfigCheckKind: "config_check", command.AnswerKind: "answer",
}

// newMeters registers what this process counts, and what the store is asked for when
// it is scraped.
func newMeters(metrics prometheus.Registerer, db *store.Store, clock app.Clock) (*meters, error) {
	seconds := prometheus.ExponentialBuckets(0.001, 4, 9) // to a minute
	m := &meters{
		clock: clock,
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agora_deliveries_total", Help: "Webhook deliveries at the door, by event and outcome.",
		}, []string{"event", "outcome"}),
		runs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "agora_entry_duration_seconds", Help: "How long runs of queue entries took, by kind and outcome.", Buckets: seconds,
		}, []string{"kind", "outcome"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "agora_entry_wait_seconds", Help: "How long queue entries waited for their first run, by kind.", Buckets: seconds,
		}, []string{"kind"}),
		effects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agora_effect_attempts_total", Help: "Attempts to make GitHub show what is true, by effect and outcome.",
		}, []string{"effect", "outcome"}),
		pollLag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "agora_poll_lag_seconds", Help: "How late RFCs were looked at that were due: their reactions and deadlines.", Buckets: seconds,
		}),
	}
	for _, c := range []prometheus.Collector{m.deliveries, m.runs, m.waits, m.effects, m.pollLag, &queueCollector{db}, &sealCollector{db}} {
		if err := metrics.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

// delivered is told what became of a delivery at the door.
func (m *meters) delivered(event, outcome string) { m.deliveries.WithLabelValues(event, outcome).Inc() }

// ran is told how a run of an entry ended.
func (m *meters) ran(kind, outcome string, took time.Duration) {
	m.runs.WithLabelValues(kind, outcome).Observe(took.Seconds())
	if effect := effectOf[kind]; effect != "" {
		m.effects.WithLabelValues(effect, outcome).Inc()
	}
}

// timed has the handlers tell how long their entries waited.
func (m *meters) timed(handlers map[string]worker.Handler) map[string]worker.Handler {
	timed := make(map[string]worker.Handler, len(handlers))
	for kind, handle := range handlers {
		timed[kind] = func(ctx context.Context, e app.Entry) error {
			if e.Attempts == 0 {
				waited := max(0, m.clock().Sub(e.EnqueuedAt)).Seconds()
				m.waits.WithLabelValues(kind).Observe(waited)
				if kind == rfc.TickKind {
					m.pollLag.Observe(waited)
				}
			}
			return handle(ctx, e)
		}
	}
	return timed
}

// queueCollector asks the store when it is scraped.
type queueCollector struct{ db *store.Store }

var (
	databaseUp   = prometheus.NewDesc("agora_database_up", "Whether the database answers: 1 or 0. While it does not, what is asked of it is left out.", nil, nil)
	queueDepth   = prometheus.NewDesc("agora_queue_entries", "Queue entries by state.", []string{"state"}, nil)
	queueOldest  = prometheus.NewDesc("agora_queue_oldest_pending_seconds", "Age of the oldest entry that waits, also for a later try.", nil, nil)
	queueTimers  = prometheus.NewDesc("agora_queue_timers", "Timers that are set.", nil, nil)
	lanesByState = prometheus.NewDesc("agora_lanes", "Lanes with entries, by state: ready for a worker, leased by one, waiting for a later try.", []string{"state"}, nil)
	laneDeepest  = prometheus.NewDesc("agora_lane_deepest_entries", "Entries in the fullest lane.", nil, nil)
	laneOldest   = prometheus.NewDesc("agora_lane_oldest_ready_seconds", "How long the oldest ready lane has waited for a worker.", nil, nil)
	timerOverdue = prometheus.NewDesc("agora_timer_overdue_seconds", "How late the next timer is.", nil, nil)
	rfcsByState  = prometheus.NewDesc("agora_rfcs", "RFCs by state: what was decided, and what is still open.", []string{"state"}, nil)
)

// Describe names the metrics.
func (c *queueCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseUp, queueDepth, queueOldest, queueTimers, lanesByState, laneDeepest, laneOldest, timerOverdue, rfcsByState} {
		out <- d
	}
}

// Collect reads the queue; a database that does not answer yields no figures.
func (c *queueCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	stats, err := c.db.QueueStats(ctx)
	if err != nil {
		gauge(databaseUp, 0)
		out <- prometheus.NewInvalidMetric(queueDepth, err)
		return
	}
	gauge(databaseUp, 1)
	for state, n := range stats.Depth {
		gauge(queueDepth, float64(n), state)
	}
	gauge(queueOldest, stats.OldestPending.Seconds())
	gauge(queueTimers, float64(stats.Timers))
	lanes, err := c.db.LaneStats(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(lanesByState, err)
		return
	}
	gauge(lanesByState, float64(lanes.Ready), "ready")
	gauge(lanesByState, float64(lanes.Leased), "leased")
	gauge(lanesByState, float64(lanes.Waiting), "waiting")
	gauge(laneDeepest, float64(lanes.Deepest))
	gauge(laneOldest, lanes.OldestReady.Seconds())
	gauge(timerOverdue, lanes.TimerOverdue.Seconds())
	states, err := c.db.RFCStates(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(rfcsByState, err)
		return
	}
	for state, n := range states {
		gauge(rfcsByState, float64(n), state)
	}
}
