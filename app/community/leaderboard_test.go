package community_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// earn makes members and enters merged pull requests of theirs, of so many points.
func (s *standings) earn(points map[int64]int64) {
	s.t.Helper()
	var entries []community.Entry
	s.change(func(ctx context.Context, tx community.Tx) error {
		for member, n := range points {
			m := community.Member{Community: 77, ID: member, Login: fmt.Sprintf("m%d", member), JoinedAt: noon}
			if err := tx.SaveMember(ctx, m); err != nil {
				return err
			}
			entry := community.NewEntry(rules, config.PullRequestMerged, member, noon, fmt.Sprintf("merged/%d", member))
			entry.Points = n * community.Scale
			entries = append(entries, entry)
		}
		return nil
	})
	s.enter(77, entries...)
}

// board writes a leaderboard: rank, login and points of each place.
func (s *standings) board(by community.LeaderboardOrder, days, limit, offset int) string {
	s.t.Helper()
	places, err := s.service.Leaderboard(s.t.Context(), community.Scope{Community: 77}, by, days, limit, offset)
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, p := range places {
		lines = append(lines, fmt.Sprintf("%d %s %s R%d", p.Rank, p.Login, community.FormatPoints(p.Points), p.Reputation))
	}
	return strings.Join(lines, ", ")
}

func (s *standings) wants(by community.LeaderboardOrder, days int, want string) {
	s.t.Helper()
	if got := s.board(by, days, 0, 0); got != want {
		s.t.Errorf("the board by %s of %d days is\n%s, want\n%s", by, days, got, want)
	}
}

func TestEqualsShareARank(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, opened *store.Store) {
		s := newStandings(t, opened)
		s.earn(map[int64]int64{5: 40, 2: 30, 9: 30, 1: 20, 3: 0})
		s.wants(community.ByPoints, 90, "1 m5 40 R9, 2 m2 30 R7, 2 m9 30 R7, 4 m1 20 R4")
		if got := s.board(community.ByPoints, 90, 2, 1); got != "2 m2 30 R7, 2 m9 30 R7" {
			t.Errorf("the second page is %s", got)
		}
		if got := s.board(community.ByPoints, 90, 2, 9); got != "" {
			t.Errorf("beyond the end stands %s", got)
		}
		s.enter(77, community.NewEntry(rules, config.GenesisAdmin, 1, noon, "genesis/1"), community.NewEntry(rules, config.SpamRemoved, 5, noon, "spam/5"),
			community.NewEntry(rules, config.FraudUpheld, 2, noon, "fraud/2"))
		s.wants(community.ByPoints, 90, "1 m5 30 R7, 1 m9 30 R7, 3 m1 20 R42")
		s.wants(community.ByReputation, 90, "1 m1 20 R42, 2 m5 30 R7, 2 m9 30 R7")
	})
}

func TestWhoIsLeftOutOfTheLeaderboard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, opened *store.Store) {
		s := newStandings(t, opened)
		s.earn(map[int64]int64{1: 50, 2: 40, 3: 30, 4: 20, 5: 10})
		s.enter(77, community.NewEntry(rules, config.RFCAccepted, 6, noon, "accepted/1")) // no member
		for id, leave := range map[int64]func(m *community.Member){
			1: func(m *community.Member) { m.HeldAt = noon },
			2: func(m *community.Member) { m.Blocked = true },
			3: func(m *community.Member) {
				m.OptOuts = map[string]bool{community.OptOutLeaderboard: true, "mentions": true}
			},
			4: func(m *community.Member) { m.LeftAt = noon },
			5: func(m *community.Member) {
				m.OptOuts = map[string]bool{community.OptOutLeaderboard: false, "email": true}
			},
		} {
			s.change(func(ctx context.Context, tx community.Tx) error {
				m, err := tx.Member(ctx, 77, id)
				if err != nil {
					return err
				}
				leave(&m)
				return tx.SaveMember(ctx, m)
			})
		}
		s.wants(community.ByPoints, 90, "1 m5 10 R2")
		s.change(func(ctx context.Context, tx community.Tx) error {
			m, err := tx.Member(ctx, 77, 1)
			if err != nil {
				return err
			}
			m.HeldAt = time.Time{}
			return tx.SaveMember(ctx, m)
		})
		s.wants(community.ByPoints, 90, "1 m1 50 R11, 2 m5 10 R2")
	})
}

// The window turns at midnight UTC, and what is voided later is gone from it.
func TestTheWindowAndTheVoidsOfALeaderboard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, opened *store.Store) {
		s := newStandings(t, opened)
		s.earn(map[int64]int64{1: 20, 2: 15}) // on 10 March
		s.enter(77, community.NewEntry(rules, config.RFCRejected, 2, time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC), "rejected/1"))
		s.wants(community.ByPoints, 1, "1 m1 20 R4, 2 m2 15 R3") // the rest is to come
		s.now = time.Date(2026, 3, 12, 23, 59, 59, 0, time.UTC)
		s.wants(community.ByPoints, 3, "1 m1 20 R4, 1 m2 20 R4")
		s.now = s.now.Add(time.Second)
		s.wants(community.ByPoints, 3, "1 m2 5 R4")
		s.wants(community.ByPoints, 4, "1 m1 20 R4, 1 m2 20 R4")
		for _, e := range s.ledger(77)[1] {
			void := community.NewEntry(rules, config.EntryVoid, 1, s.now, "void/1")
			void.Voids = e.ID
			s.enter(77, void)
		}
		s.wants(community.ByPoints, 4, "1 m2 20 R4")
		s.wants(community.ByReputation, 1, "1 m2 0 R4")
	})
}

// A void changes the board for both who exchanged too many signals.
func TestAVoidedExchangeChangesBothPlaces(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, opened *store.Store) {
		s := newStandings(t, opened)
		s.earn(map[int64]int64{1: 1, 2: 1})
		signal := func(n int, actor, member int64) community.Entry {
			e := community.NewEntry(rules, config.Endorsement, member, noon.Add(time.Duration(n)*time.Hour), fmt.Sprintf("endorsement/%d", n))
			e.Actor = actor
			return e
		}
		s.enter(77, signal(1, 1, 2), signal(2, 2, 1), signal(3, 1, 2), signal(4, 2, 1), signal(5, 1, 2))
		s.now = noon.Add(6 * time.Hour)
		s.wants(community.ByPoints, 90, "1 m1 7 R1, 1 m2 7 R1")
		for _, e := range s.ledger(77)[1] {
			if e.Kind == config.Endorsement && e.At.Equal(noon.Add(2*time.Hour)) {
				void := community.NewEntry(rules, config.EntryVoid, 1, s.now, "void/2")
				void.Voids = e.ID
				s.enter(77, void)
			}
		}
		s.wants(community.ByPoints, 90, "1 m2 8 R1, 2 m1 5 R1") // their third to 2 is no longer too many
	})
}

func TestLeaderboardCommand(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		if got := f.accepts(person(kim, "kim"), "/community leaderboard"); strings.TrimSpace(got) != "Nobody earned points in the last 90 days." {
			t.Errorf("the empty board says %q", got)
		}
		f.change(func(ctx context.Context, tx community.Tx) error {
			m := community.Member{Community: rocket.Owner.ID, ID: maya, Login: "ma|ya_@kim", JoinedAt: noon}
			if err := tx.SaveMember(ctx, m); err != nil {
				return err
			}
			_, err := community.Enter(ctx, tx, rocket.Owner.ID, community.NewEntry(rules, config.PullRequestMerged, maya, noon.Add(-40*day), "merged/1"))
			return err
		})
		got := f.accepts(person(kim, "kim"), "/community leaderboard days=41")
		_, table, _ := strings.Cut(got, "\n\n")
		table, _, _ = strings.Cut(table, "\n\n")
		want := "| Rank | Member | Points | R |\n|--:|:--|--:|--:|\n| 1 | " + render.Escape("ma|ya_@kim", 60) + " | 15 | 3 |"
		if diff := cmp.Diff(want, table); diff != "" || !strings.HasPrefix(got, "**Who earned most in the last 41 days**") || strings.Contains(got, "@kim") {
			t.Errorf("the board is\n%s\n%s", got, diff)
		}
		if got := f.accepts(person(kim, "kim"), "/community leaderboard days=40"); strings.TrimSpace(got) != "Nobody earned points in the last 40 days." {
			t.Errorf("it says %q", got)
		}
		f.refuses(person(kim, "kim"), "/community leaderboard days=366", "the last 1 to 365 days")
		f.refuses(person(kim, "kim"), "/community leaderboard days=0", "a number such as 1")
		f.refuses(person(kim, "kim"), "/community leaderboard days=soon", "a number such as 1")
	})
}
