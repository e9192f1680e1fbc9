package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

func TestARosterIsTheFirstOne(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		first := community.Roster{Community: acme, Repository: 9, TakenAt: now, Permissions: map[int64]app.Permission{1: app.PermissionAdmin}}
		later := community.Roster{Community: acme, Repository: 9, TakenAt: now.Add(time.Hour), Permissions: map[int64]app.Permission{2: app.PermissionAdmin}}
		elsewhere := community.Roster{Community: acme + 1, Repository: 9, TakenAt: now.Add(time.Hour)}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			for _, roster := range []community.Roster{first, later, elsewhere} {
				if err := tx.AddRoster(ctx, roster); err != nil {
					return err
				}
			}
			return nil
		})
		kept := func(account int64) community.Roster {
			return view(t, s, func(ctx context.Context, tx rfc.Tx) (community.Roster, error) { return tx.Roster(ctx, account, 9) })
		}
		if diff := cmp.Diff(first, kept(acme)); diff != "" {
			t.Errorf("(-first +kept):\n%s", diff)
		}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.RosterEntered(ctx, acme, 9) })
		if !kept(acme).Entered || kept(acme+1).Entered {
			t.Errorf("entered: %t, and %t in another community", kept(acme).Entered, kept(acme+1).Entered)
		}
	})
}

// Repositories that gave genesis before rosters were kept give no more.
func TestTheRostersOfAnOlderDatabase(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		opened := storetest.Open(t, url, store.Options{})
		s, now := opened.RFC(), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			for id := range int64(2) {
				repo := app.Repository{ID: 9 + 81*id, Owner: app.Account{ID: acme, Login: "acme"}, Name: "r", Installation: 1}
				if err := tx.SaveRepository(ctx, repo); err != nil {
					return err
				}
			}
			_, err := community.Enter(ctx, tx, acme, community.NewEntry(config.DefaultPolicy().Reputation, config.GenesisAdmin, 1, now, "genesis/90/1"))
			return err
		})
		remigrate(t, url, 10)
		given := view(t, s, func(ctx context.Context, tx rfc.Tx) (community.Roster, error) { return tx.Roster(ctx, acme, 90) })
		if !given.Entered {
			t.Error("the repository that gave genesis would give more")
		}
		err := s.View(t.Context(), func(ctx context.Context, tx rfc.Tx) error {
			_, err := tx.Roster(ctx, acme, 9)
			return err
		})
		if !app.Is(err, app.CodeNotFound) {
			t.Errorf("the repository that gave none has a roster: %v", err)
		}
	})
}
