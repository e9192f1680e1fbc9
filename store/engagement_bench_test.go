package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// populate fills a community: 10,000 members who joined over the last year, 100,000
// contributions in the last 90 days and as many before, 200 RFCs, each with a round.
func populate(b *testing.B, s *store.Store, now time.Time) {
	b.Helper()
	const members, contributions, rfcs = 10_000, 200_000, 200
	kinds := []community.ContributionKind{community.ContributedComment, community.ContributedVote, community.ContributedReaction, community.ContributedReview}
	repositories := []app.Repository{{ID: 9, Owner: app.Account{ID: acme, Login: "acme"}, Name: "a", Installation: 5}, {ID: 10, Owner: app.Account{ID: acme, Login: "acme"}, Name: "b", Installation: 5}}
	inParts(b, s, members, func(ctx context.Context, tx rfc.Tx, n int) error {
		if n < len(repositories) {
			if err := tx.SaveRepository(ctx, repositories[n]); err != nil {
				return err
			}
		}
		joined := now.Add(-time.Duration(n) * 365 * 24 * time.Hour / members)
		return tx.SaveMember(ctx, community.Member{Community: acme, ID: int64(n + 1), Login: fmt.Sprintf("member-%d", n+1), JoinedAt: joined, AccountCreatedAt: joined})
	})
	inParts(b, s, contributions, func(ctx context.Context, tx rfc.Tx, n int) error {
		// The members take turns in an order that no index has.
		_, err := tx.AddContribution(ctx, acme, community.Contribution{Member: int64(n*7919%members + 1), Kind: kinds[n%len(kinds)],
			Repository: repositories[n%2].ID, Counterpart: int64(n*31%members + 1), At: now.Add(-time.Duration(n) * 180 * 24 * time.Hour / contributions),
			Source: fmt.Sprintf("source/%d", n), URL: "https://github.example/acme/a/issues/1#issuecomment-1"})
		return err
	})
	inParts(b, s, rfcs, func(ctx context.Context, tx rfc.Tx, n int) error {
		opened := now.Add(-time.Duration(n) * 12 * time.Hour)
		r := &rfc.RFC{Community: acme, Number: n + 1, State: rfc.Accepted, Ref: app.IssueRef{Repository: 9, Number: n + 1}, NumberedAt: opened, RepliedAt: opened.Add(time.Hour), Round: 1}
		if err := tx.SaveRFC(ctx, r); err != nil {
			return err
		}
		return tx.SaveRound(ctx, &rfc.Round{RFC: r.ID, Number: 1, ClosedAt: opened, Outcome: rfc.OutcomeAccepted, Voters: 40, Heads: 100 + n})
	})
}

// inParts runs do for each of n, many to a transaction.
func inParts(b *testing.B, s *store.Store, n int, do func(ctx context.Context, tx rfc.Tx, n int) error) {
	b.Helper()
	for from := 0; from < n; from += 5000 {
		err := s.RFC().InTx(b.Context(), func(ctx context.Context, tx rfc.Tx) error {
			for i := from; i < min(from+5000, n); i++ {
				if err := do(ctx, tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStats measures a community of 10,000 members with 100,000 contributions in
// the window, and BenchmarkEngagement one of them.
func BenchmarkStats(b *testing.B) {
	eachCrowd(b, func(b *testing.B, s *community.Service) {
		for b.Loop() {
			stats, err := s.Stats(b.Context(), community.Scope{Community: acme})
			if err != nil || stats.Report.Score == nil || stats.Members != 10_000 {
				b.Fatal(stats, err)
			}
		}
	})
}

func BenchmarkEngagement(b *testing.B) {
	eachCrowd(b, func(b *testing.B, s *community.Service) {
		for b.Loop() {
			if score, err := s.Engagement(b.Context(), community.Scope{Community: acme}, 17); err != nil || score == 0 {
				b.Fatal(score, err)
			}
		}
	})
}

func eachCrowd(b *testing.B, bench func(b *testing.B, s *community.Service)) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			now := time.Date(2026, 10, 14, 12, 0, 0, 0, time.UTC)
			s := storetest.Open(b, url(b), store.Options{Clock: func() time.Time { return now }})
			populate(b, s, now)
			service := community.New(s.Community(), nil, func() time.Time { return now })
			b.ResetTimer()
			bench(b, service)
		})
	}
}
