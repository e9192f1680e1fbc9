package worker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		child(url)
		return
	}
	goleak.VerifyTestMain(m)
}

// testClock is set by hand.
type testClock struct{ micros atomic.Int64 }

func (c *testClock) now() time.Time          { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *testClock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// bench is a store with a clock, on which a test runs workers.
type bench struct {
	*store.Store
	t     *testing.T
	clock *testClock
}

// each runs test on both databases.
func each(t *testing.T, test func(*testing.T, *bench)) {
	t.Helper()
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		clock := &testClock{}
		clock.advance(time.Hour)
		test(t, &bench{storetest.Open(t, url, store.Options{Clock: clock.now}), t, clock})
	})
}

// start runs a worker until stop is called, or the test ends.
func (b *bench) start(queue worker.Queue, options worker.Options, handler worker.Handler) (w *worker.Worker, stop func()) {
	options.Clock = b.clock.now
	w = worker.New(queue, map[string]worker.Handler{"work": handler}, options)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	stop = func() { cancel(); <-done }
	b.t.Cleanup(stop)
	return w, stop
}

func (b *bench) receive(lane, body string) {
	b.t.Helper()
	if _, err := b.Receive(b.t.Context(), app.Entry{Lane: lane, Kind: "work", Body: []byte(body)}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) waitIdle(w *worker.Worker) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	if err := w.WaitIdle(ctx); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) stats() store.QueueStats {
	b.t.Helper()
	stats, err := b.QueueStats(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return stats
}

// diary notes what ran.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
	return len(d.lines)
}

func (d *diary) wants(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.lines, want) {
		t.Errorf("ran %q, want %q", d.lines, want)
	}
}

func TestLanesRunInOrderAndAlone(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const lanes, entries = 6, 15
		var diaries [lanes]diary
		var busy [lanes]atomic.Int32
		handler := func(_ context.Context, entry app.Entry) error {
			var lane int
			if _, err := fmt.Sscan(entry.Lane, &lane); err != nil {
				return err
			}
			if busy[lane].Add(1) != 1 {
				t.Errorf("lane %d runs twice at once", lane)
			}
			diaries[lane].write(string(entry.Body))
			busy[lane].Add(-1)
			return nil
		}
		w, _ := b.start(b, worker.Options{Concurrency: 3}, handler)
		b.start(b, worker.Options{Concurrency: 3}, handler)
		var want []string
		for i := range entries {
			want = append(want, fmt.Sprint(i))
			for lane := range lanes {
				b.receive(fmt.Sprint(lane), fmt.Sprint(i))
			}
		}
		b.waitIdle(w)
		for lane := range lanes {
			diaries[lane].wants(t, want...)
		}
	})
}

func TestAFailureIsRetriedWithGrowingPausesThenParked(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var ran diary
		w, _ := b.start(b, worker.Options{MaxAttempts: 3}, func(_ context.Context, entry app.Entry) error {
			ran.write(fmt.Sprintf("%s after %d", entry.Body, entry.Attempts))
			if string(entry.Body) == "bad" {
				panic("a bug")
			}
			return nil
		})
		b.receive("a", "bad")
		b.receive("a", "good")
		b.waitIdle(w)
		b.clock.advance(999 * time.Millisecond)
		b.waitIdle(w)
		ran.wants(t, "bad after 0")
		b.clock.advance(time.Millisecond)
		b.waitIdle(w)
		b.clock.advance(1999 * time.Millisecond)
		b.waitIdle(w)
		ran.wants(t, "bad after 0", "bad after 1")
		b.clock.advance(time.Millisecond)
		b.waitIdle(w)
		ran.wants(t, "bad after 0", "bad after 1", "bad after 2", "good after 0")
		parked, err := b.ListInbox(t.Context(), "parked", 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(parked) != 1 || !strings.Contains(parked[0].Error, "a bug") || parked[0].Attempts != 3 {
			t.Errorf("parked: %+v", parked)
		}
	})
}

func TestErrorsCarryTheDecision(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var ran diary
		w, _ := b.start(b, worker.Options{MaxAttempts: 1}, func(_ context.Context, entry app.Entry) error {
			n := ran.write(fmt.Sprintf("%s after %d", entry.Body, entry.Attempts))
			switch {
			case string(entry.Body) == "poison":
				return fmt.Errorf("reading the payload: %w", app.Park(errors.New("not JSON")))
			case n == 2:
				return fmt.Errorf("commenting: %w", app.RetryAfter(errors.New("slow down"), time.Minute))
			}
			return nil
		})
		b.receive("a", "poison")
		b.receive("a", "limited")
		b.waitIdle(w)
		b.clock.advance(time.Minute - time.Microsecond)
		b.waitIdle(w)
		ran.wants(t, "poison after 0", "limited after 0")
		b.clock.advance(time.Microsecond)
		b.waitIdle(w)
		ran.wants(t, "poison after 0", "limited after 0", "limited after 0")
		if stats := b.stats(); stats.Depth["parked"] != 1 || stats.Depth["pending"] != 0 {
			t.Errorf("the queue holds %+v", stats)
		}
	})
}

func TestTimersRunWhenTheClockComesToThem(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var ran diary
		w, _ := b.start(b, worker.Options{}, func(ctx context.Context, entry app.Entry) error {
			n := ran.write(string(entry.Body))
			return b.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
				if n == 3 {
					return nil
				}
				return tx.SetTimer(ctx, "next", tx.Now().Add(time.Hour), "a", "work", fmt.Append(nil, "timer ", n))
			})
		})
		b.receive("a", "start")
		b.waitIdle(w)
		ran.wants(t, "start")
		b.clock.advance(time.Hour)
		b.waitIdle(w)
		ran.wants(t, "start", "timer 1")
		b.clock.advance(time.Hour)
		b.waitIdle(w)
		ran.wants(t, "start", "timer 1", "timer 2")
		b.clock.advance(24 * time.Hour)
		b.waitIdle(w)
		ran.wants(t, "start", "timer 1", "timer 2")
	})
}

func TestShutdownLetsWorkFinish(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		started, proceed := make(chan struct{}), make(chan struct{})
		var ran diary
		_, stop := b.start(b, worker.Options{}, func(ctx context.Context, entry app.Entry) error {
			close(started)
			<-proceed
			ran.write(string(entry.Body))
			return ctx.Err()
		})
		b.receive("a", "first")
		<-started
		b.receive("a", "second")
		go close(proceed)
		stop()
		ran.wants(t, "first")
		if stats := b.stats(); stats.Depth["pending"] != 1 || stats.Depth["running"] != 0 {
			t.Errorf("the queue holds %+v", stats)
		}
		lease, err := b.ClaimLane(t.Context(), time.Minute)
		if err != nil || lease == nil {
			t.Errorf("the lane was not given back: %v", err)
		}
	})
}

func TestShutdownPutsBackWhatDoesNotFinish(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		started := make(chan struct{})
		_, stop := b.start(b, worker.Options{Grace: time.Millisecond, MaxAttempts: 1}, func(ctx context.Context, _ app.Entry) error {
			close(started)
			<-ctx.Done()
			return ctx.Err()
		})
		b.receive("a", "long")
		<-started
		stop()
		lease, err := b.ClaimLane(t.Context(), time.Minute)
		if err != nil || lease == nil {
			t.Fatalf("the lane was not given back: %v", err)
		}
		entry, err := b.Head(t.Context(), *lease)
		if err != nil || entry == nil || entry.Attempts != 0 {
			t.Errorf("its head is %+v, %v", entry, err)
		}
	})
}

// renewals counts renewals, and fails them when told to.
type renewals struct {
	*store.Store
	count  atomic.Int32
	fenced atomic.Bool
}

func (r *renewals) Renew(ctx context.Context, lease app.Lease) error {
	if r.fenced.Load() {
		return app.Errorf(app.CodeFenced, "Too late.")
	}
	defer r.count.Add(1)
	return r.Store.Renew(ctx, lease)
}

func TestALongRunKeepsItsLease(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		queue := &renewals{Store: b.Store}
		var ran diary
		handler := func(_ context.Context, entry app.Entry) error {
			ran.write(string(entry.Body))
			for queue.count.Load() < 8 { // more than two leases' worth
				time.Sleep(time.Millisecond)
			}
			return nil
		}
		w, _ := b.start(queue, worker.Options{LeaseFor: 600 * time.Millisecond}, handler)
		b.start(queue, worker.Options{LeaseFor: 600 * time.Millisecond}, handler)
		b.receive("a", "long")
		b.waitIdle(w)
		ran.wants(t, "long")
	})
}

func TestALostLeaseStopsTheRun(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		queue := &renewals{Store: b.Store}
		queue.fenced.Store(true)
		outcomes := make(chan string, 1)
		options := worker.Options{
			LeaseFor: 30 * time.Millisecond,
			Observe:  func(_, outcome string, _ time.Duration) { outcomes <- outcome },
		}
		first := true
		w, _ := b.start(queue, options, func(ctx context.Context, _ app.Entry) error {
			if first {
				first = false
				<-ctx.Done()
				queue.fenced.Store(false)
				return ctx.Err()
			}
			return nil
		})
		b.receive("a", "work")
		if got := <-outcomes; got != "fenced" {
			t.Errorf("the run ended %s", got)
		}
		if got := <-outcomes; got != "done" {
			t.Errorf("the second run ended %s", got)
		}
		b.waitIdle(w)
	})
}
