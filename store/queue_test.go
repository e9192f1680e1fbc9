package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
	"github.com/google/go-cmp/cmp"
)

// testClock is set by hand.
type testClock struct{ micros atomic.Int64 }

func newTestClock() *testClock {
	c := &testClock{}
	c.micros.Store(time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *testClock) now() time.Time          { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *testClock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// each runs a test on both databases with clocks that stand still.
func each(t *testing.T, test func(*testing.T, *store.Store, *testClock, *testClock)) {
	t.Helper()
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		clock, leaseClock := newTestClock(), newTestClock()
		test(t, storetest.Open(t, url, store.Options{Clock: clock.now, LeaseClock: leaseClock.now}), clock, leaseClock)
	})
}

func receive(t *testing.T, s *store.Store, lane, dedup, body string) app.Receipt {
	t.Helper()
	receipt, err := s.Receive(t.Context(), app.Entry{Lane: lane, Kind: "delivery", DedupKey: dedup, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func claim(t *testing.T, s *store.Store) app.Lease {
	t.Helper()
	lease, err := s.ClaimLane(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if lease == nil {
		t.Fatal("no lane is ready")
	}
	return *lease
}

func noClaim(t *testing.T, s *store.Store) {
	t.Helper()
	lease, err := s.ClaimLane(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if lease != nil {
		t.Fatalf("the lane %s can be claimed", lease.Lane)
	}
}

func head(t *testing.T, s *store.Store, lease app.Lease) app.Entry {
	t.Helper()
	entry, err := s.Head(t.Context(), lease)
	if err != nil {
		t.Fatal(err)
	}
	if entry == nil {
		t.Fatalf("the lane %s has no head", lease.Lane)
	}
	return *entry
}

func noHead(t *testing.T, s *store.Store, lease app.Lease) {
	t.Helper()
	entry, err := s.Head(t.Context(), lease)
	if err != nil {
		t.Fatal(err)
	}
	if entry != nil {
		t.Fatalf("the lane %s has a head: %q", lease.Lane, entry.Body)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func inTx(t *testing.T, s *store.Store, fn func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	must(t, s.InTx(t.Context(), fn))
}

func TestEntriesOfALaneComeInOrder(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		for i := range 3 {
			receive(t, s, "a", fmt.Sprint("guid-", i), fmt.Sprint(i))
		}
		lease := claim(t, s)
		noClaim(t, s)
		for i := range 3 {
			got := head(t, s, lease)
			want := app.Entry{ID: got.ID, Lane: "a", Kind: "delivery", DedupKey: fmt.Sprint("guid-", i),
				Body: []byte(fmt.Sprint(i)), EnqueuedAt: clock.now()}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("the head (-want +got):\n%s", diff)
			}
			must(t, s.Finish(t.Context(), lease, got.ID))
		}
		noHead(t, s, lease)
		must(t, s.Release(t.Context(), lease))
		noClaim(t, s)
	})
}

func TestLanesAreClaimedLongestWaitingFirst(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		for _, lane := range []string{"c", "a", "b"} {
			receive(t, s, lane, "", "")
			clock.advance(time.Second)
		}
		var got []string
		for range 3 {
			got = append(got, claim(t, s).Lane)
		}
		if want := []string{"c", "a", "b"}; !slices.Equal(got, want) {
			t.Errorf("claimed %v, want %v", got, want)
		}
	})
}

func TestReceiveKnowsARedelivery(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		if got := receive(t, s, "a", "guid", "first"); got != app.Accepted {
			t.Fatalf("a new delivery: receipt %v", got)
		}
		if got := receive(t, s, "a", "guid", "again"); got != app.Duplicate {
			t.Fatalf("while it waits: receipt %v", got)
		}
		lease := claim(t, s)
		entry := head(t, s, lease)
		if got := receive(t, s, "a", "guid", "again"); got != app.Duplicate {
			t.Fatalf("while it runs: receipt %v", got)
		}
		must(t, s.ParkEntry(t.Context(), lease, entry.ID, errors.New("broken")))
		noHead(t, s, lease)
		if got := receive(t, s, "a", "guid", "third"); got != app.Redelivered {
			t.Fatalf("when it is parked: receipt %v", got)
		}
		entry = head(t, s, lease)
		if string(entry.Body) != "third" || entry.Attempts != 0 {
			t.Errorf("the redelivered entry: body %q, %d attempts", entry.Body, entry.Attempts)
		}
		must(t, s.Finish(t.Context(), lease, entry.ID))
		if got := receive(t, s, "a", "guid", "again"); got != app.Duplicate {
			t.Fatalf("when it is done: receipt %v", got)
		}
		noHead(t, s, lease)
	})
}

func TestARedeliveryDoesNotWaitBehindABackoff(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		receive(t, s, "a", "guid", "poison")
		receive(t, s, "a", "", "waits")
		lease := claim(t, s)
		must(t, s.ParkEntry(t.Context(), lease, head(t, s, lease).ID, errors.New("broken")))
		must(t, s.Retry(t.Context(), lease, head(t, s, lease).ID, clock.now().Add(time.Hour), errors.New("later")))
		must(t, s.Release(t.Context(), lease))
		noClaim(t, s)
		receive(t, s, "a", "guid", "cured")
		if got := head(t, s, claim(t, s)); string(got.Body) != "cured" {
			t.Errorf("the head is %q", got.Body)
		}
	})
}

func TestARetryHoldsItsLaneUntilItIsDue(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		receive(t, s, "a", "", "first")
		receive(t, s, "a", "", "second")
		lease := claim(t, s)
		first := head(t, s, lease)
		must(t, s.Retry(t.Context(), lease, first.ID, clock.now().Add(time.Minute), errors.New("GitHub is down\x00\xff")))
		noHead(t, s, lease)
		must(t, s.Release(t.Context(), lease))
		receive(t, s, "a", "", "third")
		noClaim(t, s)
		shown, err := s.ShowEntry(t.Context(), first.ID)
		must(t, err)
		if shown.State != "pending" || shown.Error != "GitHub is down��" || shown.Attempts != 1 {
			t.Errorf("the entry is shown as %+v", shown)
		}
		clock.advance(time.Minute)
		lease = claim(t, s)
		if again := head(t, s, lease); again.ID != first.ID || again.Attempts != 1 {
			t.Errorf("the head is entry %d with %d attempts, want %d with 1", again.ID, again.Attempts, first.ID)
		}
		must(t, s.Postpone(t.Context(), lease, first.ID, clock.now(), nil))
		if again := head(t, s, lease); again.Attempts != 1 {
			t.Errorf("a postponed entry has %d attempts, want 1", again.Attempts)
		}
	})
}

func TestAParkedEntryDoesNotBlockItsLane(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		receive(t, s, "a", "", "poison")
		receive(t, s, "a", "", "good")
		lease := claim(t, s)
		poison := head(t, s, lease)
		must(t, s.ParkEntry(t.Context(), lease, poison.ID, errors.New("cannot be read")))
		good := head(t, s, lease)
		if string(good.Body) != "good" {
			t.Fatalf("the head is %q", good.Body)
		}
		must(t, s.Finish(t.Context(), lease, good.ID))
		must(t, s.Release(t.Context(), lease))
		noClaim(t, s)

		parked, err := s.ListInbox(t.Context(), "parked", 10)
		must(t, err)
		if len(parked) != 1 || parked[0].ID != poison.ID || parked[0].Error != "cannot be read" {
			t.Fatalf("parked: %+v", parked)
		}
		must(t, s.RetryEntry(t.Context(), poison.ID))
		if got := head(t, s, claim(t, s)); got.ID != poison.ID || got.Attempts != 0 {
			t.Errorf("the head is entry %d with %d attempts", got.ID, got.Attempts)
		}
		if err := s.RetryEntry(t.Context(), poison.ID); !app.Is(err, app.CodeConflict) {
			t.Errorf("retrying a running entry: %v", err)
		}
		if err := s.RetryEntry(t.Context(), 404); !app.Is(err, app.CodeNotFound) {
			t.Errorf("retrying no entry: %v", err)
		}
	})
}

func TestASilentWorkerIsReplacedAndFenced(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, leaseClock *testClock) {
		receive(t, s, "a", "", "work")
		stale := claim(t, s)
		head(t, s, stale)
		leaseClock.advance(59 * time.Second)
		must(t, s.Renew(t.Context(), stale))
		leaseClock.advance(59 * time.Second)
		if n, err := s.RescueLanes(t.Context()); n != 0 || err != nil {
			t.Fatalf("a renewed lease was taken: %d, %v", n, err)
		}
		leaseClock.advance(2 * time.Second)
		if n, err := s.RescueLanes(t.Context()); n != 1 || err != nil {
			t.Fatalf("rescued %d lanes, %v", n, err)
		}
		fresh := claim(t, s)
		entry := head(t, s, fresh)
		if entry.Attempts != 1 {
			t.Errorf("the rescued entry has %d attempts, want 1", entry.Attempts)
		}
		ran := false
		err := s.InTx(app.WithLease(t.Context(), stale), func(context.Context, *store.Tx) error { ran = true; return nil })
		if !app.Fenced(err) || ran {
			t.Errorf("the stale holder's transaction ran (%v): %v", ran, err)
		}
		for name, err := range map[string]error{
			"Renew": s.Renew(t.Context(), stale), "Finish": s.Finish(t.Context(), stale, entry.ID),
			"Release": s.Release(t.Context(), stale),
		} {
			if !app.Fenced(err) {
				t.Errorf("%s of the stale holder: %v", name, err)
			}
		}
		must(t, s.Finish(t.Context(), fresh, entry.ID))
	})
}

func TestReleasePutsBackWhatRan(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		receive(t, s, "a", "", "work")
		lease := claim(t, s)
		id := head(t, s, lease).ID
		must(t, s.Release(t.Context(), lease))
		if again := head(t, s, claim(t, s)); again.ID != id || again.Attempts != 0 {
			t.Errorf("the head is entry %d with %d attempts, want %d with none", again.ID, again.Attempts, id)
		}
	})
}

func TestEnqueueCoalescesWithWhatWaitsNotWithWhatRuns(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		enqueue := func() {
			inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(
					tx.Enqueue(ctx, "a", "render", "sticky", []byte("x")),
					tx.Enqueue(ctx, "a", "render", "sticky", nil))
			})
		}
		pending := func() int64 {
			stats, err := s.QueueStats(t.Context())
			must(t, err)
			return stats.Depth["pending"]
		}
		enqueue()
		enqueue()
		if n := pending(); n != 1 {
			t.Fatalf("%d entries wait, want 1", n)
		}
		lease := claim(t, s)
		running := head(t, s, lease)
		enqueue()
		if n := pending(); n != 1 {
			t.Fatalf("while one runs %d wait, want 1", n)
		}
		must(t, s.Finish(t.Context(), lease, running.ID))
		inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				tx.Enqueue(ctx, "a", "render", "", nil), tx.Enqueue(ctx, "a", "render", "", nil),
				tx.Enqueue(ctx, "a", "other", "sticky", nil), tx.Enqueue(ctx, "b", "render", "sticky", nil))
		})
		if n := pending(); n != 5 {
			t.Errorf("%d entries wait, want 5", n)
		}
	})
}

func TestATransactionThatFailsLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		refused := errors.New("refused")
		err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			must(t, tx.Enqueue(ctx, "a", "kind", "", nil))
			must(t, tx.SetTimer(ctx, "t", clock.now(), "a", "kind", nil))
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatalf("the error is %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				must(t, tx.Enqueue(ctx, "a", "kind", "", nil))
				panic("bug")
			})
		}()
		noClaim(t, s)
		idle, err := s.Idle(t.Context())
		must(t, err)
		if !idle {
			t.Error("something was left in the queue")
		}
		err = s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			must(t, tx.Enqueue(ctx, "a", "outer", "", nil))
			return s.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
				must(t, tx.Enqueue(ctx, "a", "inner", "", nil))
				return refused
			})
		})
		if !errors.Is(err, refused) {
			t.Errorf("the joined transaction's error is %v", err)
		}
		noClaim(t, s)
	})
}
