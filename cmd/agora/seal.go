package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/store"
)

// sealEvery is how often a replica looks for entries of the audit trail that are
// not sealed. It only looks: who appended them has no part in it, and may be dead.
const sealEvery = time.Second

// repeat does something now and then, until ctx ends. What fails is done the next time.
func (a *application) repeat(ctx context.Context, every time.Duration, doing string, do func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			a.logger.Warn().Err(err).Msg(doing)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// orderSeal has the audit trail sealed by the queue.
func (a *application) orderSeal(ctx context.Context) error {
	unsealed, _, err := a.store.SealLag(ctx)
	if err != nil || unsealed == 0 {
		return err
	}
	return a.store.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.Enqueue(ctx, audit.SealLane, audit.SealKind, audit.SealKind, nil)
	})
}

// seal runs alone in its lane, on however many replicas there are.
func (a *application) seal(ctx context.Context, _ app.Entry) error {
	_, err := a.store.SealAudit(ctx)
	return err
}

// sealCollector asks the store when it is scraped.
type sealCollector struct{ db *store.Store }

var (
	sealLag      = prometheus.NewDesc("agora_audit_seal_lag_seconds", "Age of the oldest entry of the audit trail that is not sealed.", nil, nil)
	sealUnsealed = prometheus.NewDesc("agora_audit_unsealed_entries", "Entries of the audit trail that are not sealed.", nil, nil)
)

// Describe names the metrics.
func (c *sealCollector) Describe(out chan<- *prometheus.Desc) {
	out <- sealLag
	out <- sealUnsealed
}

// Collect reads the trail; a database that does not answer yields no figures.
func (c *sealCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	unsealed, oldest, err := c.db.SealLag(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(sealLag, fmt.Errorf("measuring the audit trail: %w", err))
		return
	}
	out <- prometheus.MustNewConstMetric(sealLag, prometheus.GaugeValue, oldest.Seconds())
	out <- prometheus.MustNewConstMetric(sealUnsealed, prometheus.GaugeValue, float64(unsealed))
}
