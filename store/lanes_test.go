package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/agora-rfc/agora/store"
)

// Lanes are named for what they serve, so there would be ever more of them.
func TestIdleLanesAreDropped(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		for _, lane := range []string{"done", "waits", "held"} {
			receive(t, s, lane, "", "")
		}
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.SetTimer(ctx, "later", clock.now().Add(time.Hour), "timed", "k", nil)
		}))
		lease, err := s.ClaimLane(t.Context(), time.Minute)
		must(t, err)
		entry, err := s.Head(t.Context(), *lease)
		must(t, err)
		must(t, s.Finish(t.Context(), *lease, entry.ID))
		drop := func(when string, want int64) {
			t.Helper()
			if n, err := s.DropIdleLanes(t.Context()); err != nil || n != want {
				t.Errorf("%s %d were dropped, want %d: %v", when, n, want, err)
			}
		}
		drop("while one is held", 0)
		must(t, s.Release(t.Context(), *lease))
		drop("when one is empty", 1)
		drop("then", 0)
		receive(t, s, lease.Lane, "", "")
		clock.advance(2 * time.Hour)
		if fired, _, err := s.FireTimers(t.Context(), 10); err != nil || fired != 1 {
			t.Errorf("fired %d: %v", fired, err)
		}
		for range 4 {
			if lease, err := s.ClaimLane(t.Context(), time.Minute); err != nil || lease == nil {
				t.Errorf("claimed %v: %v", lease, err)
			}
		}
	})
}
