package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// crowd is how many members the community of the benchmarks has.
const crowd = 10_000

// onEach runs a benchmark on both databases, each as durable as in production.
func onEach(b *testing.B, bench func(b *testing.B, s *store.Store, now time.Time)) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.DurablePostgres} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b), store.Options{MaxConnections: 64})
			bench(b, s, time.Now().UTC().Truncate(time.Microsecond))
		})
	}
}

func enter(ctx context.Context, s *store.Store, n notification.Notification) error {
	return s.Notifications().InTx(ctx, func(ctx context.Context, tx notification.Tx) error { return notification.Enter(ctx, tx, n) })
}

// A broadcast costs the same number of rows however many members there are.
func TestABroadcastIsOneRow(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		joined(t, s, crowd, clock.now())
		before := rowsOf(t, s)
		must(t, enter(t.Context(), s, notification.Notification{Community: acme, Type: notification.RFCOpened, Source: "rfc/1/opened", At: clock.now()}))
		number(t, s)
		for table, n := range rowsOf(t, s) {
			want := map[string]int64{"notifications": 1, "counters": 1}[table]
			if n-before[table] != want {
				t.Errorf("%s has %d rows more, want %d", table, n-before[table], want)
			}
		}
		if got := unread(t, s, crowd, clock.now()); len(got) != 1 {
			t.Errorf("the last of the members has %v", got)
		}
	})
}

// rowsOf counts the rows of every table.
func rowsOf(t *testing.T, s *store.Store) map[string]int64 {
	t.Helper()
	others, _ := replicas(t, storetest.SQLite(t), 1)
	rows := map[string]int64{}
	must(t, s.CopyTo(t.Context(), others[0], func(table string, n int64) { rows[table] = n }))
	return rows
}

// BenchmarkBroadcast enters one notification for 10,000 members and gives it its place.
func BenchmarkBroadcast(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, now time.Time) {
		joined(b, s, crowd, now)
		service := notification.New(notification.Options{Store: s.Notifications(), Clock: time.Now})
		n := 0
		for b.Loop() {
			n++
			if err := enter(b.Context(), s, notification.Notification{Community: acme, Type: notification.RFCOpened, Source: fmt.Sprint("rfc/", n), At: now}); err != nil {
				b.Fatal(err)
			}
			if err := service.Number(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkInbox reads the inbox of one of 10,000 members, who has read nothing of 30,000
// broadcasts and of 3,000 notifications of their own.
func BenchmarkInbox(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, now time.Time) {
		joined(b, s, crowd, now)
		account := app.Account{ID: acme, Login: "acme"}
		told(b, s, func(ctx context.Context, tx notification.Tx) error {
			for i := range 33_000 {
				n := notification.Notification{Community: acme, Type: notification.RFCOpened, Repository: 9, Subject: "RFC-1", Title: "Weighted quorum",
					Text: "is open for comment", URL: "https://github.com/acme/rfcs/issues/1", Source: fmt.Sprint(i), At: now}
				if i%11 == 0 {
					n.Type, n.For = notification.RFCComment, []int64{7, 8, 9}
				}
				if err := notification.Enter(ctx, tx, n); err != nil {
					return err
				}
			}
			return nil
		})
		number(b, s)
		plain := func(text string, _ int) string { return text }
		b.ResetTimer()
		for b.Loop() {
			err := s.Notifications().View(b.Context(), func(ctx context.Context, tx notification.Tx) error {
				_, err := notification.Inbox(ctx, tx, app.Repository{ID: 9, Owner: account}, 7, now, plain)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPublication has 64 callers publish RFCs in 100 communities, each with all that
// its transaction writes: number, RFC, contribution, trail, notification.
func BenchmarkPublication(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store, now time.Time) {
		var issues atomic.Int64
		b.SetParallelism(32)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := publish(b.Context(), s, issues.Add(1), now); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "RFCs/s")
	})
}

func publish(ctx context.Context, s *store.Store, issue int64, now time.Time) error {
	account := acme + issue%100
	return s.RFC().InTx(ctx, func(ctx context.Context, tx rfc.Tx) error {
		number, err := tx.NextNumber(ctx, account)
		if err != nil {
			return err
		}
		r := &rfc.RFC{Community: account, Number: number, State: rfc.Open, Ref: app.IssueRef{Repository: account, Number: int(issue)},
			Kind: rfc.KindIssue, Title: "Weighted quorum", Author: app.User{ID: 1, Login: "kim"}, URL: "https://github.com/acme/rfcs/issues/1"}
		if err := tx.SaveRFC(ctx, r); err != nil {
			return err
		}
		for _, kind := range []string{"state", "numbered"} {
			if err := tx.AppendAudit(ctx, audit.Entry{Community: account, Subject: r.Subject(), At: now, Actor: 1, Kind: kind}); err != nil {
				return err
			}
		}
		_, err = tx.AddContribution(ctx, account, community.Contribution{Member: 1, Kind: community.ContributedRFC, Repository: account, At: now, Source: r.Subject()})
		if err != nil {
			return err
		}
		return notification.Enter(ctx, tx, notification.Notification{Community: account, Type: notification.RFCOpened, Actor: 1, Repository: account,
			RFC: number, Subject: r.Name(), Title: r.Title, Text: "is open for comment", URL: r.URL, At: now, Source: r.Subject() + "/opened"})
	})
}
