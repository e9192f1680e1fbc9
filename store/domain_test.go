package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
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

func TestRFCsAreListedNewestFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, _ time.Time) {
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			errs := tx.SaveRepository(ctx, app.Repository{ID: 9, Name: "public"})
			errs = errors.Join(errs, tx.SaveRepository(ctx, app.Repository{ID: 10, Name: "secret", Private: true}))
			for i, r := range []rfc.RFC{
				{Number: 1, State: rfc.Accepted}, {Number: 2, State: rfc.Voting}, {Number: 0, State: rfc.Draft}, {Number: 3, State: rfc.Voting},
			} {
				r.Community, r.Type, r.Ref = acme, "standard", app.IssueRef{Repository: 9 + int64(r.Number/3), Number: i + 1}
				errs = errors.Join(errs, tx.SaveRFC(ctx, &r))
			}
			return errors.Join(errs, tx.SaveRFC(ctx, &rfc.RFC{Community: 1, Number: 1, Ref: app.IssueRef{Repository: 1, Number: 1}}))
		})
		for want, filter := range map[string]rfc.Filter{
			"0 3 2 1": {Community: acme},
			"0 2 1":   {Community: acme, Public: true},
			"3 2":     {Community: acme, State: rfc.Voting},
			"2 1":     {Community: acme, BeforeNumber: 3},
			"0 3":     {Community: acme, Limit: 2},
			"":        {Community: acme, Type: "roadmap"},
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
		act := rfc.Act{Round: 1, Voter: app.User{ID: 3, Login: "v2"}, Choice: rfc.Reject, Channel: rfc.ByComment,
			Source: 991, At: now, Seen: now, URL: "https://example.com/1", Reason: "no\x00", Concern: 2}
		var round *rfc.Round
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			if err := tx.SaveRFC(ctx, r); err != nil {
				return err
			}
			round = &rfc.Round{RFC: r.ID, Number: 1, Type: "standard", Policy: config.DefaultPolicy(), OpenedAt: now, Heads: 9}
			act.RFC, act.Reason = r.ID, "no\x00"
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
		act.Reason = "no�"
		same(t, "the electorate", voters, view(t, s, func(ctx context.Context, tx rfc.Tx) ([]rfc.Voter, error) { return tx.Electorate(ctx, r.ID, 1) }))
		same(t, "the acts", []rfc.Act{act}, view(t, s, func(ctx context.Context, tx rfc.Tx) ([]rfc.Act, error) { return tx.Acts(ctx, r.ID, 1) }))
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

func TestNumbersAndTrailsHaveNoGaps(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		const writers, each = 4, 15
		var numbers atomic.Int64
		group, ctx := errgroup.WithContext(t.Context())
		for range writers {
			group.Go(func() error {
				for i := range each {
					err := s.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
						n, err := tx.NextNumber(ctx, acme)
						if err != nil {
							return err
						}
						err = tx.AppendAudit(ctx, audit.Entry{Community: acme, Subject: "rfc/1", At: clock.now(), Kind: "state",
							Inputs: audit.Inputs(map[string]any{"text": "<b>\x00 & ünï", "n": n})})
						if i%3 == 0 && err == nil {
							return errors.New("changed my mind")
						}
						if err == nil {
							numbers.Add(int64(n))
						}
						return err
					})
					if err != nil && i%3 != 0 {
						return err
					}
				}
				return nil
			})
		}
		must(t, group.Wait())
		const kept = writers * each * 2 / 3
		if numbers.Load() != kept*(kept+1)/2 {
			t.Errorf("the numbers sum to %d, want 1 to %d once each", numbers.Load(), kept)
		}
		entries, broken, err := s.VerifyAudit(t.Context())
		must(t, err)
		if entries != kept || len(broken) != 0 {
			t.Errorf("verified %d entries of %d: %v", entries, kept, broken)
		}
		var trail []audit.Entry
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			must(t, tx.AppendAudit(ctx, audit.Entry{Community: acme, Subject: "rfc/1", At: clock.now(), Kind: "last"}))
			trail, err = tx.Audit(ctx, acme, "rfc/1", kept-1, 0)
			return err
		}))
		if len(trail) != 2 || trail[1].Kind != "last" || trail[1].Seq != kept+1 {
			t.Errorf("the end of the trail: %+v", trail)
		}
	})
}

func TestATrailThatWasChangedIsFound(t *testing.T) {
	t.Parallel()
	url := storetest.SQLite(t)
	s := storetest.Open(t, url, store.Options{})
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite://"))
	must(t, err)
	defer db.Close()
	for community := range int64(4) {
		for i := range 3 {
			inTx(t, s, func(ctx context.Context, tx *store.Tx) error {
				return tx.AppendAudit(ctx, audit.Entry{Community: community + 1, Subject: "rfc/1", Reason: fmt.Sprint("reason", i)})
			})
		}
	}
	for _, forgery := range []string{
		`UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'reason1', 'reason9') AS BLOB) WHERE community = 1 AND seq = 2`,
		`DELETE FROM audit WHERE community = 2 AND seq = 1`,
		// An entry that is right in itself, at its place, but not the one that was written.
		`UPDATE audit SET chain = (SELECT chain FROM audit WHERE community = 4 AND seq = 3) WHERE community = 3 AND seq = 2`,
	} {
		_, err := db.ExecContext(t.Context(), forgery)
		must(t, err)
	}
	_, broken, err := s.VerifyAudit(t.Context())
	must(t, err)
	var got []string
	for _, err := range broken {
		got = append(got, err.Error())
	}
	same(t, "what was found", []string{
		"the audit trail of 1: entry 2 was changed",
		"the audit trail of 2: entry 1 is missing",
		"the audit trail of 3: the chain breaks at 2",
	}, got)
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

func TestAPartThatFailsIsUndoneAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		refused := errors.New("refused")
		part := func(ctx context.Context, id int64, result error) error {
			return s.InTx(ctx, func(ctx context.Context, tx rfc.Tx) error {
				return errors.Join(result,
					tx.SaveMember(ctx, community.Member{Community: acme, ID: id}),
					tx.AppendAudit(ctx, audit.Entry{Community: acme, Subject: community.MemberSubject(id), At: now}),
					tx.SaveRFC(ctx, &rfc.RFC{Community: acme, Ref: app.IssueRef{Repository: 9, Number: int(id)}}))
			})
		}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			must(t, part(ctx, 1, nil))
			if err := part(ctx, 2, refused); !errors.Is(err, refused) {
				t.Errorf("the part's error is %v", err)
			}
			if err := part(ctx, 1, nil); !app.Is(err, app.CodeConflict) { // the database itself refuses it
				t.Errorf("the conflicting part's error is %v", err)
			}
			return part(ctx, 3, nil)
		})
		var kept []int64
		for _, m := range view(t, s, func(ctx context.Context, tx rfc.Tx) ([]community.Member, error) { return tx.Members(ctx, acme) }) {
			kept = append(kept, m.ID)
		}
		same(t, "the members", []int64{1, 3}, kept)
		trail := view(t, s, func(ctx context.Context, tx rfc.Tx) ([]audit.Entry, error) { return tx.Audit(ctx, acme, "", 0, 0) })
		if len(trail) != 2 || trail[1].Subject != community.MemberSubject(3) {
			t.Errorf("the trail: %+v", trail)
		}
	})
}

func TestACommandRunIsRemembered(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		run := command.Run{Repository: 9, CommentID: 991, Ref: app.IssueRef{Repository: 9, Number: 1}, Author: 1,
			Lines: []command.Line{{Raw: "/vote approve", Done: true, Vote: true, At: now}}}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			_, err := tx.CommandRun(ctx, 9, 991)
			notFound(t, "a run before it was saved", err)
			return tx.SaveCommandRun(ctx, run)
		})
		same(t, "the run", run, view(t, s, func(ctx context.Context, tx rfc.Tx) (command.Run, error) { return tx.CommandRun(ctx, 9, 991) }))
	})
}

func TestAViewChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		for name, write := range map[string]func(context.Context, rfc.Tx) error{
			"SaveMember": func(ctx context.Context, tx rfc.Tx) error {
				return tx.SaveMember(ctx, community.Member{Community: acme, ID: 1})
			},
			"AppendAudit": func(ctx context.Context, tx rfc.Tx) error {
				return tx.AppendAudit(ctx, audit.Entry{Community: acme, At: now})
			},
			"InTx": func(ctx context.Context, _ rfc.Tx) error {
				return s.InTx(ctx, func(context.Context, rfc.Tx) error { return nil })
			},
		} {
			if err := s.View(t.Context(), write); err == nil {
				t.Errorf("%s in a view was accepted", name)
			}
		}
	})
}
