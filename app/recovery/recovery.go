// Package recovery finds what GitHub sent and Agora did not keep. GitHub never
// sends a failed delivery again by itself, but it lists what it sent: what the
// inbox lacks is asked for again when it is little, and read anew from the
// repositories when it is much, or too long ago to be listed.
package recovery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
)

// Kind is the kind of the queue entry that recovers, Lane its lane: one at a time,
// over all replicas.
const (
	Kind = "recovery"
	Lane = "recovery"
)

const (
	// every is the pause between two recoveries.
	every = time.Hour
	// window is how long GitHub lists its deliveries.
	window = 3 * 24 * time.Hour
	// overlap is how far a recovery reaches back beyond the last one: deliveries were
	// on their way then, and clocks differ.
	overlap = 10 * time.Minute
	// most is how many deliveries are asked for again; each costs a request, and the
	// handling of each some more, while a repository is re-read by a few.
	most = 200
	// mostListed bounds what is listed, in deliveries.
	mostListed = 10_000
)

// Hook is GitHub's list of what it sent.
type Hook interface {
	// HookDeliveries gives the deliveries since an instant to page, newest first,
	// until there are no more or page wants none.
	HookDeliveries(ctx context.Context, since time.Time, page func([]app.HookDelivery) (more bool, err error)) error
	// Redeliver asks for one to be sent again.
	Redeliver(ctx context.Context, delivery int64) error
}

// Tx is what recovery needs of a transaction.
type Tx interface {
	// KnownKeys says which deliveries are in the inbox.
	KnownKeys(ctx context.Context, keys []string) (map[string]bool, error)
	// RecoveredUntil is how far the last recovery came, zero when nothing was ever
	// received.
	RecoveredUntil(ctx context.Context) (time.Time, error)
	SetRecoveredUntil(ctx context.Context, at time.Time) error
	Enqueue(ctx context.Context, lane, kind, coalesceKey string, body []byte) error
	SetTimer(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error
}

// Store runs transactions; View changes nothing.
type Store interface {
	InTx(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
	View(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
}

// Service recovers.
type Service struct {
	Store Store
	Hook  Hook
	Clock app.Clock
	// Key is the inbox's key of a delivery.
	Key func(guid string) string
	// Takes reports whether Agora keeps an event at all.
	Takes func(event string) bool
	// Reread orders everything to be read anew that may have changed since. It is
	// called in a transaction.
	Reread func(ctx context.Context, since time.Time) error
}

// Order has a recovery run now.
func Order(ctx context.Context, tx interface {
	Enqueue(ctx context.Context, lane, kind, coalesceKey string, body []byte) error
}) error {
	return tx.Enqueue(ctx, Lane, Kind, Kind, nil)
}

// Run compares GitHub's deliveries since the last time with the inbox, and mends
// what is missing. It orders the next run first, so that whatever becomes of this
// one, there is another.
func (s *Service) Run(ctx context.Context) error {
	now := s.Clock()
	err := s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.SetTimer(ctx, Kind, now.Add(every), Lane, Kind, nil)
	})
	if err != nil {
		return err
	}
	var last time.Time
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		last, err = tx.RecoveredUntil(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if last.IsZero() {
		return s.finish(ctx, now, nil) // nothing was ever received, so nothing is missing
	}
	since := last.Add(-overlap)
	if now.Sub(last) > window-overlap {
		return s.reread(ctx, now, since, "GitHub no longer lists all that it sent")
	}
	lost, all, err := s.lost(ctx, since)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeForbidden) {
		return s.reread(ctx, now, since, err.Error()) // an Enterprise Server that has no such list
	}
	if err != nil {
		return fmt.Errorf("looking for lost deliveries: %w", err)
	}
	if !all {
		return s.reread(ctx, now, since, "too many deliveries were lost to ask for each again")
	}
	for _, d := range slices.Backward(lost) { // oldest first, as they came
		if err := s.Hook.Redeliver(ctx, d.ID); err != nil && !app.Is(err, app.CodeNotFound) {
			return err
		}
	}
	if len(lost) > 0 {
		zerolog.Ctx(ctx).Warn().Int("deliveries", len(lost)).Time("since", since).Msg("asked GitHub for lost deliveries again")
	}
	return s.finish(ctx, now, nil)
}

// lost lists what the inbox lacks, newest first; all tells that it is everything.
func (s *Service) lost(ctx context.Context, since time.Time) (lost []app.HookDelivery, all bool, err error) {
	seen := map[string]bool{}
	listed := 0
	all = true
	err = s.Hook.HookDeliveries(ctx, since, func(page []app.HookDelivery) (bool, error) {
		listed += len(page)
		var candidates []app.HookDelivery
		var keys []string
		for _, d := range page {
			if seen[d.GUID] || !s.Takes(d.Event) {
				continue // the newest of several tries tells
			}
			seen[d.GUID] = true
			if d.Redelivery && d.StatusCode >= 400 && d.StatusCode < 500 {
				continue // Agora refused it twice, for what it is
			}
			candidates, keys = append(candidates, d), append(keys, s.Key(d.GUID))
		}
		var known map[string]bool
		err := s.Store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
			known, err = tx.KnownKeys(ctx, keys)
			return err
		})
		for _, d := range candidates {
			if !known[s.Key(d.GUID)] {
				lost = append(lost, d)
			}
		}
		all = len(lost) <= most && listed <= mostListed
		return all, err
	})
	return lost, all, err
}

func (s *Service) reread(ctx context.Context, now, since time.Time, why string) error {
	zerolog.Ctx(ctx).Warn().Time("since", since).Msg("re-reading every repository: " + why)
	return s.finish(ctx, now, func(ctx context.Context) error { return s.Reread(ctx, since) })
}

func (s *Service) finish(ctx context.Context, now time.Time, do func(context.Context) error) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if do != nil {
			if err := do(ctx); err != nil {
				return err
			}
		}
		return tx.SetRecoveredUntil(ctx, now)
	})
}
