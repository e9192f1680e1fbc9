package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
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

// A publication has its lane and then wants the RFC; a vote has the RFC and then brings
// its effects to that lane. Neither waits for the other in a circle.
func TestWhoWorksInALaneHoldsUpNobodyWhoBringsWork(t *testing.T) {
	t.Parallel()
	leaseClock := newTestClock()
	s := storetest.Open(t, storetest.Postgres(t), store.Options{LeaseClock: leaseClock.now})
	repository := app.Repository{ID: 9, Name: "rfcs"}
	inTx(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveRepository(ctx, repository) })
	receive(t, s, "effects", "", "publish")
	lease := claim(t, s)
	began, brought := make(chan struct{}), make(chan struct{})
	var worked, voted atomic.Int64
	var both sync.WaitGroup
	both.Go(func() {
		err := s.InTx(app.WithLease(t.Context(), lease), func(ctx context.Context, tx *store.Tx) error {
			if worked.Add(1) > 1 {
				return nil // in the place of another that lost
			}
			close(began)
			<-brought
			soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := s.Head(soon, lease); err == nil {
				t.Error("the next entry was begun beside a transaction of the one before")
			}
			leaseClock.advance(2 * time.Minute)
			if n, err := s.RescueLanes(context.WithoutCancel(t.Context())); n != 0 || err != nil {
				t.Errorf("%d lanes were taken from who worked in them: %v", n, err)
			}
			return tx.SaveRepository(ctx, repository)
		})
		if err != nil {
			t.Errorf("working in the lane: %v", err)
		}
	})
	<-began
	both.Go(func() {
		err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if voted.Add(1) > 1 {
				return nil
			}
			defer close(brought)
			return errors.Join(tx.SaveRepository(ctx, repository), tx.Enqueue(ctx, "effects", "answer", "", nil),
				tx.SetTimer(ctx, "publish", time.Now(), "effects", "publish", nil))
		})
		if err != nil {
			t.Errorf("bringing work to the lane: %v", err)
		}
	})
	both.Wait()
	if worked.Load() != 1 || voted.Load() != 1 {
		t.Errorf("the work ran %d times and what brought more %d times, want once each", worked.Load(), voted.Load())
	}
	receive(t, s, "effects", "", "more")
	if n, err := s.RescueLanes(t.Context()); n != 1 || err != nil {
		t.Errorf("%d lanes were taken over afterwards: %v", n, err)
	}
}
