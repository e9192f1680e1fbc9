package store_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// BenchmarkReceive has 64 callers queue 12 KB bodies over 1,000 lanes.
func BenchmarkReceive(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b), store.Options{MaxConnections: 64})
			body := payload(12 << 10)
			var guid atomic.Int64
			b.SetParallelism(32) // times the processors
			b.SetBytes(int64(len(body)))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := guid.Add(1)
					_, err := s.Receive(b.Context(), app.Entry{Lane: "lane/" + strconv.FormatInt(n%1000, 10),
						Kind: "delivery", DedupKey: strconv.FormatInt(n, 10), Body: body})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkRun takes an entry from its lane to done.
func BenchmarkRun(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b), store.Options{})
			for b.Loop() {
				if _, err := s.Receive(b.Context(), app.Entry{Lane: "lane", Kind: "delivery"}); err != nil {
					b.Fatal(err)
				}
				lease, err := s.ClaimLane(b.Context(), 1e9)
				if err != nil || lease == nil {
					b.Fatal(err)
				}
				entry, err := s.Head(b.Context(), *lease)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Finish(b.Context(), *lease, entry.ID); err != nil {
					b.Fatal(err)
				}
				if err := s.Release(b.Context(), *lease); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// payload looks to a compressor like JSON: words that repeat, and some that do not.
func payload(size int) []byte {
	var body bytes.Buffer
	random := rand.New(rand.NewPCG(1, 2))
	for body.Len() < size {
		body.WriteString(`{"login":"octocat","url":"https://api.github.com/users/` + strconv.FormatUint(random.Uint64(), 36) + `"},`)
	}
	return body.Bytes()[:size]
}

// BenchmarkTally loads a round of 10,000 voters, each with a ballot, as every
// publication does, and counts it.
func BenchmarkTally(b *testing.B) {
	const voters = 10_000
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b), store.Options{})
			now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
			r := &rfc.RFC{Community: acme, Number: 7, State: rfc.Voting, Round: 1, Type: "standard", Ref: app.IssueRef{Repository: 9, Number: 1}}
			err := s.RFC().InTx(b.Context(), func(ctx context.Context, tx rfc.Tx) error {
				if err := errors.Join(tx.SaveRepository(ctx, app.Repository{ID: 9, Name: "rfcs"}), tx.SaveRFC(ctx, r)); err != nil {
					return err
				}
				electorate := make([]rfc.Voter, voters)
				for i := range electorate {
					login := "voter" + strconv.Itoa(i)
					electorate[i] = rfc.Voter{ID: int64(i + 1), Login: login, Reputation: i % 101, Weight: int64(100 + 4*(i%101)), Regular: true}
					if _, err := tx.AddAct(ctx, &rfc.Act{RFC: r.ID, Round: 1, Voter: app.User{ID: int64(i + 1), Login: login}, Choice: []rfc.Choice{rfc.Approve, rfc.Reject}[i%3/2],
						Channel: rfc.ByReaction, Source: int64(i), At: now.Add(time.Duration(i) * time.Second), Seen: now.Add(time.Duration(i) * time.Second)}); err != nil {
						return err
					}
				}
				return errors.Join(tx.SaveElectorate(ctx, r.ID, 1, electorate), tx.SaveRound(ctx, &rfc.Round{RFC: r.ID, Number: 1, Type: "standard", Policy: config.DefaultPolicy(),
					OpenedAt: now, Planned: now.Add(10 * 24 * time.Hour), Heads: voters, Weight: 100 * voters, Eligible: voters}))
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				var v rfc.View
				err := s.RFC().View(b.Context(), func(ctx context.Context, tx rfc.Tx) (err error) {
					v, err = rfc.LoadView(ctx, tx, r, now.Add(9*24*time.Hour))
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
				if n := len(v.Result.Ballots); n != voters {
					b.Fatalf("%d ballots count, want %d", n, voters)
				}
			}
		})
	}
}
