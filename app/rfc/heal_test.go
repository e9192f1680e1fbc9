package rfc_test

import (
	"context"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// doorkeeper is a hall whose lists may be refused, as by an organisation's list of
// allowed addresses. It remembers since when it was asked.
type doorkeeper struct {
	*hall
	shut  bool
	since []time.Time
}

func (*doorkeeper) OpenPulls(context.Context) ([]app.Issue, error) { return nil, nil }

func (d *doorkeeper) IssuesSince(_ context.Context, since time.Time) ([]app.Issue, error) {
	if d.shut {
		return nil, app.Errorf(app.CodeForbidden, "GitHub does not allow it")
	}
	d.since = append(d.since, since)
	return nil, nil
}

func TestARereadingThatWasGivenUpIsFollowedByTheNext(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		s := storetest.Open(t, url, store.Options{Clock: clock, LeaseClock: clock})
		d := &doorkeeper{hall: newHall(t, s)}
		d.service.Repos = func(app.Repository) rfc.GitHub { return d }
		ended := map[string]int{}
		w := worker.New(s, map[string]worker.Handler{community.RereadKind: func(ctx context.Context, e app.Entry) error {
			o, err := community.ReadRepositoryOrder(e.Body)
			if err != nil {
				return err
			}
			return d.service.Reread(ctx, o)
		}}, worker.Options{Clock: clock, Observe: func(_, outcome string, _ time.Duration) { ended[outcome]++ }})
		quarters := func(n int, until func() bool) {
			for ; n > 0 && !until(); n-- {
				now = now.Add(15 * time.Minute)
				d.now = now
				if err := w.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := d.service.Community.RereadAgain(t.Context(), hallRepo, now); err != nil {
			t.Fatal(err)
		}
		quarters(1, func() bool { return false })
		good := now
		if ended["done"] != 1 {
			t.Fatalf("the first reading: %v", ended)
		}
		d.shut = true
		quarters(48, func() bool { return ended["parked"] > 0 })
		if ended["parked"] != 1 || ended["done"] != 1 {
			t.Fatalf("after half a day of refusals: %v", ended)
		}
		d.shut = false
		quarters(5, func() bool { return ended["done"] > 1 })
		if ended["done"] != 2 {
			t.Fatalf("an hour after the refusals were over: %v", ended)
		}
		if since := d.since[len(d.since)-1]; since.After(good) || good.Sub(since) > time.Hour {
			t.Errorf("it reads what changed since %v, and the last good reading was at %v", since, good)
		}
		quarters(8, func() bool { return false })
		if ended["done"] != 4 || ended["parked"] != 1 {
			t.Errorf("two hours later: %v, want a reading an hour", ended)
		}

		if err := d.service.Community.Removed(t.Context(), hallRepo.Installation, hallRepo.ID); err != nil {
			t.Fatal(err)
		}
		quarters(8, func() bool { return false })
		if _, next, err := s.FireTimers(t.Context(), 1); err != nil || !next.IsZero() {
			t.Errorf("a repository that is gone is to be read at %v (%v)", next, err)
		}
	})
}
