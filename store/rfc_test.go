package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/google/go-cmp/cmp"
)

// onBoth runs test on both databases, with the store as RFCs see it.
func onBoth(t *testing.T, test func(t *testing.T, s rfc.Store, now time.Time)) {
	t.Helper()
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) { test(t, s.RFC(), clock.now()) })
}

// change runs fn in a transaction that must succeed.
func change(t *testing.T, s rfc.Store, fn func(ctx context.Context, tx rfc.Tx) error) {
	t.Helper()
	must(t, s.InTx(t.Context(), fn))
}

// view asks the store one question.
func view[T any](t *testing.T, s rfc.Store, fn func(ctx context.Context, tx rfc.Tx) (T, error)) T {
	t.Helper()
	var value T
	must(t, s.View(t.Context(), func(ctx context.Context, tx rfc.Tx) (err error) {
		value, err = fn(ctx, tx)
		return err
	}))
	return value
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func notFound(t *testing.T, what string, err error) {
	t.Helper()
	if !app.Is(err, app.CodeNotFound) {
		t.Errorf("%s: %v, want not found", what, err)
	}
}

func TestAnRFCIsSavedOnlyAsItWasLoaded(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		r := &rfc.RFC{Community: acme, State: rfc.Draft, Ref: app.IssueRef{Repository: 9, Number: 12}, Kind: rfc.KindIssue,
			Title: "Weighted <quorum>", Type: "standard", Author: app.User{ID: 1, Login: "kim"}, Labels: []string{"rfc"},
			Registered: now, LastSpoke: map[int64]time.Time{1: now},
			Concerns: []rfc.Concern{{Number: 1, Text: "why\x00?", State: rfc.ConcernOpen, RaisedAt: now}}}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRFC(ctx, r) })
		if r.ID == 0 || r.Version != 1 {
			t.Fatalf("after the first save: id %d, version %d", r.ID, r.Version)
		}
		stale := *r
		r.State = rfc.Open
		change(t, s, func(ctx context.Context, tx rfc.Tx) (err error) {
			if r.Number, err = tx.NextNumber(ctx, acme); err != nil {
				return err
			}
			return tx.SaveRFC(ctx, r)
		})
		if r.Number != 1 {
			t.Errorf("the first number is %d", r.Number)
		}
		for name, find := range map[string]func(context.Context, rfc.Tx) (*rfc.RFC, error){
			"by id":     func(ctx context.Context, tx rfc.Tx) (*rfc.RFC, error) { return tx.RFC(ctx, r.ID) },
			"by issue":  func(ctx context.Context, tx rfc.Tx) (*rfc.RFC, error) { return tx.RFCByIssue(ctx, r.Ref) },
			"by number": func(ctx context.Context, tx rfc.Tx) (*rfc.RFC, error) { return tx.RFCByNumber(ctx, acme, 1) },
		} {
			same(t, "the RFC "+name, r, view(t, s, find))
		}
		err := s.InTx(t.Context(), func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRFC(ctx, &stale) })
		if !app.Is(err, app.CodeConflict) {
			t.Errorf("saving a stale RFC: %v", err)
		}
		twin := &rfc.RFC{Community: acme, State: rfc.Draft, Ref: r.Ref}
		err = s.InTx(t.Context(), func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRFC(ctx, twin) })
		if !app.Is(err, app.CodeConflict) || twin.ID != 0 {
			t.Errorf("a second RFC at the same issue: %v", err)
		}
		err = s.View(t.Context(), func(ctx context.Context, tx rfc.Tx) error {
			_, err := tx.RFCByNumber(ctx, acme, 0)
			return err
		})
		notFound(t, "RFC-0", err)
	})
}

func TestWhatDidNotChangeIsNotWrittenAgain(t *testing.T) {
	each(t, func(t *testing.T, all *store.Store, clock, _ *testClock) {
		s, now := all.RFC(), clock.now()
		r := &rfc.RFC{Community: acme, State: rfc.Draft, Ref: app.IssueRef{Repository: 9, Number: 12}, Title: "first"}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			return errors.Join(tx.SaveRFC(ctx, r), tx.SaveRound(ctx, &rfc.Round{RFC: r.ID, Number: 1, OpenedAt: now, Heads: 1}))
		})
		// The same transaction may read, save, undo and save again.
		save := func(ctx context.Context, tx rfc.Tx, title string, heads int) error {
			r, err := tx.RFCByIssue(ctx, r.Ref)
			if err != nil {
				return err
			}
			round, err := tx.Round(ctx, r.ID, 1)
			if err != nil {
				return err
			}
			r.Title, round.Heads = title, heads
			return errors.Join(tx.SaveRound(ctx, round), tx.SaveRFC(ctx, r))
		}
		saved := func(what, title string, heads, version int) {
			t.Helper()
			got := view(t, s, func(ctx context.Context, tx rfc.Tx) (*rfc.RFC, error) { return tx.RFCByIssue(ctx, r.Ref) })
			round := view(t, s, func(ctx context.Context, tx rfc.Tx) (*rfc.Round, error) { return tx.Round(ctx, r.ID, 1) })
			same(t, what, fmt.Sprint(title, heads, version), fmt.Sprint(got.Title, round.Heads, got.Version))
		}
		// Writing the round would put right what is wrong beside it.
		must(t, all.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE rounds SET heads = 99`)
			return err
		}))
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return save(ctx, tx, "first", 1) })
		saved("nothing changed", "first", 1, 1)
		must(t, all.View(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			var heads int
			if err = tx.QueryRowContext(ctx, `SELECT heads FROM rounds`).Scan(&heads); heads != 99 {
				t.Errorf("a round that did not change was written: its column says %d", heads)
			}
			return err
		}))
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			return errors.Join(save(ctx, tx, "second", 2), save(ctx, tx, "first", 1))
		})
		saved("changed and changed back", "first", 1, 3)
		undone := errors.New("this part fails")
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			changed, err := tx.RFCByIssue(ctx, r.Ref)
			if err != nil {
				return err
			}
			err = s.InTx(ctx, func(ctx context.Context, tx rfc.Tx) error {
				return errors.Join(save(ctx, tx, "second", 2), undone)
			})
			if !errors.Is(err, undone) {
				return err
			}
			changed.Title = "second"
			return errors.Join(tx.SaveRFC(ctx, changed), tx.SaveRound(ctx, &rfc.Round{RFC: r.ID, Number: 1, OpenedAt: now, Heads: 2}))
		})
		saved("changed by the part that failed, and again", "second", 2, 4)
		err := s.InTx(t.Context(), func(ctx context.Context, tx rfc.Tx) error {
			stale, err := tx.RFCByIssue(ctx, r.Ref)
			if err != nil {
				return err
			}
			if err := tx.MoveIssue(ctx, r.Ref, app.IssueRef{Repository: 9, Number: 13}); err != nil {
				return err
			}
			return tx.SaveRFC(ctx, stale)
		})
		if !app.Is(err, app.CodeConflict) {
			t.Errorf("saving an RFC as it was before its issue moved: %v", err)
		}
	})
}

func TestRFCsAreListedNewestFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, _ time.Time) {
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			errs := tx.SaveRepository(ctx, app.Repository{ID: 9, Name: "public", Installation: 5})
			errs = errors.Join(errs, tx.SaveRepository(ctx, app.Repository{ID: 10, Name: "secret", Private: true, Installation: 5}),
				tx.SaveRepository(ctx, app.Repository{ID: 11, Name: "lost"}))
			for i, r := range []rfc.RFC{
				{Number: 1, State: rfc.Accepted}, {Number: 2, State: rfc.Voting}, {Number: 0, State: rfc.Draft}, {Number: 3, State: rfc.Voting}, {Number: 6, State: rfc.Open}, {Number: 9, State: rfc.Open},
			} {
				r.Community, r.Type, r.Ref = acme, "standard", app.IssueRef{Repository: 9 + int64(r.Number/3), Number: i + 1}
				errs = errors.Join(errs, tx.SaveRFC(ctx, &r))
			}
			return errors.Join(errs, tx.SaveRFC(ctx, &rfc.RFC{Community: 1, Number: 1, Ref: app.IssueRef{Repository: 1, Number: 1}}))
		})
		for want, filter := range map[string]rfc.Filter{
			"0 9 6 3 2 1": {Community: acme},
			"0 2 1":       {Community: acme, Public: true},
			"0 3 2 1":     {Community: acme, Public: true, From: 10},
			"0 6 2 1":     {Community: acme, Public: true, From: 11},
			"3 2":         {Community: acme, State: rfc.Voting},
			"2 1":         {Community: acme, BeforeNumber: 3},
			"0 9":         {Community: acme, Limit: 2},
			"":            {Community: acme, Type: "roadmap"},
		} {
			var got []string
			for _, r := range view(t, s, func(ctx context.Context, tx rfc.Tx) ([]*rfc.RFC, error) { return tx.RFCs(ctx, filter) }) {
				got = append(got, fmt.Sprint(r.Number))
			}
			same(t, fmt.Sprintf("%+v", filter), want, strings.Join(got, " "))
		}
	})
}

func TestRoundsKeepTheirElectorateAndActs(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		r := &rfc.RFC{Community: acme, State: rfc.Voting, Ref: app.IssueRef{Repository: 9, Number: 1}}
		var voters []rfc.Voter
		for i := range 450 {
			voters = append(voters, rfc.Voter{ID: int64(i + 1), Login: fmt.Sprint("v", i), Reputation: i % 101, Weight: int64(100 + i), Regular: i%2 == 0})
		}
		cast := rfc.Act{Round: 1, Voter: app.User{ID: 3, Login: "v2", Name: "Two"}, Choice: rfc.Reject, Channel: rfc.ByComment,
			Source: 991, At: now, Seen: now.Add(time.Nanosecond), URL: "https://example.com/1", Reason: "no\x00", Concern: 2}
		act := cast
		var round *rfc.Round
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			if err := tx.SaveRFC(ctx, r); err != nil {
				return err
			}
			round = &rfc.Round{RFC: r.ID, Number: 1, Type: "standard", Policy: config.DefaultPolicy(), OpenedAt: now, Heads: 9}
			act = cast
			act.RFC = r.ID
			added, err := tx.AddAct(ctx, &act) // before its round: only the end of the transaction counts
			if !added || act.ID == 0 {
				t.Errorf("the act was added: %v, id %d", added, act.ID)
			}
			again, errAgain := tx.AddAct(ctx, &rfc.Act{RFC: r.ID, Round: 1, Choice: act.Choice, Channel: act.Channel, Source: act.Source, At: act.At})
			if again {
				t.Error("the act was added twice")
			}
			return errors.Join(err, errAgain, tx.SaveElectorate(ctx, r.ID, 1, voters[:3]),
				tx.SaveElectorate(ctx, r.ID, 1, voters), tx.SaveRound(ctx, round))
		})
		same(t, "the electorate", voters, view(t, s, func(ctx context.Context, tx rfc.Tx) ([]rfc.Voter, error) { return tx.Electorate(ctx, r.ID, 1) }))
		same(t, "the acts, as AddAct left them", []rfc.Act{act}, view(t, s, func(ctx context.Context, tx rfc.Tx) ([]rfc.Act, error) { return tx.Acts(ctx, r.ID, 1) }))
		round.Heads = 10
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRound(ctx, round) })
		got := view(t, s, func(ctx context.Context, tx rfc.Tx) ([]*rfc.Round, error) { return tx.Rounds(ctx, r.ID) })
		if len(got) != 1 || got[0].Heads != 10 || got[0].RFC != r.ID || !got[0].OpenedAt.Equal(now) {
			t.Errorf("the rounds: %+v", got)
		}
		err := s.View(t.Context(), func(ctx context.Context, tx rfc.Tx) error { _, err := tx.Round(ctx, r.ID, 2); return err })
		notFound(t, "round 2", err)
	})
}

func TestPullsChecksAndComments(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		pull := rfc.Pull{Ref: app.IssueRef{Repository: 9, Number: 40}, Community: acme, HeadSHA: "abc", Open: true,
			Title: "Do it", Bound: []int{7, 8}, UpdatedAt: now}
		older := pull
		older.Title, older.Open, older.UpdatedAt = "Old", false, now.Add(-time.Second)
		check := rfc.CheckRecord{Repository: 9, HeadSHA: "abc", Name: "agora/rfc", Pulls: []int{40, 41}, MergeGroup: true, CheckID: 5}
		comment := rfc.Written{Ref: pull.Ref, Key: "sticky", CommentID: 3, SentAt: now}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			return errors.Join(tx.SavePull(ctx, pull), tx.SavePull(ctx, older), tx.SaveCheck(ctx, check), tx.SaveWrittenComment(ctx, comment))
		})
		bound := func(number int) []rfc.Pull {
			return view(t, s, func(ctx context.Context, tx rfc.Tx) ([]rfc.Pull, error) { return tx.PullsBoundTo(ctx, acme, number) })
		}
		same(t, "the pull requests of RFC-7", []rfc.Pull{pull}, bound(7))
		same(t, "the pull request", pull, view(t, s, func(ctx context.Context, tx rfc.Tx) (rfc.Pull, error) { return tx.Pull(ctx, pull.Ref) }))
		same(t, "the check", check, view(t, s, func(ctx context.Context, tx rfc.Tx) (rfc.CheckRecord, error) {
			return tx.Check(ctx, 9, "abc", "agora/rfc")
		}))
		same(t, "the merge groups of 41", []rfc.CheckRecord{check}, view(t, s, func(ctx context.Context, tx rfc.Tx) ([]rfc.CheckRecord, error) {
			return tx.MergeGroupsOf(ctx, app.IssueRef{Repository: 9, Number: 41})
		}))
		same(t, "the comment", comment, view(t, s, func(ctx context.Context, tx rfc.Tx) (rfc.Written, error) {
			return tx.WrittenComment(ctx, pull.Ref, "sticky")
		}))

		pull.Bound = []int{8}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SavePull(ctx, pull) })
		if got := bound(7); len(got) != 0 {
			t.Errorf("still bound to RFC-7: %+v", got)
		}
		pull.Open = false
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SavePull(ctx, pull) })
		if got := bound(8); len(got) != 0 {
			t.Errorf("a closed pull request is listed: %+v", got)
		}
	})
}

func TestATransferredIssueKeepsItsRFC(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, _ time.Time) {
		from, to := app.IssueRef{Repository: 9, Number: 1}, app.IssueRef{Repository: 10, Number: 5}
		r := &rfc.RFC{Community: acme, Ref: from}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			return errors.Join(tx.SaveRFC(ctx, r),
				tx.SaveWrittenComment(ctx, rfc.Written{Ref: from, Key: "sticky", CommentID: 1}),
				tx.SaveWrittenComment(ctx, rfc.Written{Ref: from, Key: "ballot/1", CommentID: 2}),
				tx.SaveWrittenComment(ctx, rfc.Written{Ref: to, Key: "sticky", CommentID: 3}),
				tx.MoveIssue(ctx, from, to))
		})
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			moved, err := tx.RFCByIssue(ctx, to)
			if err != nil || moved.ID != r.ID {
				t.Errorf("at the new place: %+v, %v", moved, err)
			}
			sticky, err := tx.WrittenComment(ctx, to, "sticky")
			ballot, errBallot := tx.WrittenComment(ctx, to, "ballot/1")
			if sticky.CommentID != 3 || ballot.CommentID != 2 {
				t.Errorf("comments at the new place: %+v %+v", sticky, ballot)
			}
			_, errOld := tx.RFCByIssue(ctx, from)
			notFound(t, "the RFC at the old place", errOld)
			return errors.Join(err, errBallot)
		})
	})
}

// An RFC that its repository left is kept under a number that no issue has.
func TestAnRFCLeavesItsIssueToAnotherOne(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, _ time.Time) {
		issue := app.IssueRef{Repository: 9, Number: 1}
		left := &rfc.RFC{Community: acme, Ref: issue, Left: 1}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRFC(ctx, left) })
		place, fresh := app.IssueRef{Repository: 9, Number: -int(left.ID)}, &rfc.RFC{Community: acme + 1, Ref: issue}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			return errors.Join(tx.SaveWrittenComment(ctx, rfc.Written{Ref: issue, Key: "sticky", CommentID: 1}),
				tx.MoveIssue(ctx, issue, place), tx.SaveRFC(ctx, fresh), tx.SaveRFC(ctx, &rfc.RFC{Community: acme, Ref: app.IssueRef{Repository: 10, Number: 1}}))
		})
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			at, err := tx.RFCByIssue(ctx, issue)
			if err != nil || at.ID != fresh.ID {
				t.Errorf("at the issue: %+v, %v", at, err)
			}
			kept, err := tx.RFCByIssue(ctx, place)
			if err != nil || kept.ID != left.ID || kept.Issue() != 1 {
				t.Errorf("kept: %+v, %v", kept, err)
			}
			if sticky, err := tx.WrittenComment(ctx, place, "sticky"); err != nil || sticky.CommentID != 1 {
				t.Errorf("its comment: %+v, %v", sticky, err)
			}
			_, err = tx.WrittenComment(ctx, issue, "sticky")
			notFound(t, "the comment of the one that left", err)
			found, err := tx.RFCs(ctx, rfc.Filter{Repository: 9})
			if len(found) != 2 {
				t.Errorf("%d RFCs of the repository, want both", len(found))
			}
			return err
		})
	})
}

func TestACommandRunIsRemembered(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		run := command.Run{Repository: 9, CommentID: 991, Ref: app.IssueRef{Repository: 9, Number: 1}, Author: 1,
			Lines: []command.Line{{Text: "7f83b165", Done: true, Vote: true, At: now}}}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			_, err := tx.CommandRun(ctx, 9, 991)
			notFound(t, "a run before it was saved", err)
			return tx.SaveCommandRun(ctx, run)
		})
		same(t, "the run", run, view(t, s, func(ctx context.Context, tx rfc.Tx) (command.Run, error) { return tx.CommandRun(ctx, 9, 991) }))
	})
}
