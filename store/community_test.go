package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"golang.org/x/sync/errgroup"
)

const acme = 77 // a community

func TestInstallationsAndRepositories(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		installation := app.Installation{ID: 5, Account: app.Account{ID: acme, Login: "Acme", Organization: true}}
		repository := app.Repository{ID: 9, Owner: installation.Account, Name: "Rocket", Private: true,
			DefaultBranch: "main", CreatedAt: now, Installation: 5}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			_, err := tx.Installation(ctx, acme)
			notFound(t, "an unknown installation", err)
			_, err = tx.RepositoryByName(ctx, "acme", "rocket")
			notFound(t, "an unknown repository", err)
			return errors.Join(tx.SaveInstallation(ctx, installation), tx.SaveRepository(ctx, repository))
		})
		same(t, "the installation by login", installation, view(t, s, func(ctx context.Context, tx rfc.Tx) (app.Installation, error) {
			return tx.InstallationByLogin(ctx, "ACME")
		}))
		same(t, "the repository by name", repository, view(t, s, func(ctx context.Context, tx rfc.Tx) (app.Repository, error) {
			return tx.RepositoryByName(ctx, "acme", "rocket")
		}))
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.RemoveRepository(ctx, 9) })
		repository.Installation = 0
		same(t, "the repository after it was removed", repository, view(t, s, func(ctx context.Context, tx rfc.Tx) (app.Repository, error) {
			return tx.Repository(ctx, 9)
		}))
		if left := view(t, s, func(ctx context.Context, tx rfc.Tx) ([]app.Repository, error) {
			return tx.Repositories(ctx, acme)
		}); len(left) != 0 {
			t.Errorf("reached repositories: %+v", left)
		}
	})
}

func TestAPolicyReturnsAsItWasSaved(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		want := community.PolicyRecord{Repository: 9, Policy: config.DefaultPolicy(), Version: "9f3c2ab", ReadAt: now, HasFile: true}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SavePolicy(ctx, want) })
		got := view(t, s, func(ctx context.Context, tx rfc.Tx) (community.PolicyRecord, error) { return tx.Policy(ctx, 9) })
		same(t, "the policy", fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got))
	})
}

// Where the first configuration is broken that is kept, and no policy is known.
func TestAPolicyThatIsBrokenFromTheFirstIsNobodysFirstPolicy(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		first := func() (p community.PolicyRecord, err error) {
			err = s.View(t.Context(), func(ctx context.Context, tx rfc.Tx) error {
				p, err = tx.FirstPolicy(ctx, acme)
				return err
			})
			return p, err
		}
		owner := app.Account{ID: acme, Login: "Acme", Organization: true}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			return errors.Join(tx.SaveRepository(ctx, app.Repository{ID: 8, Owner: owner, Name: "broken", Installation: 5}),
				tx.SaveRepository(ctx, app.Repository{ID: 9, Owner: owner, Name: "good", Installation: 5}),
				tx.SavePolicy(ctx, community.PolicyRecord{Repository: 8, Broken: "line 1"}))
		})
		got := view(t, s, func(ctx context.Context, tx rfc.Tx) (community.PolicyRecord, error) { return tx.Policy(ctx, 8) })
		if got.Known() || !got.Unruled() || got.Broken != "line 1" {
			t.Errorf("it is kept as %+v", got)
		}
		_, err := first()
		notFound(t, "the first policy where none is known", err)
		good := community.PolicyRecord{Repository: 9, Policy: config.DefaultPolicy(), Version: "9f3c2ab", ReadAt: now}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SavePolicy(ctx, good) })
		if p, err := first(); err != nil || p.Repository != 9 {
			t.Errorf("the first policy is of repository %d, %v; want that of the good one", p.Repository, err)
		}
	})
}

func TestMembers(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		kim := community.Member{Community: acme, ID: 1, Login: "Kim", Name: "Kim\x00 Doe", JoinedAt: now,
			JoinedBy: community.JoinedByCommand, Contributions: map[string]int{"vote": 2}}
		renamed := community.Member{Community: acme, ID: 2, Login: "lee", JoinedAt: now}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			return errors.Join(tx.SaveMember(ctx, renamed), tx.SaveMember(ctx, kim))
		})
		byLogin := func(login string) (community.Member, error) {
			var m community.Member
			err := s.View(t.Context(), func(ctx context.Context, tx rfc.Tx) (err error) {
				m, err = tx.MemberByLogin(ctx, acme, login)
				return err
			})
			return m, err
		}
		got, err := byLogin("kIM")
		must(t, err)
		same(t, "the member", kim, got)
		_, err = byLogin("nobody%d")
		notFound(t, "an unknown login", err)

		erased := community.Member{Community: acme, ID: 1, LeftAt: now}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SaveMember(ctx, erased) })
		_, err = byLogin("kim")
		notFound(t, "the login of one who left", err)
		_, err = byLogin("")
		notFound(t, "no login", err)
		same(t, "all members", []community.Member{erased, renamed}, view(t, s, func(ctx context.Context, tx rfc.Tx) ([]community.Member, error) {
			return tx.Members(ctx, acme)
		}))
	})
}

func TestTheLedgerTakesASourceOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		add := func(member int64, source string) (added bool) {
			change(t, s, func(ctx context.Context, tx rfc.Tx) (err error) {
				added, err = tx.AddEntry(ctx, acme, community.Entry{Member: member, Actor: 3, Kind: config.VoteCast,
					Points: 10_000, Factor: 2_500, At: now, Source: source, Note: "for\x00"})
				return err
			})
			return added
		}
		if !add(1, "vote/1/1") || !add(2, "vote/1/2") || !add(1, "vote/2/1") {
			t.Error("a new source was refused")
		}
		if add(1, "vote/1/1") {
			t.Error("the same source was taken twice")
		}
		mine := view(t, s, func(ctx context.Context, tx rfc.Tx) ([]community.Entry, error) { return tx.Ledger(ctx, acme, 1) })
		if len(mine) != 2 || mine[0].ID == 0 || mine[0].ID >= mine[1].ID || mine[1].Source != "vote/2/1" {
			t.Fatalf("the ledger of 1: %+v", mine)
		}
		same(t, "an entry", community.Entry{ID: mine[0].ID, Member: 1, Actor: 3, Kind: config.VoteCast, Points: 10_000,
			Factor: 2_500, At: now, Source: "vote/1/1", Note: "for\ufffd"}, mine[0])
		all := view(t, s, func(ctx context.Context, tx rfc.Tx) (map[int64][]community.Entry, error) {
			return tx.LedgerOfAll(ctx, acme)
		})
		same(t, "the ledger of 1 among all", mine, all[1])
		if len(all) != 2 || len(all[2]) != 1 {
			t.Errorf("the whole ledger: %+v", all)
		}
	})
}

func TestConcurrentChangesOfAMemberAreAllKept(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, _ time.Time) {
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			return tx.SaveMember(ctx, community.Member{Community: acme, ID: 1, Contributions: map[string]int{"vote": 0}})
		})
		const writers, times = 4, 20
		group, ctx := errgroup.WithContext(t.Context())
		for range writers {
			group.Go(func() error {
				for range times {
					err := s.InTx(ctx, func(ctx context.Context, tx rfc.Tx) error {
						m, err := tx.Member(ctx, acme, 1)
						if err != nil {
							return err
						}
						m.Contributions["vote"]++
						return tx.SaveMember(ctx, m)
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		must(t, group.Wait())
		m := view(t, s, func(ctx context.Context, tx rfc.Tx) (community.Member, error) { return tx.Member(ctx, acme, 1) })
		if m.Contributions["vote"] != writers*times {
			t.Errorf("%d of %d changes were kept", m.Contributions["vote"], writers*times)
		}
	})
}
