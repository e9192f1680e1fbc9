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
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
)

// Transactions that are asked for at once stand for themselves, however they are
// committed: what one does wrong is undone, and nothing of another.
func TestTransactionsAskedForAtOnceStandForThemselves(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		const callers = 200
		wrong := errors.New("wrong")
		var saved, failed atomic.Int64
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				defer func() {
					if thrown := recover(); thrown != nil && !strings.Contains(fmt.Sprint(thrown), "thrown") {
						t.Errorf("caller %d panicked: %v", i, thrown)
					} else if thrown != nil {
						failed.Add(1)
					}
				}()
				err := s.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
					if err := tx.SaveRepository(ctx, app.Repository{ID: int64(i + 1), Name: fmt.Sprint("r", i)}); err != nil {
						return err
					}
					switch i % 5 {
					case 1:
						return wrong
					case 2:
						panic("thrown")
					case 3: // an act without a round: refused when all is said
						_, err := tx.AddAct(ctx, &rfc.Act{RFC: 1, Round: 1, Source: int64(i), At: time.Unix(1, 0)})
						return err
					}
					return nil
				})
				switch {
				case err == nil && i%5 != 0 && i%5 != 4:
					t.Errorf("caller %d was not refused", i)
				case err != nil && (i%5 == 0 || i%5 == 4):
					t.Errorf("caller %d: %v", i, err)
				case i%5 == 1 && !errors.Is(err, wrong):
					t.Errorf("caller %d got another's error: %v", i, err)
				case err == nil:
					saved.Add(1)
				default:
					failed.Add(1)
				}
			})
		}
		all.Wait()
		if saved.Load() != callers*2/5 || failed.Load() != callers*3/5 {
			t.Errorf("%d saved and %d failed", saved.Load(), failed.Load())
		}
		for i := range callers {
			err := s.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Repository(ctx, int64(i+1))
				return err
			})
			if i%5 == 0 || i%5 == 4 {
				must(t, err)
			} else {
				notFound(t, fmt.Sprintf("what caller %d tried", i), err)
			}
		}
	})
}

// Who no longer waits gets away, and nothing of theirs is saved.
func TestACallerWhoGivesUpSavesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		busy, free := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			must(t, s.InTx(t.Context(), func(context.Context, *store.Tx) error { close(busy); <-free; return nil }))
		})
		<-busy
		ctx, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			err := s.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
				<-ctx.Done() // on PostgreSQL it does not wait for the other
				return ctx.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("giving up: %v", err)
			}
			close(free)
		})
		cancel()
		all.Wait()
		must(t, s.InTx(t.Context(), func(context.Context, *store.Tx) error { return nil }))
	})
}
