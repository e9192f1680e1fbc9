package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/handlers/worker"
)

// What waits for GitHub's limits holds up nobody else, however few places there are.
func TestALaneThatRestsLeavesItsPlaceToOthers(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		resting, wake := make(chan struct{}), make(chan struct{})
		var others atomic.Int64
		w, _ := b.start(b.Store, worker.Options{Concurrency: 1}, func(ctx context.Context, e app.Entry) error {
			if e.Lane != "slow" {
				others.Add(1)
				return nil
			}
			rest, cancel := context.WithCancel(ctx)
			defer cancel()
			go func() { <-wake; cancel() }()
			close(resting)
			if err := app.Rest(rest, time.Hour); !errors.Is(err, context.Canceled) {
				t.Errorf("the rest ended with %v", err)
			}
			return nil
		})
		b.receive("slow", "")
		<-resting
		for range 5 {
			b.receive("quick", "")
		}
		for deadline := time.Now().Add(time.Minute); others.Load() < 5; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("a lane that rests keeps others from working")
			}
		}
		close(wake)
		b.waitIdle(w)
		if stats := b.stats(); stats.Depth["pending"]+stats.Depth["running"]+stats.Depth["parked"] != 0 {
			t.Errorf("the queue still holds %v", stats.Depth)
		}
	})
}

// Coming back from a rest waits for a free place: never more run than there are.
func TestNeverMoreLanesRunThanThereArePlaces(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var running, most atomic.Int64
		w, _ := b.start(b.Store, worker.Options{Concurrency: 2}, func(ctx context.Context, _ app.Entry) error {
			for range 3 {
				now := running.Add(1)
				for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
				}
				time.Sleep(time.Millisecond)
				running.Add(-1)
				if err := app.Rest(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
		for _, lane := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			b.receive(lane, "")
		}
		b.waitIdle(w)
		if got := most.Load(); got > 2 {
			t.Errorf("%d lanes ran at once in two places", got)
		}
	})
}
