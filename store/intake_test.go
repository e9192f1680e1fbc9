package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// Deliveries that come together share a commit, and each gets the answer that it would
// get alone: the first of a key is accepted, the others are duplicates, and one that
// was parked goes on with the new body.
func TestDeliveriesThatComeTogetherAreAnsweredEachForItself(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		const keys, times, lanes, parked = 60, 5, 7, 10
		for n := range parked {
			receive(t, s, fmt.Sprint("lane/", n%lanes), fmt.Sprint("key/", n), "old")
		}
		for range parked {
			lease := claim(t, s)
			must(t, s.ParkEntry(t.Context(), lease, head(t, s, lease).ID, errors.New("broken")))
			must(t, s.Release(t.Context(), lease))
		}
		var lock sync.Mutex
		got := map[string]map[app.Receipt]int{}
		var all sync.WaitGroup
		for i := range keys * times {
			key := fmt.Sprint("key/", i%keys)
			if i%keys == keys-1 {
				key = "" // nothing tells these apart
			}
			all.Go(func() {
				receipt, err := s.Receive(t.Context(), app.Entry{Lane: fmt.Sprint("lane/", i%lanes), Kind: "delivery", DedupKey: key, Body: []byte("new")})
				lock.Lock()
				defer lock.Unlock()
				if err != nil {
					t.Errorf("%s: %v", key, err)
				}
				if got[key] == nil {
					got[key] = map[app.Receipt]int{}
				}
				got[key][receipt]++
			})
		}
		all.Wait()
		for key, receipts := range got {
			first := app.Accepted
			var number int
			if _, err := fmt.Sscanf(key, "key/%d", &number); err == nil && number < parked {
				first = app.Redelivered
			}
			switch {
			case key == "" && receipts[app.Accepted] != times:
				t.Errorf("deliveries without a key: %v", receipts)
			case key != "" && (receipts[first] != 1 || receipts[app.Duplicate] != times-1):
				t.Errorf("%s: %v, want one %v and duplicates", key, receipts, first)
			}
		}
		stats, err := s.QueueStats(t.Context())
		must(t, err)
		if want := int64(keys - 1 + times); stats.Depth["pending"] != want || stats.Depth["parked"] != 0 {
			t.Errorf("%d wait and %d are parked, want %d and none", stats.Depth["pending"], stats.Depth["parked"], want)
		}
	})
}

// holdLane holds a lane on PostgreSQL in a transaction, as of a replica that was cut off,
// until letGo.
func holdLane(t *testing.T, s *store.Store, lane string) (letGo func()) {
	t.Helper()
	release, held := make(chan struct{}), make(chan struct{})
	var holder sync.WaitGroup
	holder.Go(func() {
		err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := tx.Enqueue(ctx, lane, "work", "", nil); err != nil {
				return err
			}
			close(held)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	return func() {
		close(release)
		holder.Wait()
	}
}

// A lane that is held for long holds up the deliveries of this lane only, whether they
// come together or one after another, few or many.
func TestALaneThatIsHeldHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, came := range map[string]struct {
		held  int
		apart time.Duration
	}{
		"together":          {held: 5},
		"one after another": {held: 6, apart: 50 * time.Millisecond},
		"many":              {held: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, storetest.Postgres(t), store.Options{MaxConnections: 8})
			letGo := holdLane(t, s, "held")
			receive := func(lane string, n int) {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				if receipt, err := s.Receive(ctx, app.Entry{Lane: lane, Kind: "work", DedupKey: fmt.Sprint(lane, n)}); err != nil || receipt != app.Accepted {
					t.Errorf("%s: %v, %v", lane, receipt, err)
				}
			}
			var others, waiting sync.WaitGroup
			for n := range came.held {
				waiting.Go(func() { receive("held", n) })
				time.Sleep(came.apart)
				others.Go(func() { receive(fmt.Sprint("lane/", n%40), n) })
			}
			others.Wait()                                                               // before the lane is free
			must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error { // nor do they take all connections
				return tx.Enqueue(ctx, "another", "work", "", nil)
			}))
			letGo()
			waiting.Wait()
		})
	}
}

// Deliveries that come together are queued together, without a word: where they could not
// be, each would be queued by itself, and the log says why.
func TestDeliveriesThatComeTogetherAreQueuedTogether(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		var log syncedBuffer
		s := storetest.Open(t, url, store.Options{Logger: zerolog.New(&log)})
		log.Reset() // the database is new
		var all sync.WaitGroup
		for n := range 100 {
			all.Go(func() {
				if _, err := s.Receive(t.Context(), app.Entry{Lane: fmt.Sprint("lane/", n%40), Kind: "work", DedupKey: fmt.Sprint(n), Body: []byte("new")}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if said := log.String(); said != "" {
			t.Errorf("the log says: %s", said)
		}
	})
}

// syncedBuffer is a buffer that many may write.
type syncedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// Whoever hands over a body may use it for something else as soon as it is told anything,
// also that time was over while the database was busy.
func TestABodyIsItsCallersAgain(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		const callers = 8
		body := func(n, size int) []byte { return bytes.Repeat([]byte{byte('a' + n)}, size) }
		held, letGo := make(chan struct{}), make(chan struct{})
		var holding sync.WaitGroup
		holding.Go(func() {
			must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				err := tx.Enqueue(ctx, "lane", "work", "", nil)
				close(held)
				<-letGo
				return err
			}))
		})
		<-held
		var handing sync.WaitGroup
		for n := range callers {
			handing.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				mine := body(n, 100+1000*(n%2))
				if _, err := s.Receive(ctx, app.Entry{Lane: "lane", Kind: "handed", DedupKey: fmt.Sprint(n), Body: mine}); err == nil {
					t.Error("it was kept while the lane was held")
				}
				clear(mine)
			})
		}
		handing.Wait()
		close(letGo)
		holding.Wait()
		// What comes now stands behind whatever was left of the others.
		receive(t, s, "lane", "last", "last")
		var lease *app.Lease
		for lease == nil { // while what was left of them is still on its way
			var err error
			lease, err = s.ClaimLane(t.Context(), time.Minute)
			must(t, err)
		}
		for {
			entry, err := s.Head(t.Context(), *lease)
			must(t, err)
			if entry.DedupKey == "last" {
				return
			}
			if n, err := strconv.Atoi(entry.DedupKey); err == nil && !bytes.Equal(entry.Body, body(n, 100+1000*(n%2))) {
				t.Errorf("the body of %d is stored as %q", n, entry.Body)
			}
			must(t, s.Finish(t.Context(), *lease, entry.ID))
		}
	})
}
