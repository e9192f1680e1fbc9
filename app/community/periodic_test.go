package community_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// patchy is a store in which what is kept of one community cannot be read for a while.
type patchy struct {
	community.Store
	unreadable int64 // the account, 0 for none
}

func (p *patchy) InTx(ctx context.Context, do func(context.Context, community.Tx) error) error {
	return p.Store.InTx(ctx, func(ctx context.Context, tx community.Tx) error { return do(ctx, patchyTx{tx, p}) })
}

func (p *patchy) View(ctx context.Context, do func(context.Context, community.Tx) error) error {
	return p.Store.View(ctx, func(ctx context.Context, tx community.Tx) error { return do(ctx, patchyTx{tx, p}) })
}

type patchyTx struct {
	community.Tx
	patchy *patchy
}

var errPatch = errors.New("the page cannot be read")

func (tx patchyTx) LedgerOfAll(ctx context.Context, account int64) (map[int64][]community.Entry, error) {
	if account == tx.patchy.unreadable {
		return nil, errPatch
	}
	return tx.Tx.LedgerOfAll(ctx, account)
}

func (tx patchyTx) Repositories(ctx context.Context, account int64) ([]app.Repository, error) {
	if account == tx.patchy.unreadable {
		return nil, errPatch
	}
	return tx.Tx.Repositories(ctx, account)
}

// night is two communities in which the queue's own entries run.
type night struct {
	t       *testing.T
	now     time.Time
	store   *store.Store
	patchy  *patchy
	service *community.Service
	ended   map[string]int // by kind and outcome
	written []string       // the digests and set-ups that were ordered
}

// inTheNight runs a test on both databases, at 23:50.
func inTheNight(t *testing.T, test func(*night)) {
	t.Helper()
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		n := &night{t: t, now: time.Date(2026, 9, 10, 23, 50, 0, 0, time.UTC), ended: map[string]int{}}
		clock := func() time.Time { return n.now }
		n.store = storetest.Open(t, url, store.Options{Clock: clock, LeaseClock: clock})
		n.patchy = &patchy{Store: n.store.Community()}
		n.service = community.New(n.patchy, nil, clock)
		n.change(func(ctx context.Context, tx community.Tx) error {
			for account := int64(77); account <= 78; account++ {
				owner := app.Account{ID: account, Login: fmt.Sprint("org-", account), Organization: true}
				repo := app.Repository{ID: 100 + account, Owner: owner, Name: "rfcs", Installation: account}
				policy := config.DefaultPolicy()
				policy.Digest = config.Digest{Repository: repo.FullName(), Day: 1}
				err := errors.Join(tx.SaveInstallation(ctx, app.Installation{ID: account, Account: owner}), tx.SaveRepository(ctx, repo),
					tx.SavePolicy(ctx, community.PolicyRecord{Repository: repo.ID, Policy: policy, Version: "1", ReadAt: n.now}))
				if err != nil {
					return err
				}
			}
			return nil
		})
		test(n)
	})
}

func (n *night) change(do func(context.Context, community.Tx) error) {
	n.t.Helper()
	if err := n.store.Community().InTx(n.t.Context(), do); err != nil {
		n.t.Fatal(err)
	}
}

// pass lets quarters of an hour go by, as many as it takes until something is so.
func (n *night) pass(most time.Duration, until func() bool) {
	n.t.Helper()
	digests := community.NewDigests(n.service, nil, nil)
	ordered := func(_ context.Context, e app.Entry) error {
		if !slices.Contains(n.written, e.Lane) {
			n.written = append(n.written, e.Lane)
		}
		return nil
	}
	w := worker.New(n.store, map[string]worker.Handler{
		community.RingsKind:       func(ctx context.Context, _ app.Entry) error { return n.service.FlagRings(ctx) },
		community.DigestKind:      func(ctx context.Context, _ app.Entry) error { return digests.Look(ctx) },
		community.DigestWriteKind: ordered,
		community.SetUpKind:       ordered,
	}, worker.Options{Clock: func() time.Time { return n.now }, Observe: func(kind, outcome string, _ time.Duration) { n.ended[kind+" "+outcome]++ }})
	for end := n.now.Add(most); n.now.Before(end) && !until(); {
		n.now = n.now.Add(15 * time.Minute)
		if err := w.Drain(n.t.Context()); err != nil {
			n.t.Fatal(err)
		}
	}
}

// givesUp has one community unreadable until the entry of a kind is parked, and the next
// day comes in which it can be read again.
func (n *night) givesUp(kind string, meanwhile func()) {
	n.t.Helper()
	n.patchy.unreadable = 77
	n.pass(8*time.Hour, func() bool { return n.ended[kind+" parked"] > 0 })
	if n.ended[kind+" parked"] != 1 || n.ended[kind+" done"] != 0 {
		n.t.Fatalf("in the night: %v", n.ended)
	}
	meanwhile()
	n.patchy.unreadable = 0
	n.pass(24*time.Hour, func() bool { return n.ended[kind+" done"] > 0 })
	if n.ended[kind+" done"] != 1 || n.ended[kind+" parked"] != 1 {
		n.t.Fatalf("the night after: %v", n.ended)
	}
}

func TestASearchForRingsThatWasGivenUpIsFollowedByTheNext(t *testing.T) {
	inTheNight(t, func(n *night) {
		n.change(func(ctx context.Context, tx community.Tx) error {
			for account := int64(77); account <= 78; account++ {
				for _, pair := range [][2]int64{{1, 2}, {2, 1}, {2, 3}, {3, 2}, {3, 1}, {1, 3}} {
					e := community.NewEntry(rules, config.Endorsement, pair[1], n.now, fmt.Sprint("endorsement/", pair))
					e.Actor, e.Factor = pair[0], 5000
					if _, err := community.Enter(ctx, tx, account, e); err != nil {
						return err
					}
				}
			}
			return community.OrderRings(ctx, tx, n.now)
		})
		flagged := func(account int64) (is bool) {
			n.change(func(ctx context.Context, tx community.Tx) error {
				trail, err := tx.RecentAudit(ctx, account, community.MemberSubject(1), 0)
				for _, e := range trail {
					is = is || e.Kind == "ring"
				}
				return err
			})
			return is
		}
		n.givesUp(community.RingsKind, func() {
			if flagged(77) || !flagged(78) {
				t.Errorf("flagged while the first cannot be read: %v, %v", flagged(77), flagged(78))
			}
		})
		if !flagged(77) {
			t.Error("the ring is not found the night after")
		}
	})
}

func TestALookForDigestsThatWasGivenUpIsFollowedByTheNext(t *testing.T) {
	inTheNight(t, func(n *night) {
		n.change(func(ctx context.Context, tx community.Tx) error { return community.OrderDigests(ctx, tx, n.now) })
		n.givesUp(community.DigestKind, func() {
			if got := strings.Join(n.written, " "); got != "digest/178" {
				t.Errorf("ordered while the first cannot be read: %q", got)
			}
		})
		if got := strings.Join(n.written, " "); got != "digest/178 digest/177" {
			t.Errorf("ordered the day after: %q", got)
		}
	})
}

// reach is what GitHub says of the installations: each has one repository, the first cannot be read.
type reach struct{ accounts []int64 }

func (r reach) Installations(context.Context) (list []app.Installation, err error) {
	for _, account := range r.accounts {
		list = append(list, app.Installation{ID: account, Account: app.Account{ID: account, Login: fmt.Sprint("org-", account)}})
	}
	return list, nil
}

func (r reach) Installed(context.Context, int64) (bool, error) { return false, errPatch }

func (r reach) InstallationRepositories(_ context.Context, installation int64) ([]app.Repository, error) {
	if installation == r.accounts[0] {
		return nil, errPatch
	}
	return []app.Repository{{ID: 500 + installation, Owner: app.Account{ID: installation, Login: "org"}, Name: "new", Installation: installation}}, nil
}

func TestAnInstallationThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	inTheNight(t, func(n *night) {
		err := n.service.Sync(n.t.Context(), reach{[]int64{77, 79}}) // the one of 78 may be gone
		for _, words := range []string{"listing the repositories of org-77", "looking for the installation on org-78"} {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%v does not say %q", err, words)
			}
		}
		n.pass(time.Hour, func() bool { return len(n.written) > 0 })
		if len(n.written) != 1 || !strings.Contains(n.written[0], "579") {
			t.Errorf("ordered: %q, want the set-up of 579", n.written)
		}
	})
}
