package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/store"
	"golang.org/x/sync/errgroup"
)

// told runs fn in a transaction that must succeed, with the store as notifications see it.
func told(t testing.TB, s *store.Store, fn func(ctx context.Context, tx notification.Tx) error) {
	t.Helper()
	if err := s.Notifications().InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// joined makes members with the ids from 1 on.
func joined(t testing.TB, s *store.Store, n int, at time.Time) {
	t.Helper()
	err := s.Community().InTx(t.Context(), func(ctx context.Context, tx community.Tx) error {
		for id := range n {
			m := community.Member{Community: acme, ID: int64(id + 1), Login: fmt.Sprintf("member-%d", id+1), JoinedAt: at}
			if err := tx.SaveMember(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func number(t testing.TB, s *store.Store) {
	t.Helper()
	told(t, s, func(ctx context.Context, tx notification.Tx) error {
		for {
			if list, err := tx.NumberNotifications(ctx, 100); err != nil || len(list) == 0 {
				return err
			}
		}
	})
}

func unread(t testing.TB, s *store.Store, member int64, since time.Time) (places []int64) {
	t.Helper()
	told(t, s, func(ctx context.Context, tx notification.Tx) error {
		headers, err := tx.Unread(ctx, acme, member, since, nothingWithheld, 1001)
		places = nil
		for _, h := range headers {
			places = append(places, h.Position)
		}
		return err
	})
	return places
}

func TestANotificationIsEnteredOnceAndIsInTheInboxesOfItsAudience(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		now := clock.now()
		joined(t, s, 4, now)
		told(t, s, func(ctx context.Context, tx notification.Tx) error {
			for _, n := range []notification.Notification{
				{Community: acme, Type: notification.RFCOpened, Actor: 1, RFC: 7, Source: "rfc/7/opened", At: now},
				{Community: acme, Type: notification.RFCComment, Actor: 2, RFC: 7, Source: "comment/1", At: now, For: []int64{1, 2, 3, 3, 0, 99}},
				{Community: acme, Type: notification.RFCOpened, Actor: 1, RFC: 7, Source: "rfc/7/opened", At: now},
				{Community: acme + 1, Type: notification.RFCOpened, Source: "rfc/7/opened", At: now},
			} {
				if err := notification.Enter(ctx, tx, n); err != nil {
					return err
				}
			}
			return nil
		})
		if got := unread(t, s, 1, now); got != nil {
			t.Errorf("in the inbox before they have a place: %v", got)
		}
		number(t, s)
		for member, want := range map[int64][]int64{1: {2, 1}, 2: {1}, 3: {2, 1}, 4: {1}} {
			if got := unread(t, s, member, now); !slices.Equal(got, want) {
				t.Errorf("member %d has %v, want %v", member, got, want)
			}
		}
		if got := unread(t, s, 3, now.Add(time.Second)); got != nil {
			t.Errorf("who joined later has %v", got)
		}
		told(t, s, func(ctx context.Context, tx notification.Tx) error {
			return tx.MarkRead(ctx, acme, 3, now, nothingWithheld)
		})
		if got := unread(t, s, 3, now); got != nil {
			t.Errorf("after reading there is %v", got)
		}
		if got := unread(t, s, 1, now); len(got) != 2 {
			t.Errorf("another's reading left %v", got)
		}
	})
}

func nothingWithheld(context.Context, int64) (bool, error) { return false, nil }

// However much there is of a repository that is not shown here, what is shown is found:
// before the mark and after it.
func TestWhatIsWithheldCrowdsNothingOut(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		const here, elsewhere, reader = 11, 10, 2
		now := clock.now()
		joined(t, s, reader, now)
		entered := 0
		happen := func(repository int64, kinds ...notification.Type) {
			t.Helper()
			told(t, s, func(ctx context.Context, tx notification.Tx) error {
				var errs []error
				for _, kind := range kinds {
					entered++
					n := notification.Notification{Community: acme, Type: kind, Actor: 1, Repository: repository, Source: fmt.Sprint(entered), At: now}
					if !kind.Broadcast() {
						n.For = []int64{reader}
					}
					errs = append(errs, notification.Enter(ctx, tx, n))
				}
				return errors.Join(errs...)
			})
			number(t, s)
		}
		shown := func(limit int) (places []int64) {
			t.Helper()
			told(t, s, func(ctx context.Context, tx notification.Tx) error {
				headers, err := tx.Unread(ctx, acme, reader, now, func(_ context.Context, repository int64) (bool, error) { return repository != here, nil }, limit)
				for _, h := range headers {
					places = append(places, h.Position)
				}
				return err
			})
			return places
		}
		const everybodys, theirs = notification.RFCOpened, notification.RFCComment
		happen(here, everybodys, theirs)
		happen(elsewhere, everybodys, theirs, everybodys, everybodys, theirs)
		same(t, "after the mark", []int64{2, 1}, shown(2))
		told(t, s, func(ctx context.Context, tx notification.Tx) error {
			return tx.MarkRead(ctx, acme, reader, now, func(context.Context, int64) (bool, error) { return true, nil })
		})
		same(t, "kept before the mark", []int64{2, 1}, shown(2))
		happen(here, everybodys)
		happen(elsewhere, everybodys, theirs, everybodys)
		same(t, "on both sides of it", []int64{8, 2, 1}, shown(3))
		same(t, "the newest on both sides of it", []int64{8, 2}, shown(2))
	})
}

// Transactions that are slow to commit lose nothing to a reader's mark: a place is given
// to what can be seen.
func TestWhatCommitsLateIsUnreadAllTheSame(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		now := clock.now()
		joined(t, s, 1, now)
		const writers, times = 4, 25
		group, ctx := errgroup.WithContext(t.Context())
		for w := range writers {
			group.Go(func() error {
				for i := range times {
					n := notification.Notification{Community: acme, Type: notification.RFCOpened, At: now, Source: fmt.Sprint(w, "/", i)}
					err := s.Notifications().InTx(ctx, func(ctx context.Context, tx notification.Tx) error { return notification.Enter(ctx, tx, n) })
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		seen := map[int64]int{}
		read := func() {
			number(t, s)
			for _, place := range unread(t, s, 1, now) {
				seen[place]++
			}
			told(t, s, func(ctx context.Context, tx notification.Tx) error {
				return tx.MarkRead(ctx, acme, 1, now, nothingWithheld)
			})
		}
		for range 10 {
			read()
		}
		must(t, group.Wait())
		read()
		for place := int64(1); place <= writers*times; place++ {
			if seen[place] != 1 {
				t.Errorf("the notification at %d was seen %d times", place, seen[place])
			}
		}
	})
}

func TestOldNotificationsAreDropped(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		now := clock.now()
		joined(t, s, 2, now)
		told(t, s, func(ctx context.Context, tx notification.Tx) error {
			for i := range 3 {
				n := notification.Notification{Community: acme, Type: notification.RFCComment, Actor: 1, For: []int64{2},
					At: now.AddDate(0, 0, i), Source: fmt.Sprint("comment/", i)}
				if err := notification.Enter(ctx, tx, n); err != nil {
					return err
				}
			}
			return tx.Enqueue(ctx, notification.LanePrefix+"x", "nothing", "", nil)
		})
		number(t, s)
		must(t, s.DropNotifications(t.Context(), now.AddDate(0, 0, 2)))
		if got := unread(t, s, 2, now); !slices.Equal(got, []int64{3}) {
			t.Errorf("there are left %v", got)
		}
		told(t, s, func(ctx context.Context, tx notification.Tx) error {
			if ready, err := tx.ReadyLanes(ctx, notification.LanePrefix, 10); err != nil || ready != 1 {
				t.Errorf("a lane in which something waits was dropped: %d, %v", ready, err)
			}
			// Places are not given again.
			return notification.Enter(ctx, tx, notification.Notification{Community: acme, Type: notification.RFCOpened, At: now.AddDate(0, 0, 3), Source: "new"})
		})
		must(t, s.DropNotifications(t.Context(), now.AddDate(1, 0, 0)))
		number(t, s)
		if got := unread(t, s, 2, now); !slices.Equal(got, []int64{4}) {
			t.Errorf("the next is at %v", got)
		}
	})
}

func TestLettersAreOrderedOnceForEachMember(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		now := clock.now()
		joined(t, s, 9, now)
		var all, some notification.Notification
		told(t, s, func(ctx context.Context, tx notification.Tx) error {
			for member := int64(1); member <= 7; member++ {
				mode := notification.MailEach
				if member == 4 {
					mode = notification.MailDigest
				}
				if err := notification.SetMail(ctx, tx, acme, member, mode, "x@example.org", now); err != nil {
					return err
				}
			}
			all = notification.Notification{Community: acme, Type: notification.RFCOpened, At: now, Source: "all"}
			some = notification.Notification{Community: acme, Type: notification.RFCComment, At: now, Source: "some", For: []int64{2, 4, 5, 9}}
			return errors.Join(notification.Enter(ctx, tx, all), notification.Enter(ctx, tx, some))
		})
		number(t, s)
		all.Position, some.Position = 1, 2
		next := func(n notification.Notification) (list []int64) {
			told(t, s, func(ctx context.Context, tx notification.Tx) (err error) {
				list, err = tx.NextMailed(ctx, n, 4)
				return err
			})
			return list
		}
		for i, want := range [][]int64{{1, 2, 3, 5}, {6, 7}, nil} {
			if got := next(all); !slices.Equal(got, want) {
				t.Errorf("call %d orders for %v, want %v", i, got, want)
			}
		}
		if got := next(some); !slices.Equal(got, []int64{2, 5}) {
			t.Errorf("of the participants, letters go to %v", got)
		}
		digests := func(at time.Time) (orders []notification.Order) {
			told(t, s, func(ctx context.Context, tx notification.Tx) (err error) {
				orders, err = tx.NextDigests(ctx, at, at.AddDate(0, 0, 1), 10)
				return err
			})
			return orders
		}
		if got := digests(now); len(got) != 0 {
			t.Errorf("digests before their time: %v", got)
		}
		morning := now.AddDate(0, 0, 1)
		if got := digests(morning); !slices.Equal(got, []notification.Order{{Community: acme, Member: 4}}) {
			t.Errorf("digests are due for %v", got)
		}
		if got := digests(morning); len(got) != 0 {
			t.Errorf("digests twice a day: %v", got)
		}
	})
}
