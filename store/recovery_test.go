package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/recovery"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

func TestTheInboxSaysWhatItKnows(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		all, advance := replicas(t, url, 1)
		s := all[0]
		until := func() (at time.Time) {
			t.Helper()
			err := s.Recovery().View(t.Context(), func(ctx context.Context, tx recovery.Tx) (err error) {
				at, err = tx.RecoveredUntil(ctx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		if at := until(); !at.IsZero() {
			t.Errorf("an empty inbox was compared until %v", at)
		}
		for i := range 3 {
			if _, err := s.Receive(t.Context(), app.Entry{Lane: "a", Kind: "work", DedupKey: fmt.Sprint("github/", i)}); err != nil {
				t.Fatal(err)
			}
			advance(time.Minute)
		}
		err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.Enqueue(ctx, "b", "own", "", nil) })
		if err != nil {
			t.Fatal(err)
		}
		newest := time.Date(2026, 10, 1, 12, 2, 0, 0, time.UTC)
		if at := until(); !at.Equal(newest) {
			t.Errorf("the newest delivery came at %v, want %v", at, newest)
		}
		err = s.Recovery().InTx(t.Context(), func(ctx context.Context, tx recovery.Tx) error {
			known, err := tx.KnownKeys(ctx, []string{"github/0", "github/7", "github/2", "'; DROP TABLE deliveries; --"})
			if err == nil && (len(known) != 2 || !known["github/0"] || !known["github/2"]) {
				t.Errorf("known: %v", known)
			}
			if none, err := tx.KnownKeys(ctx, nil); len(none) != 0 || err != nil {
				t.Errorf("of none %v are known: %v", none, err)
			}
			if err != nil {
				return err
			}
			return tx.SetRecoveredUntil(ctx, newest.Add(time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		if at := until(); !at.Equal(newest.Add(time.Hour)) {
			t.Errorf("compared until %v", at)
		}
	})
}

func TestLanesAreCounted(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		all, advance := replicas(t, url, 1)
		s := all[0]
		if stats, err := s.LaneStats(t.Context()); err != nil || stats != (store.LaneStats{}) {
			t.Errorf("of an empty queue: %+v, %v", stats, err)
		}
		for _, lane := range []string{"a", "a", "a", "b", "c"} {
			if _, err := s.Receive(t.Context(), app.Entry{Lane: lane, Kind: "work"}); err != nil {
				t.Fatal(err)
			}
			advance(time.Second)
		}
		lease, err := s.ClaimLane(t.Context(), time.Minute) // a
		if err != nil || lease == nil {
			t.Fatalf("claimed %v: %v", lease, err)
		}
		err = s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.SetTimer(ctx, "late", tx.Now().Add(-time.Minute), "d", "work", nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		stats, err := s.LaneStats(t.Context())
		want := store.LaneStats{Ready: 2, Leased: 1, Deepest: 3, OldestReady: 2 * time.Second, TimerOverdue: time.Minute}
		if err != nil || stats != want {
			t.Errorf("%+v, want %+v: %v", stats, want, err)
		}
	})
}
