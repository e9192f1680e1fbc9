package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
)

// A person is erased by every login they had, and nothing of theirs is carried out later:
// neither what a timer holds nor what it put into a lane. Others' words stay.
func TestErasingFindsFormerLoginsAndCommandsSetAside(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		owner := app.Account{ID: acme, Login: "acme"}
		aside := func(author int64, login string, at time.Time) []byte {
			body, err := json.Marshal(rfc.CommentChange{Repo: app.Repository{ID: 9, Owner: owner},
				Comment: app.Comment{Author: app.User{ID: author, Login: login}, Body: "/rfc vote", UpdatedAt: at}})
			must(t, err)
			return body
		}
		kept := func(ctx context.Context, tx *store.Tx, member int64) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO notifications_kept (community, member, repository, position) VALUES ($1, $2, 9, 1)`, acme, member)
			return err
		}
		leave := clock.now()
		receive(t, s, "done", "github/1", `{"login":"quinn-before"}`)
		lease, err := s.ClaimLane(t.Context(), time.Minute)
		must(t, err)
		entry, err := s.Head(t.Context(), *lease)
		must(t, err)
		must(t, errors.Join(s.Finish(t.Context(), *lease, entry.ID), s.Release(t.Context(), *lease)))
		receive(t, s, "done too", "github/2", `{"login":"QUINN","text":"`+strings.Repeat("long enough to be packed ", 100)+`"}`)
		receive(t, s, "done too", "github/3", `{"login":"kim","text":"`+strings.Repeat("long enough to be packed ", 100)+`"}`)
		if lease, err = s.ClaimLane(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			entry, err := s.Head(t.Context(), *lease)
			must(t, errors.Join(err, s.Finish(t.Context(), *lease, entry.ID)))
		}
		must(t, s.Release(t.Context(), *lease))
		receive(t, s, "waits", "github/4", `{"login":"quinn","text":"`+strings.Repeat("long enough to be packed ", 100)+`"}`)
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				tx.SaveRepository(ctx, app.Repository{ID: 9, Owner: owner, Name: "rocket"}),
				tx.SaveCommandRun(ctx, command.Run{Repository: 9, CommentID: 1, Lines: []command.Line{{Say: "quinn-before is told, and kim"}}}),
				tx.SetTimer(ctx, "hers", leave.Add(time.Minute), "issue", rfc.CommentKind, aside(7, "quinn-before", leave)),
				tx.SetTimer(ctx, "another's", leave.Add(time.Minute), "issue", rfc.CommentKind, aside(8, "kim", leave)),
				tx.Enqueue(ctx, "issue", rfc.CommentKind, "hers", aside(7, "quinn-before", leave)),
				tx.Enqueue(ctx, "issue", rfc.CommentKind, "another's", aside(8, "kim", leave)),
				kept(ctx, tx, 7), kept(ctx, tx, 8),
				tx.Erase(ctx, acme, 7, "quinn", "quinn-before"),
				tx.SetTimer(ctx, "written since", leave.Add(time.Minute), "issue", rfc.CommentKind, aside(7, "quinn", leave.Add(time.Second))),
			)
		}))
		must(t, s.EraseDeliveries(t.Context()))
		must(t, s.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for query, want := range map[string]int{
				`SELECT COUNT(*) FROM timers WHERE kind = 'rfc.comment'`:                        2,
				`SELECT COUNT(*) FROM timers WHERE key = 'hers'`:                                0,
				`SELECT COUNT(*) FROM deliveries WHERE kind = 'rfc.comment'`:                    1,
				`SELECT COUNT(*) FROM deliveries WHERE coalesce_key = 'hers'`:                   0,
				`SELECT COUNT(*) FROM deliveries WHERE dedup_key = 'github/1' AND body IS NULL`: 1,
				`SELECT COUNT(*) FROM deliveries WHERE dedup_key = 'github/2' AND body IS NULL`: 1,
				`SELECT COUNT(*) FROM deliveries WHERE dedup_key = 'github/3' AND body IS NULL`: 0,
				`SELECT COUNT(*) FROM deliveries WHERE dedup_key = 'github/4' AND body IS NULL`: 0,
				`SELECT COUNT(*) FROM timers WHERE key = 'deliveries.erase'`:                    1,
				`SELECT COUNT(*) FROM erasures`:                                                 1,
				`SELECT COUNT(*) FROM notifications_kept WHERE member = 7`:                      0,
				`SELECT COUNT(*) FROM notifications_kept WHERE member = 8`:                      1,
			} {
				var got int
				if err := tx.QueryRowContext(ctx, query).Scan(&got); err != nil || got != want {
					t.Errorf("%s: %d, want %d (%v)", query, got, want, err)
				}
			}
			run, err := tx.CommandRun(ctx, 9, 1)
			if err == nil && run.Lines[0].Say != "member/7 is told, and kim" {
				t.Errorf("the reply says %q", run.Lines[0].Say)
			}
			return err
		}))
		clock.advance(time.Hour + time.Second)
		must(t, s.EraseDeliveries(t.Context()))
		must(t, s.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var left int
			err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM erasures`).Scan(&left)
			if left != 1 {
				t.Error("the erasure does not wait for what waits itself")
			}
			return err
		}))
		if lease, err = s.ClaimLane(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		entry, err = s.Head(t.Context(), *lease)
		must(t, errors.Join(err, s.Finish(t.Context(), *lease, entry.ID), s.Release(t.Context(), *lease)))
		must(t, s.EraseDeliveries(t.Context()))
		must(t, s.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var left, named int
			err := errors.Join(tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM erasures`).Scan(&left),
				tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM deliveries WHERE dedup_key = 'github/4' AND body IS NOT NULL`).Scan(&named))
			if left != 0 || named != 0 {
				t.Errorf("the erasure does not end (%d left, %d delivery names them)", left, named)
			}
			return err
		}))
	})
}

// Nobody's erasure ends with a pass that was given up, and no pass follows the last.
func TestAnErasureThatWasGivenUpIsFollowedByTheNext(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		receive(t, s, "lane", "github/1", "a body that breaks on the disk")
		set := func(statement string, args ...any) {
			t.Helper()
			must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.ExecContext(ctx, statement, args...)
				return err
			}))
		}
		set(`UPDATE deliveries SET body = $1`, []byte{0xff, 0xff, 0xff, 0xff})
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.Erase(ctx, acme, 7, "quinn") }))
		if err := s.EraseDeliveries(t.Context()); err == nil {
			t.Fatal("a broken body is passed over")
		}
		set(`UPDATE deliveries SET body = $1, state = 'done'`, []byte("mended"))
		clock.advance(time.Hour + time.Second)
		if fired, _, err := s.FireTimers(t.Context(), 10); err != nil || fired != 1 {
			t.Errorf("after a pass that failed, %d are due (%v), want the next", fired, err)
		}
		must(t, s.EraseDeliveries(t.Context()))
		if _, next, err := s.FireTimers(t.Context(), 10); err != nil || !next.IsZero() {
			t.Errorf("after the last pass, another is due at %v (%v)", next, err)
		}
	})
}
