package store_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // for a connection beside the store's
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// remigrate takes the schema back to an older version, and up again.
func remigrate(t *testing.T, url string, version int64) {
	t.Helper()
	dialect, folder := goose.DialectPostgres, "migrations/postgres"
	if strings.HasPrefix(url, "sqlite://") {
		dialect, folder = goose.DialectSQLite3, "migrations/sqlite"
	}
	provider, err := goose.NewProvider(dialect, storetest.SQL(t, url), os.DirFS(folder), goose.WithDisableGlobalRegistry(true))
	must(t, err)
	_, err = provider.DownTo(t.Context(), version)
	must(t, err)
	_, err = provider.Up(t.Context())
	must(t, err)
}

// Members from before the columns are found by them all the same, and balances of
// which there were none are not taken for none.
func TestTheStandingsOfAnOlderDatabase(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		opened := storetest.Open(t, url, store.Options{})
		s, now := opened.RFC(), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
		members := []community.Member{
			{ID: 1, JoinedAt: now, Name: "Kim \x00 Doe"}, {ID: 2, JoinedAt: now, LeftAt: now}, {ID: 3, JoinedAt: now, HeldAt: now},
			{ID: 4, JoinedAt: now, Blocked: true}, {ID: 5, JoinedAt: now, OptOuts: map[string]bool{"leaderboard": true}}, {ID: 6},
			{ID: 7, JoinedAt: now, OptOuts: map[string]bool{"leaderboard": false, "email": true}},
		}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			for _, m := range members {
				m.Community = acme
				if err := tx.SaveMember(ctx, m); err != nil {
					return err
				}
			}
			rules := config.DefaultPolicy().Reputation
			_, err := community.Enter(ctx, tx, acme, community.NewEntry(rules, config.VoteCast, 1, now, "vote/1"))
			return err
		})
		columns := func() string {
			return view(t, s, func(ctx context.Context, tx rfc.Tx) (string, error) {
				var active []int64
				found, err := tx.ActiveMembers(ctx, community.Scope{Community: acme}, 0, 0)
				for _, m := range found {
					active = append(active, m.ID)
				}
				if err != nil {
					return "", err
				}
				listed, err := tx.ListedMembers(ctx, community.Scope{Community: acme})
				return fmt.Sprint(active, listed), err
			})
		}
		const want = "[1 3 4 5 7] [1 7]"
		if got := columns(); got != want {
			t.Errorf("saved, they are active and listed as %s, want %s", got, want)
		}
		remigrate(t, url, 7) // before the standings
		if got := columns(); got != want {
			t.Errorf("migrated, they are active and listed as %s, want %s", got, want)
		}
		if made := view(t, s, func(ctx context.Context, tx rfc.Tx) (string, error) { return tx.BalancesMade(ctx, acme) }); made != "" {
			t.Errorf("balances that are not there count as made by %s", made)
		}
	})
}

func TestABalanceReturnsAsItWasSaved(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		balances := map[int64]community.Balance{}
		for member := range int64(150) { // more than one statement names
			balances[member+1] = community.Balance{From: now.Add(-time.Duration(member) * time.Hour), Days: []community.DayBalance{
				{Day: -3, A: 1}, {Day: 20_000, G: 2_000_000, N: 1 << 40}, {Day: 20_001 + member, A: 5, G: 6, S: 7, N: 8}}}
		}
		balances[151] = community.Balance{From: now, Days: []community.DayBalance{}} // nothing of it counts
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			if err := tx.SaveBalances(ctx, acme, map[int64]community.Balance{999: {From: now}}); err != nil {
				return err
			}
			return tx.ReplaceBalances(ctx, acme, "1/abc", balances)
		})
		same(t, "all", balances, view(t, s, func(ctx context.Context, tx rfc.Tx) (map[int64]community.Balance, error) {
			return tx.Balances(ctx, acme)
		}))
		var ids []int64
		for id := range balances {
			ids = append(ids, id)
		}
		same(t, "all by their ids", balances, view(t, s, func(ctx context.Context, tx rfc.Tx) (map[int64]community.Balance, error) {
			return tx.Balances(ctx, acme, append(ids, 999)...)
		}))
		same(t, "those of another community", map[int64]community.Balance{}, view(t, s, func(ctx context.Context, tx rfc.Tx) (map[int64]community.Balance, error) {
			return tx.Balances(ctx, acme+1)
		}))
		same(t, "the version", "1/abc", view(t, s, func(ctx context.Context, tx rfc.Tx) (string, error) { return tx.BalancesMade(ctx, acme) }))
	})
}
