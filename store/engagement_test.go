package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/community/engagement"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
)

// acmeRepository is a repository of the community, public unless said otherwise.
func acmeRepository(id int64, private bool) app.Repository {
	return app.Repository{ID: id, Owner: app.Account{ID: acme, Login: "acme"}, Name: "r", Private: private, Installation: 5}
}

// Members from before the step have their instants afterwards; the step can be undone.
func TestEngagementsStepTakesOverWhenMembersJoined(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, clock, _ *testClock) {
		joined := clock.now().Truncate(time.Second)
		change(t, s.RFC(), func(ctx context.Context, tx rfc.Tx) error {
			return errors.Join(
				tx.SaveMember(ctx, community.Member{Community: acme, ID: 1, Login: "kim", JoinedAt: joined}),
				tx.SaveMember(ctx, community.Member{Community: acme, ID: 2, JoinedAt: joined.AddDate(0, -1, 0), LeftAt: joined}),
				tx.SaveMember(ctx, community.Member{Community: acme, ID: 3, Blocked: true})) // never joined
		})
		must(t, s.DownTo(t.Context(), 8))
		must(t, s.Migrate(t.Context()))
		span := engagement.Span{From: joined, To: joined.Add(1)}
		change(t, s.RFC(), func(ctx context.Context, tx rfc.Tx) error {
			members, fresh, err := tx.MemberCounts(ctx, acme, engagement.Span{From: joined, To: joined.Add(time.Microsecond)})
			if members != 1 || fresh != 1 {
				t.Errorf("%d members, %d of them new", members, fresh)
			}
			return err
		})
		month := engagement.Span{From: joined.AddDate(0, -1, 0), To: joined}
		if n := view(t, s.RFC(), func(ctx context.Context, tx rfc.Tx) (int, error) { return tx.Joined(ctx, acme, month) }); n != 1 {
			t.Errorf("%d joined in the month before %v, also who left", n, span)
		}
	})
}

// Spans hold their first instant and not their last, and nothing of other communities.
func TestSumsOfContributions(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		from, to := now.Add(-48*time.Hour), now
		within, scope := engagement.Span{From: from, To: to}, community.Scope{Community: acme}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			err := errors.Join(tx.SaveRepository(ctx, acmeRepository(9, false)),
				tx.SaveMember(ctx, community.Member{Community: acme, ID: 1, JoinedAt: from}))
			for source, c := range map[string]community.Contribution{
				"before": {At: from.Add(-time.Microsecond)}, "first": {At: from}, "last": {At: to.Add(-time.Microsecond), Counterpart: 2},
				"after": {At: to}, "again": {At: to.Add(-time.Microsecond), Counterpart: 2},
			} {
				c.Member, c.Kind, c.Repository, c.Source = 1, community.ContributedComment, 9, source
				_, added := tx.AddContribution(ctx, acme, c)
				_, elsewhere := tx.AddContribution(ctx, acme+1, c)
				err = errors.Join(err, added, elsewhere)
			}
			return err
		})
		same(t, "by member", []engagement.Activity{{Member: 1, Contributions: 3, Last: to.Add(-time.Microsecond), Earlier: 1}},
			view(t, s, func(ctx context.Context, tx rfc.Tx) ([]engagement.Activity, error) {
				return tx.Activities(ctx, scope, within, engagement.Span{From: from, To: from.Add(time.Microsecond)})
			}))
		same(t, "by kind", map[community.ContributionKind]int{community.ContributedComment: 3},
			view(t, s, func(ctx context.Context, tx rfc.Tx) (map[community.ContributionKind]int, error) {
				return tx.ContributionKinds(ctx, scope, community.ContributionKinds, within)
			}))
		same(t, "by day", []engagement.Did{
			{Day: engagement.DayOf(from), Kind: "comment", Count: 1},
			{Day: engagement.DayOf(to.Add(-time.Microsecond)), Kind: "comment", Counterpart: 2, Count: 2},
		}, view(t, s, func(ctx context.Context, tx rfc.Tx) ([]engagement.Did, error) { return tx.Did(ctx, scope, 1, within) }))
		for least, want := range map[int]int{1: 1, 2: 0} {
			got := view(t, s, func(ctx context.Context, tx rfc.Tx) (int, error) {
				return tx.Activated(ctx, scope, within, time.Hour, least)
			})
			if got != want {
				t.Errorf("%d newcomers contributed %d times in their first hour, want %d", got, least, want)
			}
		}
		active := view(t, s, func(ctx context.Context, tx rfc.Tx) (int, error) {
			return tx.ActiveOf(ctx, scope, within, engagement.Span{From: to, To: to.Add(time.Microsecond)})
		})
		if active != 1 {
			t.Errorf("%d of them were active after", active)
		}
	})
}

func TestADigestIsRemembered(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		want := community.DigestRecord{Community: acme, Target: "repository/9", Month: "2026-10", Issue: 7, Sent: "sum", Intent: now, Warned: true}
		read := func(month string) (community.DigestRecord, error) {
			var record community.DigestRecord
			err := s.View(t.Context(), func(ctx context.Context, tx rfc.Tx) (err error) {
				record, err = tx.Digest(ctx, acme, want.Target, month)
				return err
			})
			return record, err
		}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SaveDigest(ctx, want) })
		want.Issue = 8
		change(t, s, func(ctx context.Context, tx rfc.Tx) error { return tx.SaveDigest(ctx, want) })
		got, err := read("2026-10")
		must(t, err)
		same(t, "the digest", want, got)
		_, err = read("2026-11")
		notFound(t, "another month's", err)
	})
}

// What a digest lists, oldest first; an RFC whose repository is private, gone or
// unknown is in nobody else's list.
func TestRFCsOfADigest(t *testing.T) {
	onBoth(t, func(t *testing.T, s rfc.Store, now time.Time) {
		within := engagement.Span{From: now.Add(-time.Hour), To: now}
		change(t, s, func(ctx context.Context, tx rfc.Tx) error {
			gone := acmeRepository(11, false)
			gone.Installation = 0
			err := errors.Join(tx.SaveRepository(ctx, acmeRepository(9, false)), tx.SaveRepository(ctx, acmeRepository(10, true)), tx.SaveRepository(ctx, gone))
			for n, repository := range []int64{9, 10, 11, 12, 9} {
				r := &rfc.RFC{Community: acme, Number: n + 1, State: rfc.Accepted, Ref: app.IssueRef{Repository: repository, Number: n + 1}, Title: "T", URL: "u",
					NumberedAt: now.Add(-time.Minute * time.Duration(n+1)), Round: 1}
				err = errors.Join(err, tx.SaveRFC(ctx, r))
				err = errors.Join(err, tx.SaveRound(ctx, &rfc.Round{RFC: r.ID, Number: 1, ClosedAt: now.Add(-time.Minute), Outcome: rfc.OutcomeAccepted}),
					tx.SaveRound(ctx, &rfc.Round{RFC: r.ID, Number: 2, ClosedAt: now.Add(-time.Minute), Outcome: rfc.OutcomeAbandoned}))
			}
			return err
		})
		listed := func(scope community.Scope) (opened, decided []int) {
			must(t, s.View(t.Context(), func(ctx context.Context, tx rfc.Tx) error {
				found, err := tx.OpenedRFCs(ctx, scope, within)
				for _, r := range found {
					opened = append(opened, r.Number)
				}
				judged, errJudged := tx.DecidedRFCs(ctx, scope, within)
				for _, r := range judged {
					if decided = append(decided, r.Number); r.Outcome != "accepted" || r.Title != "T" || r.URL != "u" {
						t.Errorf("listed as %+v", r)
					}
				}
				return errors.Join(err, errJudged)
			}))
			return opened, decided
		}
		opened, decided := listed(community.Scope{Community: acme})
		same(t, "opened", []int{5, 1}, opened)
		same(t, "decided", []int{1, 5}, decided)
		opened, _ = listed(community.Scope{Community: acme, Repository: 10})
		same(t, "opened, from the private one", []int{5, 2, 1}, opened)
	})
}
