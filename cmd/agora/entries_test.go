package main

import (
	"context"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

func TestACleanUpThatWasGivenUpIsFollowedByTheNext(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		s := storetest.Open(t, url, store.Options{Clock: clock, LeaseClock: clock})
		a := &application{surroundings: surroundings{clock: clock}, store: s, keep: time.Hour}
		ended := map[string]int{}
		w := worker.New(s, map[string]worker.Handler{
			dropKind: a.dropBodies, "told": func(context.Context, app.Entry) error { return nil },
		}, worker.Options{Clock: clock, Observe: func(kind, outcome string, _ time.Duration) { ended[kind+" "+outcome]++ }})
		pass := func(most time.Duration, until func() bool) {
			for end := now.Add(most); now.Before(end) && !until(); {
				now = now.Add(15 * time.Minute)
				must(t, w.Drain(t.Context()))
			}
		}
		given := func(outcome string) func() bool { return func() bool { return ended[dropKind+" "+outcome] > 0 } }
		_, err := s.Receive(t.Context(), app.Entry{Lane: "issue/9/1", Kind: "told", DedupKey: "github/1", Body: []byte("a body")})
		must(t, err)
		must(t, w.Drain(t.Context()))
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.SetTimer(ctx, dropKind, now, dropKind, dropKind, nil)
		}))

		db := storetest.SQL(t, url)
		rename := func(from, to string) {
			_, err := db.ExecContext(t.Context(), `ALTER TABLE `+from+` RENAME TO `+to)
			must(t, err)
		}
		rename("command_rates", "elsewhere") // a part of the clean-up fails
		pass(8*time.Hour, given("parked"))
		if !given("parked")() || given("done")() {
			t.Fatalf("while a part of it fails: %v", ended)
		}
		var bodies int
		must(t, db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM deliveries WHERE kind = 'told' AND body IS NOT NULL`).Scan(&bodies))
		if bodies != 0 {
			t.Error("the other parts are not done")
		}
		rename("elsewhere", "command_rates")
		pass(75*time.Minute, given("done"))
		if !given("done")() {
			t.Errorf("an hour after: %v", ended)
		}
	})
}
