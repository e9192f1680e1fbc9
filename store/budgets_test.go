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

// replicas opens one database several times, on one clock set by hand.
func replicas(t *testing.T, url string, n int) (all []*store.Store, advance func(time.Duration)) {
	t.Helper()
	var micros atomic.Int64
	micros.Store(time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	for range n {
		all = append(all, storetest.Open(t, url, store.Options{Clock: func() time.Time { return time.UnixMicro(micros.Load()).UTC() }}))
	}
	return all, func(d time.Duration) { micros.Add(d.Microseconds()) }
}

func TestABudgetIsSharedByAllReplicas(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		all, advance := replicas(t, url, 2)
		writes := app.Budget{Installation: 5, Kind: "writes", Every: time.Second, Burst: 20}
		take := func(want int) int {
			var taken atomic.Int64
			var done sync.WaitGroup
			for i := range 16 {
				done.Go(func() {
					n, wait, err := all[i%2].Reserve(t.Context(), writes, want, 0)
					if err != nil || n == 0 && wait <= 0 {
						t.Errorf("took %d, wait %v: %v", n, wait, err)
					}
					taken.Add(int64(n))
				})
			}
			done.Wait()
			return int(taken.Load())
		}
		if got := take(5); got != 20 {
			t.Errorf("%d of a burst of 20 were taken", got)
		}
		advance(7 * time.Second)
		if got := take(3); got != 7 {
			t.Errorf("%d came back in seven seconds", got)
		}
		advance(24 * time.Hour)
		if got := take(5); got != 20 {
			t.Errorf("%d of a burst of 20 after a day", got)
		}
		// Who is patient takes the next one, and waits for it.
		n, wait, err := all[0].Reserve(t.Context(), writes, 5, 10*time.Second)
		if n != 1 || wait != time.Second || err != nil {
			t.Errorf("took %d, to wait %v: %v", n, wait, err)
		}
		n, wait, err = all[1].Reserve(t.Context(), writes, 5, 10*time.Second)
		if n != 1 || wait != 2*time.Second || err != nil {
			t.Errorf("then took %d, to wait %v: %v", n, wait, err)
		}
		writes.Installation = 6
		if got := take(2); got != 20 {
			t.Errorf("another installation got %d", got)
		}
	})
}

func TestAPauseIsSeenByAllReplicas(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		all, _ := replicas(t, url, 2)
		until := time.Date(2026, 10, 1, 13, 0, 0, 0, time.UTC)
		for _, at := range []time.Time{until, until.Add(-time.Minute)} { // a shorter one does not shorten it
			if err := all[0].Pause(t.Context(), 5, at); err != nil {
				t.Fatal(err)
			}
		}
		if found, err := all[1].Standing(t.Context(), 5); found != (app.Standing{PausedUntil: until}) || err != nil {
			t.Errorf("it stands as %v: %v", found, err)
		}
		if found, err := all[1].Standing(t.Context(), 6); found != (app.Standing{}) || err != nil {
			t.Errorf("another stands as %v: %v", found, err)
		}
	})
}

func TestWhatWaitedForASuspendedInstallationGoesOnWhenItIsBack(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		all, advance := replicas(t, url, 1)
		s := all[0]
		acme := app.Account{ID: 1, Login: "acme"}
		save := func(installation app.Installation) {
			t.Helper()
			err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(tx.SaveInstallation(ctx, installation),
					tx.SaveRepository(ctx, app.Repository{ID: 9, Owner: acme, Name: "app", Installation: installation.ID}))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		save(app.Installation{ID: 5, Account: acme})
		for _, lane := range []string{"issue/9/7", "issue/9/7/effects", "repository/9", "issue/99/7"} {
			if _, err := s.Receive(t.Context(), app.Entry{Lane: lane, Kind: "work"}); err != nil {
				t.Fatal(err)
			}
			lease, err := s.ClaimLane(t.Context(), time.Minute)
			if err != nil || lease == nil {
				t.Fatalf("claiming %s: %v", lane, err)
			}
			entry, err := s.Head(t.Context(), *lease)
			if err != nil {
				t.Fatal(err)
			}
			later := entry.EnqueuedAt.Add(time.Hour)
			if err := errors.Join(s.Postpone(t.Context(), *lease, entry.ID, later, errors.New("suspended")), s.Release(t.Context(), *lease)); err != nil {
				t.Fatal(err)
			}
		}
		save(app.Installation{ID: 5, Account: acme, Suspended: true})
		advance(time.Minute)
		if found, err := s.Standing(t.Context(), 5); found.StoppedUntil.IsZero() || err != nil {
			t.Fatalf("it stands as %v: %v", found, err)
		}
		if lease, err := s.ClaimLane(t.Context(), time.Minute); lease != nil || err != nil {
			t.Fatalf("while suspended, %v is claimed: %v", lease, err)
		}
		save(app.Installation{ID: 5, Account: acme})
		if found, err := s.Standing(t.Context(), 5); !found.StoppedUntil.IsZero() || err != nil {
			t.Errorf("it stands as %v: %v", found, err)
		}
		claimed := map[string]bool{}
		for {
			lease, err := s.ClaimLane(t.Context(), time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if lease == nil {
				break
			}
			if head, err := s.Head(t.Context(), *lease); head == nil || err != nil {
				t.Errorf("%s has no head: %v", lease.Lane, err)
			}
			claimed[lease.Lane] = true
		}
		if len(claimed) != 3 || claimed["issue/99/7"] {
			t.Errorf("what goes on: %v", claimed)
		}
	})
}
