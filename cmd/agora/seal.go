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

// orderSeals has the audit trail sealed by the queue until ctx ends.
func (a *application) orderSeals(ctx context.Context) {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	for {
		if err := a.orderSeal(ctx); err != nil && ctx.Err() == nil {
			a.logger.Warn().Err(err).Msg("ordering the audit trail to be sealed")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

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
