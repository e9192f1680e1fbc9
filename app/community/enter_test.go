package community_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// standings is a community's service on a clock of its own.
type standings struct {
	t       testing.TB
	service *community.Service
	store   community.Store
	now     time.Time
}

func newStandings(t testing.TB, s *store.Store) *standings {
	made := &standings{t: t, store: s.Community(), now: noon}
	made.service = community.New(s.Community(), func(app.Repository) community.GitHub { return github{} }, func() time.Time { return made.now })
	return made
}

func (s *standings) change(do func(ctx context.Context, tx community.Tx) error) {
	s.t.Helper()
	if err := s.store.InTx(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s *standings) enter(account int64, entries ...community.Entry) {
	s.t.Helper()
	s.change(func(ctx context.Context, tx community.Tx) error {
		_, err := community.Enter(ctx, tx, account, entries...)
		return err
	})
}

func (s *standings) ledger(account int64) (ledger map[int64][]community.Entry) {
	s.t.Helper()
	s.change(func(ctx context.Context, tx community.Tx) (err error) {
		ledger, err = tx.LedgerOfAll(ctx, account)
		return err
	})
	return ledger
}

// difference is what a verification finds, and what R of anybody differs from a
// replay now.
func (s *standings) difference(account int64, rules config.Reputation, members ...int64) (found string) {
	s.t.Helper()
	s.change(func(ctx context.Context, tx community.Tx) (err error) {
		found, err = community.VerifyBalances(ctx, tx, account)
		return err
	})
	want := map[int64]int{}
	replayed := community.ReplayAll(s.ledger(account), s.now, rules)
	for _, member := range members {
		want[member] = replayed[member].Reputation
	}
	got, err := s.service.Reputations(s.t.Context(), account, members...)
	if err != nil {
		s.t.Fatal(err)
	}
	return found + cmp.Diff(want, got)
}

// Whatever is entered, in whatever order and however many at once, the balances kept
// are those that a replay of the whole ledger makes.
func TestTheBalancesKeptEqualAReplay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, opened *store.Store) {
		s, account := newStandings(t, opened), int64(1000)
		rapid.Check(t, func(t *rapid.T) {
			account++
			b, ids := drawLedger(t), map[int64]int64{}
			for i := 0; i < len(b); {
				var batch []community.Entry
				for size := rapid.IntRange(1, 12).Draw(t, "at once"); len(batch) < size && i < len(b); i++ {
					entry := b[i]
					if entry.Voids != 0 {
						if ids[entry.Voids] == 0 {
							break // what it voids is entered first
						}
						entry.Voids = ids[entry.Voids]
					}
					batch = append(batch, entry)
				}
				s.enter(account, batch...)
				for _, entries := range s.ledger(account) {
					for _, e := range entries {
						var number int64
						if _, err := fmt.Sscanf(e.Source[strings.LastIndex(e.Source, "/")+1:], "%d", &number); err != nil {
							t.Fatal(err)
						}
						ids[number+1] = e.ID
					}
				}
				s.now = noon.Add(time.Duration(rapid.IntRange(-24, 70*24).Draw(t, "now")) * time.Hour)
				if diff := s.difference(account, rules, maya, kim, lee, 999); diff != "" {
					t.Fatalf("after entry %d of %d, at %s: %s", i, len(b), s.now, diff)
				}
			}
		})
	})
}

// What is entered bit by bit on one day counts no more than the caps, as when it is replayed.
func TestTheDailyCapsHoldBitByBit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, opened *store.Store) {
		s := newStandings(t, opened)
		for n := range 13 {
			s.enter(77, community.NewEntry(rules, config.VoteCast, maya, noon.Add(time.Duration(n)*time.Minute), fmt.Sprintf("vote/%d", n)))
		}
		for n := range 3 {
			s.enter(77, community.NewEntry(rules, config.RFCImplemented, kim, noon.Add(time.Duration(n)*time.Minute), fmt.Sprintf("implemented/%d", n)))
		}
		s.now = noon.Add(time.Hour)
		if diff := s.difference(77, rules, maya, kim); diff != "" {
			t.Error(diff)
		}
		if got, err := s.service.Reputations(t.Context(), 77, maya, kim); err != nil || got[maya] != 2 || got[kim] != 13 {
			t.Errorf("R is %v (%v), want 2 for the 10 points of votes that count and 13 for the 60 of authority", got, err)
		}
	})
}

// Transactions that enter at once see one another's entries.
func TestEntriesMadeAtOnceAreAllBalanced(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, opened *store.Store) {
		s := newStandings(t, opened)
		group, ctx := errgroup.WithContext(t.Context())
		for caller := range 8 {
			group.Go(func() error {
				for i := range 10 {
					vote := community.NewEntry(rules, config.VoteCast, maya, noon.Add(time.Duration(i)*day), fmt.Sprintf("vote/%d/%d", caller, i))
					praise := community.NewEntry(rules, config.Endorsement, maya, noon.Add(time.Duration(i)*day), fmt.Sprintf("praise/%d/%d", caller, i))
					praise.Actor, praise.Member = maya, kim
					if caller%2 == 0 {
						praise.Actor, praise.Member = kim, maya
					}
					err := s.store.InTx(ctx, func(ctx context.Context, tx community.Tx) error {
						_, err := community.Enter(ctx, tx, 77, vote, praise)
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		s.now = noon.Add(20 * day)
		if diff := s.difference(77, rules, maya, kim); diff != "" {
			t.Error(diff)
		}
	})
}

// Balances of other rules, or of none, are never used; they are made anew by order, and
// by the next entry.
func TestBalancesOfOtherRulesAreMadeAnew(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, opened *store.Store) {
		s := newStandings(t, opened)
		entry := func(n int) community.Entry {
			return community.NewEntry(rules, config.PullRequestMerged, maya, noon, fmt.Sprintf("merged/%d", n))
		}
		s.change(func(ctx context.Context, tx community.Tx) error {
			for n := range 4 { // before balances were kept
				if _, err := tx.AddEntry(ctx, 77, entry(n)); err != nil {
					return err
				}
			}
			installation := app.Installation{ID: 5, Account: rocket.Owner}
			if err := tx.SaveInstallation(ctx, installation); err != nil {
				return err
			}
			return tx.SaveMember(ctx, community.Member{Community: 77, ID: maya, Login: "maya", JoinedAt: noon})
		})
		points := func(want string) {
			t.Helper()
			places, err := s.service.Leaderboard(t.Context(), community.Scope{Community: 77}, community.ByPoints, 90, 0, 0)
			if err != nil || len(places) != 1 || community.FormatPoints(places[0].Points) != want {
				t.Errorf("the leaderboard is %+v, want %s points: %v", places, want, err)
			}
		}
		kept := func() (kept int) {
			s.change(func(ctx context.Context, tx community.Tx) error {
				balances, err := tx.Balances(ctx, 77)
				kept = len(balances)
				return err
			})
			return kept
		}
		points("60")
		if diff := s.difference(77, rules, maya); diff != "" || kept() != 0 {
			t.Errorf("before any was made, %d are kept: %s", kept(), diff)
		}
		if err := s.service.RemakeBalances(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := s.difference(77, rules, maya); diff != "" || kept() != 1 {
			t.Errorf("of %d: %s", kept(), diff)
		}
		points("60")
		policy := config.DefaultPolicy()
		policy.Reputation.AuthorityPerDay = 25
		record := community.PolicyRecord{Repository: rocket.ID, Policy: policy, Version: policy.Version()}
		s.change(func(ctx context.Context, tx community.Tx) error {
			if err := tx.SaveRepository(ctx, rocket); err != nil {
				return err
			}
			return tx.SavePolicy(ctx, record)
		})
		points("25") // by a replay
		if diff := s.difference(77, policy.Reputation, maya); diff != "" {
			t.Error(diff)
		}
		s.enter(77, entry(9))
		points("25")
		if diff := s.difference(77, policy.Reputation, maya); diff != "" {
			t.Error(diff)
		}
		s.change(func(ctx context.Context, tx community.Tx) error {
			return tx.SaveBalances(ctx, 77, map[int64]community.Balance{maya: {From: noon, Days: []community.DayBalance{{Day: 20522, A: 1}}}})
		})
		if diff := s.difference(77, policy.Reputation); diff != fmt.Sprintf("that of member %d is not what the ledger says", maya) {
			t.Errorf("the verification of a wrong balance finds %q", diff)
		}
	})
}
