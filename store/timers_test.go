package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/store"
	"golang.org/x/sync/errgroup"
)

func TestTimers(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		at := func(d time.Duration) time.Time { return newTestClock().now().Add(d) }
		fire := func(wantFired int, wantNext time.Time) {
			t.Helper()
			fired, next, err := s.FireTimers(t.Context(), 10)
			must(t, err)
			if fired != wantFired || !next.Equal(wantNext) {
				t.Fatalf("fired %d, next %v; want %d, %v", fired, next, wantFired, wantNext)
			}
		}
		fire(0, time.Time{})
		inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				tx.SetTimer(ctx, "deadline", at(time.Hour), "a", "deadline", []byte("1")),
				tx.SetTimerEarlier(ctx, "deadline", at(2*time.Hour), "a", "deadline", []byte("later")),
				tx.SetTimer(ctx, "poll", at(3*time.Hour), "a", "poll", nil),
				tx.SetTimerEarlier(ctx, "poll", at(time.Minute), "a", "poll", nil),
				tx.SetTimer(ctx, "cancelled", at(time.Minute), "c", "never", nil),
				tx.CancelTimer(ctx, "cancelled"),
				tx.CancelTimer(ctx, "unknown"))
		})
		fire(0, at(time.Minute))
		noClaim(t, s)
		clock.advance(time.Minute)
		fire(1, at(time.Hour))
		inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetTimer(ctx, "deadline", at(2*time.Hour), "b", "deadline", []byte("2"))
		})
		fire(0, at(2*time.Hour))
		clock.advance(24 * time.Hour)
		fire(1, time.Time{})
		lease := claim(t, s)
		if entry := head(t, s, lease); lease.Lane != "a" || entry.Kind != "poll" {
			t.Errorf("first came %s in lane %s", entry.Kind, lease.Lane)
		}
		lease = claim(t, s)
		if entry := head(t, s, lease); lease.Lane != "b" || entry.Kind != "deadline" || string(entry.Body) != "2" {
			t.Errorf("then came %s %q in lane %s", entry.Kind, entry.Body, lease.Lane)
		}
	})
}

func TestTimersFireOnceWithTwoFirers(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		const timers = 40
		inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i := range timers {
				if err := tx.SetTimer(ctx, fmt.Sprint("t", i), clock.now(), fmt.Sprint("lane", i%5), "kind", nil); err != nil {
					return err
				}
			}
			return nil
		})
		var fired atomic.Int64
		group, ctx := errgroup.WithContext(t.Context())
		for range 2 {
			group.Go(func() error {
				n, _, err := s.FireTimers(ctx, timers)
				fired.Add(int64(n))
				return err
			})
		}
		must(t, group.Wait())
		stats, err := s.QueueStats(t.Context())
		must(t, err)
		if fired.Load() != timers || stats.Depth["pending"] != timers || stats.Timers != 0 {
			t.Errorf("fired %d, queued %d, left %d of %d", fired.Load(), stats.Depth["pending"], stats.Timers, timers)
		}
	})
}

// TestDeadlineMeetsRefresh has a transaction that resets a timer and feeds a
// second lane meet the firing of that timer. They take their locks in one order.
func TestDeadlineMeetsRefresh(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		group, ctx := errgroup.WithContext(t.Context())
		group.Go(func() error {
			for range 50 {
				err := s.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
					return errors.Join(tx.Enqueue(ctx, "a", "refresh", "", nil),
						tx.SetTimer(ctx, "deadline", clock.now(), "a/effects", "render", nil),
						tx.Enqueue(ctx, "a/effects", "render", "", nil),
						tx.CancelTimer(ctx, "deadline"),
						tx.SetTimer(ctx, "deadline", clock.now(), "a/effects", "render", nil))
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		group.Go(func() error {
			for range 50 {
				if _, _, err := s.FireTimers(ctx, 10); err != nil {
					return err
				}
			}
			return nil
		})
		must(t, group.Wait())
	})
}
