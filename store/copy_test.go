package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// What waits in the queue runs on the copy, in its order, and new work comes after it.
func TestTheQueueMovesWithTheDatabase(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		all, advance := replicas(t, url, 1)
		s := all[0]
		others, later := replicas(t, storetest.Postgres(t), 1)
		later(time.Minute)
		target := others[0]
		for _, e := range []app.Entry{
			{Lane: "a", Kind: "work", DedupKey: "github/1", Body: []byte("first \x00\xff")}, {Lane: "a", Kind: "work"}, {Lane: "b", Kind: "work"},
		} {
			if _, err := s.Receive(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			advance(time.Second)
		}
		err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.SaveRepository(ctx, app.Repository{ID: 9, Name: "app", Private: true, Installation: 5})
		})
		if err != nil {
			t.Fatal(err)
		}
		lease, err := s.ClaimLane(t.Context(), time.Hour)
		if err != nil || lease == nil {
			t.Fatalf("claimed %v: %v", lease, err)
		}
		nothing := func(string, int64) {}
		if err := s.CopyTo(t.Context(), target, nothing); err == nil || !strings.Contains(err.Error(), "a server is running") {
			t.Fatalf("copying under a running server: %v", err)
		}
		if err := s.Release(t.Context(), *lease); err != nil {
			t.Fatal(err)
		}
		rows := map[string]int64{}
		if err := s.CopyTo(t.Context(), target, func(table string, n int64) { rows[table] = n }); err != nil {
			t.Fatal(err)
		}
		if rows["deliveries"] != 3 || rows["lanes"] != 2 || rows["repositories"] != 1 {
			t.Errorf("copied %v", rows)
		}
		if receipt, err := target.Receive(t.Context(), app.Entry{Lane: "a", Kind: "work", DedupKey: "github/1"}); receipt != app.Duplicate || err != nil {
			t.Errorf("a delivery that is known is %v there: %v", receipt, err)
		}
		if _, err := target.Receive(t.Context(), app.Entry{Lane: "a", Kind: "work", Body: []byte("last")}); err != nil {
			t.Fatal(err)
		}
		lease, err = target.ClaimLane(t.Context(), time.Hour)
		if err != nil || lease == nil || lease.Lane != "a" {
			t.Fatalf("claimed %v: %v", lease, err)
		}
		for i, want := range []string{"first \x00\xff", "", "last"} {
			head, err := target.Head(t.Context(), *lease)
			if err != nil || head == nil || string(head.Body) != want || head.Body == nil {
				t.Fatalf("entry %d is %+v, want %q: %v", i, head, want, err)
			}
			if err := target.Finish(t.Context(), *lease, head.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestNothingIsCopiedInPart(t *testing.T) {
	t.Parallel()
	all, _ := replicas(t, storetest.SQLite(t), 1)
	others, _ := replicas(t, storetest.SQLite(t), 1)
	for _, s := range []*store.Store{all[0], others[0]} { // timers are the last table
		err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.SetTimer(ctx, "x", tx.Now(), "a", "work", nil)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := all[0].Receive(t.Context(), app.Entry{Lane: "a", Kind: "work"}); err != nil {
		t.Fatal(err)
	}
	if err := all[0].CopyTo(t.Context(), others[0], func(string, int64) {}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("copying into what is not empty: %v", err)
	}
	stats, err := others[0].QueueStats(t.Context())
	if err != nil || stats.Depth["pending"] != 0 || stats.Timers != 1 {
		t.Errorf("it left %+v: %v", stats, err)
	}
}
