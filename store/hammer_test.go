package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
	"golang.org/x/sync/errgroup"
)

// hammer has many senders and four claimers on few hot lanes, and notes what
// breaks order or solitude.
type hammer struct {
	stores   []*store.Store // one on SQLite; two replicas on PostgreSQL
	mu       sync.Mutex
	last     map[string]int // number by lane and sender
	holders  map[string]int
	left     atomic.Int64
	finished chan struct{}
}

const hammerLanes, hammerSenders, hammerEntries = 5, 8, 40

func TestOrderAndSolitudeUnderLoad(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		h := &hammer{last: map[string]int{}, holders: map[string]int{}, finished: make(chan struct{})}
		h.left.Store(hammerSenders * hammerEntries)
		h.stores = []*store.Store{storetest.Open(t, url, store.Options{})}
		if strings.HasPrefix(url, "postgres") {
			h.stores = append(h.stores, storetest.Open(t, url, store.Options{}))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		group, ctx := errgroup.WithContext(ctx)
		for i := range 4 {
			group.Go(func() error { return h.claimer(ctx, h.stores[i%len(h.stores)]) })
		}
		for sender := range hammerSenders {
			group.Go(func() error { return h.sender(ctx, h.stores[sender%len(h.stores)], sender) })
		}
		group.Go(func() error { return h.sweeper(ctx, h.stores[len(h.stores)-1]) })
		must(t, group.Wait())
		stats, err := h.stores[0].QueueStats(t.Context())
		must(t, err)
		if stats.Depth["pending"] != 0 || stats.Depth["running"] != 0 {
			t.Errorf("left over: %+v", stats)
		}
	})
}

func (h *hammer) sender(ctx context.Context, s *store.Store, sender int) error {
	for number := 1; number <= hammerEntries; number++ {
		_, err := s.Receive(ctx, app.Entry{Lane: fmt.Sprint("lane", (sender+number)%hammerLanes), Kind: "k",
			Body: fmt.Appendf(nil, "%d %d", sender, number)})
		if err != nil {
			return err
		}
	}
	return nil
}

// claimer waits for wake-ups alone: no poll stands behind them, so one that is
// lost is seen.
func (h *hammer) claimer(ctx context.Context, s *store.Store) error {
	wake, unsubscribe := s.Subscribe()
	defer unsubscribe()
	for h.left.Load() > 0 {
		lease, err := s.ClaimLane(ctx, time.Minute)
		if err != nil {
			return err
		}
		if lease != nil {
			if err := h.run(ctx, s, *lease); err != nil {
				return err
			}
			continue
		}
		select {
		case <-wake:
		case <-h.finished:
		case <-ctx.Done():
			return fmt.Errorf("no wake-up, %d left: %w", h.left.Load(), ctx.Err())
		}
	}
	return nil
}

// sweeper drops lanes as soon as they are idle, to have them made anew all the time.
func (h *hammer) sweeper(ctx context.Context, s *store.Store) error {
	for h.left.Load() > 0 {
		if _, err := s.DropIdleLanes(ctx); err != nil {
			return err
		}
	}
	return nil
}

// run takes a few entries, then gives the lane back, to have many releases.
func (h *hammer) run(ctx context.Context, s *store.Store, lease app.Lease) error {
	if h.hold(lease.Lane, 1) != 1 {
		return fmt.Errorf("%s runs twice at once", lease.Lane)
	}
	for range 3 {
		entry, err := s.Head(ctx, lease)
		if err != nil {
			return err
		}
		if entry == nil {
			break
		}
		if err := h.note(*entry); err != nil {
			return err
		}
		if err := s.Finish(ctx, lease, entry.ID); err != nil {
			return err
		}
		if h.left.Add(-1) == 0 {
			close(h.finished)
		}
	}
	h.hold(lease.Lane, -1)
	return s.Release(ctx, lease)
}

func (h *hammer) hold(lane string, by int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holders[lane] += by
	return h.holders[lane]
}

func (h *hammer) note(entry app.Entry) error {
	var sender, number int
	if _, err := fmt.Sscanf(string(entry.Body), "%d %d", &sender, &number); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	key := fmt.Sprint(entry.Lane, " ", sender)
	if h.last[key] >= number {
		return fmt.Errorf("%s: entry %d of sender %d came after %d", entry.Lane, number, sender, h.last[key])
	}
	h.last[key] = number
	return nil
}

func TestReplicasWakeEachOther(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.Postgres(t)
		here, there := storetest.Open(t, url, store.Options{}), storetest.Open(t, url, store.Options{})
		wake, unsubscribe := here.Subscribe()
		defer unsubscribe()
		<-wake // it listens now
		for range 3 {
			receive(t, there, "a", "", "")
			<-wake
		}
	})
}

// TestReplicasMigrateTogether has several replicas start on an empty database.
func TestReplicasMigrateTogether(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.Postgres(t)
		group, ctx := errgroup.WithContext(t.Context())
		for range 3 {
			group.Go(func() error {
				s, err := store.Open(ctx, url, store.Options{})
				if err != nil {
					return err
				}
				return errors.Join(s.Migrate(ctx), s.Ready(ctx), s.Close())
			})
		}
		must(t, group.Wait())
	})
}
