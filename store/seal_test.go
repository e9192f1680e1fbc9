package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
	"golang.org/x/sync/errgroup"
)

func note(ctx context.Context, tx *store.Tx, community int64, subject, kind string) error {
	return tx.AppendAudit(ctx, audit.Entry{Community: community, Subject: subject, At: tx.Now(), Kind: kind})
}

func seal(t *testing.T, s *store.Store) int {
	t.Helper()
	n, err := s.SealAudit(t.Context())
	must(t, err)
	return n
}

// chain lists a community's chain.
func chain(t *testing.T, s *store.Store, community int64) (entries []audit.Entry, head audit.Head) {
	t.Helper()
	must(t, s.View(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if entries, err = tx.SealedAudit(ctx, community, 0, 0); err == nil {
			head, err = tx.AuditHead(ctx, community)
		}
		return err
	}))
	return entries, head
}

func intact(t *testing.T, s *store.Store, want int) {
	t.Helper()
	entries, broken := storetest.VerifyAudit(t, s)
	if entries != want || len(broken) > 0 {
		t.Errorf("verified %d entries, want %d: %v", entries, want, broken)
	}
}

// Several append to the same trails while several seal: nobody waits for anybody's
// place, nothing is skipped, nothing sealed twice, and each subject keeps its order.
func TestManyAppendWhileManySeal(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		const writers, entries, communities = 4, 40, 2
		done := make(chan struct{})
		var writing, sealing errgroup.Group
		for range 2 {
			sealing.Go(func() error {
				for {
					if _, err := s.SealAudit(t.Context()); err != nil {
						return err
					}
					select {
					case <-done:
						return nil
					default:
					}
				}
			})
		}
		for writer := range writers {
			writing.Go(func() error {
				for n := range entries {
					err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						return note(ctx, tx, int64(1+n%communities), fmt.Sprint("rfc/", writer), fmt.Sprint(n))
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		must(t, writing.Wait())
		close(done)
		must(t, sealing.Wait())
		seal(t, s)
		intact(t, s, writers*entries)
		for community := int64(1); community <= communities; community++ {
			found, head := chain(t, s, community)
			if len(found) != writers*entries/communities || head.Seq != int64(len(found)) || found[len(found)-1].Chain != head.Hash {
				t.Errorf("community %d has %d entries and the head %+v", community, len(found), head)
			}
			last := map[string]int{}
			for _, e := range found {
				var n int
				_, err := fmt.Sscan(e.Kind, &n)
				must(t, err)
				if before, any := last[e.Subject]; any && n != before+communities {
					t.Errorf("of %s, %d follows %d", e.Subject, n, before)
				}
				last[e.Subject] = n
			}
		}
	})
}

// On PostgreSQL an entry with a smaller id can become visible after one with a
// larger id was sealed. It is sealed then.
func TestAnEntryThatIsCommittedLateIsSealedLater(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.Postgres(t), store.Options{})
	inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
		must(t, note(ctx, tx, acme, "rfc/1", "early"))
		other := context.WithoutCancel(t.Context()) // carries no transaction
		must(t, s.InTx(other, func(ctx context.Context, tx *store.Tx) error { return note(ctx, tx, acme, "rfc/2", "late") }))
		if n := seal(t, s); n != 1 {
			t.Errorf("sealed %d, want the committed one", n)
		}
		return nil
	})
	if n := seal(t, s); n != 1 {
		t.Errorf("sealed %d, want the one that was left", n)
	}
	entries, _ := chain(t, s, acme)
	if len(entries) != 2 || entries[0].Kind != "late" || entries[1].Kind != "early" || entries[1].ID > entries[0].ID {
		t.Errorf("the chain: %+v", entries)
	}
	intact(t, s, 2)
}

func TestSealingAgainChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		intact(t, s, 0)
		if seal(t, s) != 0 {
			t.Error("there was something to seal in an empty trail")
		}
		const entries = 600 // several batches
		inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
			for n := range entries {
				if err := note(ctx, tx, acme, "rfc/1", fmt.Sprint(n)); err != nil {
					return err
				}
			}
			return nil
		})
		clock.advance(3 * time.Second)
		unsealed, lag, err := s.SealLag(t.Context())
		must(t, err)
		if unsealed != entries || lag != 3*time.Second {
			t.Errorf("%d unsealed for %s", unsealed, lag)
		}
		intact(t, s, entries)
		if n := seal(t, s); n != entries {
			t.Errorf("sealed %d", n)
		}
		before, head := chain(t, s, acme)
		if seal(t, s) != 0 {
			t.Error("sealed twice")
		}
		after, again := chain(t, s, acme)
		same(t, "the chain", before, after)
		same(t, "the head", head, again)
		intact(t, s, entries)
		unsealed, lag, err = s.SealLag(t.Context())
		must(t, err)
		if unsealed != 0 || lag != 0 {
			t.Errorf("%d unsealed for %s", unsealed, lag)
		}
	})
}

// A sealer that dies between two batches, or whose transaction is undone, leaves a
// whole chain and the rest to be sealed.
func TestSealingIsUndoneWhole(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _, _ *testClock) {
		for n := range 3 {
			inTx(t, s, func(ctx context.Context, tx *store.Tx) error { return note(ctx, tx, acme, "rfc/1", fmt.Sprint(n)) })
		}
		died := fmt.Errorf("died")
		err := s.InTx(t.Context(), func(ctx context.Context, _ *store.Tx) error {
			if _, err := s.SealAudit(ctx); err != nil {
				t.Error(err)
			}
			return died
		})
		if err != died { //nolint:errorlint // the very error
			t.Errorf("the error is %v", err)
		}
		if entries, head := chain(t, s, acme); len(entries) != 0 || head.Seq != 0 {
			t.Errorf("sealed nevertheless: %+v %+v", entries, head)
		}
		if n := seal(t, s); n != 3 {
			t.Errorf("sealed %d", n)
		}
		intact(t, s, 3)
	})
}

// A database from before entries were sealed in batches keeps its trail.
func TestTrailsFromBeforeAreSealedAnew(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url, store.Options{})
		inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
			body := `{"seq":2,"community":100,"subject":"rfc/1","at":"2026-03-02T12:00:00Z","actor":0,"kind":"state","to":"open","hash":"stale"}`
			_, err := tx.ExecContext(ctx, `INSERT INTO audit (community, subject, hash, body) VALUES (100, 'rfc/1', '', $1)`, []byte(body))
			return err
		})
		intact(t, s, 1)
		seal(t, s)
		intact(t, s, 1)
		entries, head := chain(t, s, 100)
		if len(entries) != 1 || entries[0].Seq != 1 || entries[0].To != "open" || head.Seq != 1 {
			t.Errorf("the chain: %+v %+v", entries, head)
		}
	})
}
