package community_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// crowd is a community of 10,000 members and 100,000 entries of a year, a third of
// them signals of one member to another.
func crowd(count int) (members []community.Member, entries []community.Entry) {
	const people = 10_000
	for i := range people {
		members = append(members, community.Member{Community: 77, ID: int64(i + 1), Login: fmt.Sprintf("member-%d", i+1), JoinedAt: noon.Add(-400 * day),
			JoinedBy: community.JoinedByCommand, AccountCreatedAt: noon.Add(-1000 * day), Contributions: map[string]int{"vote": 3}})
	}
	kinds := []config.EntryKind{config.VoteCast, config.Endorsement, config.PullRequestMerged, config.VoteCast, config.CommentReaction, config.RFCAccepted}
	for i := range count {
		kind := kinds[i%len(kinds)]
		entry := community.NewEntry(rules, kind, int64(i*7919%people)+1, noon.Add(-time.Duration(i*1013%525_600)*time.Minute), fmt.Sprintf("%s/%d/%d", kind, i/3, i))
		entry.ID = int64(i + 1)
		if kind == config.Endorsement || kind == config.CommentReaction {
			entry.Actor, entry.Factor = int64(i*104_729%people)+1, 5_000
		}
		entries = append(entries, entry)
	}
	return members, entries
}

// each runs a benchmark on both databases, durable as in production.
func each(b *testing.B, run func(b *testing.B, s *standings)) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.DurablePostgres} {
		b.Run(name, func(b *testing.B) { run(b, newStandings(b, storetest.Open(b, url(b), store.Options{}))) })
	}
}

// populate enters the crowd.
func (s *standings) populate() {
	members, entries := crowd(100_000)
	s.change(func(ctx context.Context, tx community.Tx) error {
		for _, m := range members {
			if err := tx.SaveMember(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	s.enter(77, entries...)
}

// BenchmarkReplayAll replays 100,000 entries of 10,000 members.
func BenchmarkReplayAll(b *testing.B) {
	_, entries := crowd(100_000)
	ledger := book(entries).ledger()
	for b.Loop() {
		community.ReplayAll(ledger, noon, rules)
	}
}

// BenchmarkStandings reads and enters among 10,000 members with 100,000 entries.
func BenchmarkStandings(b *testing.B) {
	each(b, func(b *testing.B, s *standings) {
		s.populate()
		leaderboard := func(by community.LeaderboardOrder) func(*testing.B) {
			return func(b *testing.B) {
				for b.Loop() {
					if places, err := s.service.Leaderboard(b.Context(), community.Scope{Community: 77}, by, 90, 50, 0); err != nil || len(places) != 50 {
						b.Fatal(len(places), err)
					}
				}
			}
		}
		b.Run("leaderboard/points", leaderboard(community.ByPoints))
		b.Run("leaderboard/reputation", leaderboard(community.ByReputation))
		b.Run("members/50", func(b *testing.B) {
			for b.Loop() {
				err := s.store.View(b.Context(), func(ctx context.Context, tx community.Tx) error {
					members, err := tx.ActiveMembers(ctx, community.Scope{Community: 77}, 5000, 50)
					if err != nil {
						return err
					}
					ids := make([]int64, len(members))
					for i, m := range members {
						ids[i] = m.ID
					}
					_, err = s.service.Reputations(ctx, 77, ids...)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("member", func(b *testing.B) {
			for b.Loop() {
				if _, err := s.service.Reputations(b.Context(), 77, 4711); err != nil {
					b.Fatal(err)
				}
			}
		})
		n := 0
		enter := func(kind config.EntryKind, actor func(n int) int64) func(*testing.B) {
			return func(b *testing.B) {
				for b.Loop() {
					n++
					entry := community.NewEntry(rules, kind, int64(n%10_000)+1, noon, fmt.Sprintf("more/%d", n))
					entry.Actor = actor(n)
					s.enter(77, entry)
				}
			}
		}
		b.Run("enter/vote", enter(config.VoteCast, func(int) int64 { return 0 }))
		b.Run("enter/endorsement", enter(config.Endorsement, func(n int) int64 { return int64(n*31%10_000) + 1 }))
		b.Run("round/1000", func(b *testing.B) {
			for b.Loop() {
				entries := make([]community.Entry, 1000)
				for i := range entries {
					n++
					entries[i] = community.NewEntry(rules, config.VoteCast, int64(n%10_000)+1, noon, fmt.Sprintf("more/%d", n))
				}
				s.enter(77, entries...)
			}
		})
		b.Run("remake", func(b *testing.B) {
			for b.Loop() {
				s.change(func(ctx context.Context, tx community.Tx) error {
					ledger, err := tx.LedgerOfAll(ctx, 77)
					if err != nil {
						return err
					}
					return tx.ReplaceBalances(ctx, 77, "other", community.Balances(ledger, rules))
				})
			}
		})
	})
}

// BenchmarkRegistration has many callers make members at once.
func BenchmarkRegistration(b *testing.B) {
	each(b, func(b *testing.B, s *standings) {
		var last atomic.Int64
		person := func() app.User {
			id := last.Add(1)
			return app.User{ID: id, Login: fmt.Sprintf("member-%d", id), CreatedAt: noon.Add(-1000 * day)}
		}
		run := func(b *testing.B, register func(ctx context.Context, user app.User) error) {
			b.SetParallelism(32) // times the processors
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := register(b.Context(), person()); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "members/s")
		}
		b.Run("taking part", func(b *testing.B) {
			run(b, func(ctx context.Context, user app.User) error {
				return s.store.InTx(ctx, func(ctx context.Context, tx community.Tx) error {
					_, _, err := community.Register(ctx, tx, 77, 0, user, community.JoinedByTaking, noon)
					return err
				})
			})
		})
		b.Run("join", func(b *testing.B) {
			join := s.service.Commands(func(text string, _ int) string { return text })["/member join"]
			run(b, func(ctx context.Context, user app.User) error {
				apply, err := join(ctx, command.Call{Repo: rocket, Comment: app.Comment{Author: user}, At: noon})
				if err != nil {
					return err
				}
				_, err = apply(ctx)
				return err
			})
		})
	})
}
