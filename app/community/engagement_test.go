package community_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/community/engagement"
	"github.com/agora-rfc/agora/app/rfc"
)

var (
	// measuredAt is a Wednesday: the current ISO week began two days before.
	measuredAt = time.Date(2026, 10, 14, 12, 0, 0, 0, time.UTC)
	vault      = app.Repository{ID: 10, Owner: rocket.Owner, Name: "vault", Private: true, Installation: 5}
	lost       = app.Repository{ID: 11, Owner: rocket.Owner, Name: "lost"} // the App does not reach it
)

// did is a contribution by kind and age in days, always at noon, about the work of
// somebody (0: nobody).
type did struct {
	age   int
	kind  community.ContributionKind
	about int64
	times int
}

// dozen is a community of 12, by hand. Members 1 to 11 joined 80 days ago at noon, so
// that their first 14 days ended 66 days ago at noon; member 12 joined 200 days ago.
//
//	member  contributions at the ages                  in 90 d  first 14 d  31–60 d  0–30 d  0–29 d  0–6 d
//	     1  79 70 60 and 3 eleven times                    14    2 yes         yes     yes     yes     yes
//	     2  79 70 60 and 3 six times                        9    2 yes         yes     yes     yes     yes
//	     3  79 70 60 3                                      4    2 yes         yes     yes     yes     yes
//	     4  79 70 60 3                                      4    2 yes         yes     yes     yes     yes
//	     5  79 70 60 3                                      4    2 yes         yes     yes     yes     yes
//	     6  79 70 31 30                                     4    2 yes         yes     yes     –       –
//	     7  79 70 31                                        3    2 yes         yes     –       –       –
//	     8  79 66 31, that of 66 just when the 14 d end     3    1 –           yes     –       –       –
//	     9  79 31                                           2    1 –           yes     –       –       –
//	    10  79 31                                           2    1 –           yes     –       –       –
//	    11  79 61                                           2    1 –           –       –       –       –
//	    12  30, and 90, which is over                       1    no joiner     –       yes     –       –
//	    all                                                52    7 of 11       10    6 of 10    5       5
//
// Of the RFCs 1 to 10, opened 10 to 19 days ago, 1 to 6 were answered within the hour, 7
// after 48 hours to the microsecond, 8 a microsecond later, 9 and 10 never: 7 of 10. RFC 11
// is 47 hours old and RFC 12 is from 90 days ago: neither counts. In the rounds of RFC 1 to
// 10, n of 20 voted on RFC n: the median is (5/20 + 6/20)/2 = 11/40. RFC 11's was restarted,
// RFC 12's had nobody in N.
//
//	activation   7/11              × 25 = 15.9091
//	retention    6/10              × 25 = 15
//	response     7/10              × 15 = 10.5
//	turnout      (11/40)/(2/5)     × 15 = 10.3125
//	stickiness   5 of 5: fewer than 10, not enough data
//	diversity    14 + 9 + 4 = 27 of 52, so 3/5 × 10 = 6
//
//	57.7216 of 90, scaled up to 64.135: 64
//
// What is in the private repository and in the one that the App lost would change nearly
// everything: it counts for nothing.
var dozen = map[int64][]did{
	1:  {{79, community.ContributedComment, 2, 1}, {70, community.ContributedComment, 3, 1}, {60, community.ContributedComment, 0, 1}, {3, community.ContributedComment, 2, 11}},
	2:  {{79, community.ContributedComment, 1, 1}, {70, community.ContributedComment, 1, 1}, {60, community.ContributedComment, 1, 1}, {3, community.ContributedComment, 1, 6}},
	3:  {{79, community.ContributedRFC, 0, 1}, {70, community.ContributedPullRequest, 1, 1}, {60, community.ContributedReview, 2, 1}, {3, community.ContributedVote, 4, 1}},
	4:  {{79, community.ContributedComment, 1, 1}, {70, community.ContributedComment, 1, 1}, {60, community.ContributedComment, 1, 1}, {3, community.ContributedComment, 1, 1}},
	5:  {{79, community.ContributedComment, 1, 1}, {70, community.ContributedComment, 1, 1}, {60, community.ContributedComment, 1, 1}, {3, community.ContributedComment, 1, 1}},
	6:  {{79, community.ContributedReaction, 0, 1}, {70, community.ContributedRating, 0, 1}, {31, community.ContributedEndorsement, 0, 1}, {30, community.ContributedComment, 0, 1}},
	7:  {{79, community.ContributedComment, 1, 1}, {70, community.ContributedComment, 1, 1}, {31, community.ContributedComment, 1, 1}},
	8:  {{79, community.ContributedComment, 1, 1}, {66, community.ContributedComment, 1, 1}, {31, community.ContributedComment, 1, 1}},
	9:  {{79, community.ContributedComment, 1, 1}, {31, community.ContributedComment, 1, 1}},
	10: {{79, community.ContributedComment, 1, 1}, {31, community.ContributedComment, 1, 1}},
	11: {{79, community.ContributedComment, 1, 1}, {61, community.ContributedComment, 1, 1}},
	12: {{30, community.ContributedVote, 1, 1}, {90, community.ContributedComment, 1, 1}},
}

func ago(days int) time.Time { return measuredAt.AddDate(0, 0, -days) }

// fill makes the community of the table.
func fill(f *forum) {
	f.t.Helper()
	f.now = measuredAt
	err := f.store.RFC().InTx(f.t.Context(), func(ctx context.Context, tx rfc.Tx) error {
		for _, repository := range []app.Repository{rocket, vault, lost} {
			if err := tx.SaveRepository(ctx, repository); err != nil {
				return err
			}
		}
		source := 0
		add := func(member int64, d did, repository int64) error {
			for range d.times {
				source++
				_, err := tx.AddContribution(ctx, rocket.Owner.ID, community.Contribution{Member: member, Kind: d.kind, Repository: repository,
					Counterpart: d.about, At: ago(d.age), Source: fmt.Sprintf("source/%d", source)})
				if err != nil {
					return err
				}
			}
			return nil
		}
		for id := int64(1); id <= 12; id++ {
			joined := ago(80)
			if id == 12 {
				joined = ago(200)
			}
			if err := tx.SaveMember(ctx, community.Member{Community: rocket.Owner.ID, ID: id, Login: fmt.Sprintf("member-%d", id), JoinedAt: joined}); err != nil {
				return err
			}
			for _, d := range dozen[id] {
				if err := add(id, d, rocket.ID); err != nil {
					return err
				}
			}
			for _, hidden := range []app.Repository{vault, lost} {
				if err := add(id, did{age: 1, kind: community.ContributedRFC, about: id%12 + 1, times: int(id)}, hidden.ID); err != nil {
					return err
				}
			}
		}
		for n := 1; n <= 12; n++ {
			if err := fillRFC(ctx, tx, n, rocket.ID); err != nil {
				return err
			}
		}
		return fillRFC(ctx, tx, 13, vault.ID)
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// fillRFC makes RFC n of the table.
func fillRFC(ctx context.Context, tx rfc.Tx, n int, repository int64) error {
	opened, answer, heads, outcome := ago(9+n), time.Hour, 20, rfc.OutcomeRejected
	switch n {
	case 7:
		answer = 48 * time.Hour
	case 8:
		answer = 48*time.Hour + time.Microsecond
	case 9, 10:
		answer = 0
	case 11:
		opened, outcome = measuredAt.Add(-47*time.Hour), rfc.OutcomeRestarted
	case 12:
		opened, heads = ago(90), 0
	}
	r := &rfc.RFC{Community: rocket.Owner.ID, Number: n, State: rfc.Rejected, Ref: app.IssueRef{Repository: repository, Number: n},
		Title: fmt.Sprintf("RFC %d", n), URL: fmt.Sprintf("https://github.example/%d", n), NumberedAt: opened, Round: 1}
	if answer > 0 {
		r.RepliedAt = opened.Add(answer)
	}
	if err := tx.SaveRFC(ctx, r); err != nil {
		return err
	}
	return tx.SaveRound(ctx, &rfc.Round{RFC: r.ID, Number: 1, ClosedAt: ago(5), Outcome: outcome, Voters: n, Heads: heads})
}

func TestEngagementOfAHandComputedCommunity(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		fill(f)
		stats, err := f.service.Stats(f.t.Context(), community.Scope{Community: rocket.Owner.ID})
		if err != nil {
			f.t.Fatal(err)
		}
		type part struct {
			Name            string
			Numerator       int64
			Denominator     int64
			Sample, Percent int
		}
		want := []part{{"activation", 7, 11, 11, 64}, {"retention", 6, 10, 10, 60}, {"response", 7, 10, 10, 70},
			{"turnout", 11, 40, 10, 69}, {"stickiness", 5, 5, 5, -1}, {"diversity", 3, 5, 52, 60}}
		var got []part
		for _, p := range stats.Report.Parts {
			percent := -1
			if p.Enough() {
				percent = engagement.Percent(p.Value)
			}
			got = append(got, part{p.Name, p.Numerator, p.Denominator, p.Sample, percent})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			f.t.Errorf("the parts (-want +got):\n%s", diff)
		}
		if stats.Report.Score == nil || *stats.Report.Score != 64 {
			f.t.Errorf("the score is %v, want 64", stats.Report.Score)
		}
		if stats.Members != 12 || stats.Active != 5 || stats.New != 0 {
			f.t.Errorf("%d members, %d active, %d new", stats.Members, stats.Active, stats.New)
		}
		kinds := map[community.ContributionKind]int{"comment": 44, "rfc": 1, "pull_request": 1, "review": 1, "vote": 2, "reaction": 1, "rating": 1, "endorsement": 1}
		if diff := cmp.Diff(kinds, stats.Contributions); diff != "" {
			f.t.Errorf("the contributions (-want +got):\n%s", diff)
		}
	})
}

// The scores of four members of the dozen, by hand; ages 0 to 2 are the current ISO week.
//
//	member 1   F: ages 79, 70, 60, 3 lie in four weeks: 4/13 × 35 = 10.769
//	           V: 3·(2^(−79/30) + 2^(−70/30) + 2^(−60/30) + 11·2^(−3/30)) = 32.619; 1 − e^(−1.63095) = .8043 × 30 = 24.128
//	           B: one kind, 1/5 × 15 = 3        C: members 2 and 3, 2/10 × 20 = 4         41.90: 42
//	member 3   F: 10.769   V: 10·.16118 + 6·.19843 + 3·.25 + 1·.93303 = 4.4854, .2009 × 30 = 6.027
//	           B: four kinds, 12                C: members 1, 2 and 4, 6                  34.80: 35
//	member 6   F: 79, 70, 31 and, on the Monday after, 30 are four weeks: 10.769
//	           V: ½·.16118 + 2·.19843 + 0 + 3·.5 = 1.9775, .0941 × 30 = 2.824
//	           B: four kinds, 12                C: nobody, 0                              25.59: 26
//	member 12  F: 1/13 × 35 = 2.692   V: 1·.5, .0247 × 30 = .741   B: 3   C: member 1, 2   8.43: 8
func TestEngagementOfHandComputedMembers(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		fill(f)
		for member, want := range map[int64]int{1: 42, 3: 35, 6: 26, 12: 8, 99: 0} {
			got, err := f.service.Engagement(f.t.Context(), community.Scope{Community: rocket.Owner.ID}, member)
			if err != nil || got != want {
				f.t.Errorf("member %d scores %d (%v), want %d", member, got, err, want)
			}
		}
	})
}

// Who left is no member, but joined: a newcomer whom nobody kept counts for the activation.
func TestWhoLeftIsAJoinerStill(t *testing.T) {
	onForum(t, known, func(f *forum) {
		fill(f)
		f.change(func(ctx context.Context, tx community.Tx) error {
			m, err := tx.Member(ctx, rocket.Owner.ID, 11)
			if err != nil {
				return err
			}
			m.LeftAt = measuredAt
			return tx.SaveMember(ctx, m)
		})
		stats, err := f.service.Stats(f.t.Context(), community.Scope{Community: rocket.Owner.ID})
		if err != nil {
			f.t.Fatal(err)
		}
		if activation := stats.Report.Parts[0]; stats.Members != 11 || activation.Name != "activation" || activation.Denominator != 11 {
			f.t.Errorf("%d members, and %+v", stats.Members, activation)
		}
	})
}

// Who reviews or likes what is their own meets nobody by it.
func TestNobodyMeetsThemselves(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		f.change(func(ctx context.Context, tx community.Tx) error {
			for _, about := range []int64{kim, lee} {
				err := community.Contribute(ctx, tx, rocket.Owner.ID, community.Contribution{Member: kim, Kind: community.ContributedComment, Repository: rocket.ID,
					Counterpart: about, At: f.now, Source: fmt.Sprintf("comment/%d", about)})
				if err != nil {
					return err
				}
			}
			done, err := tx.ContributionsOf(ctx, rocket.Owner.ID, kim, 0)
			met := map[int64]int{}
			for _, c := range done {
				met[c.Counterpart]++
			}
			if diff := cmp.Diff(map[int64]int{0: 1, lee: 1}, met); diff != "" {
				f.t.Errorf("kim met (-want +got):\n%s", diff)
			}
			return err
		})
	})
}

// A private repository is counted where its own readers ask, and nowhere else.
func TestPrivateRepositoriesCountForTheirReadersAlone(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		fill(f)
		read := func(repository int64) community.Stats {
			stats, err := f.service.Stats(f.t.Context(), community.Scope{Community: rocket.Owner.ID, Repository: repository})
			if err != nil {
				f.t.Fatal(err)
			}
			return stats
		}
		if inside := read(vault.ID); inside.Contributions[community.ContributedRFC] != 1+78 || inside.RFCs["rejected"] != 13 || inside.Active != 12 {
			f.t.Errorf("from within: %v, %v, %d active", inside.Contributions, inside.RFCs, inside.Active)
		}
		for _, outside := range []int64{0, rocket.ID, 4711} {
			if seen := read(outside); seen.Contributions[community.ContributedRFC] != 1 || seen.RFCs["rejected"] != 12 || seen.Active != 5 {
				f.t.Errorf("from repository %d: %v, %v, %d active", outside, seen.Contributions, seen.RFCs, seen.Active)
			}
		}
		// One that becomes private takes what was done there with it.
		f.change(func(ctx context.Context, tx community.Tx) error {
			hidden := rocket
			hidden.Private = true
			return tx.SaveRepository(ctx, hidden)
		})
		if seen := read(0); len(seen.Contributions) != 0 || len(seen.RFCs) != 0 || *seen.Report.Score != 0 {
			f.t.Errorf("after it became private: %v, %v, %v", seen.Contributions, seen.RFCs, seen.Report.Score)
		}
	})
}

// A few people are counted, not shown as percentages.
func TestSmallCohortsAreNoPercentages(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.now = measuredAt
		f.change(func(ctx context.Context, tx community.Tx) error {
			for id := range int64(3) {
				if err := tx.SaveMember(ctx, community.Member{Community: rocket.Owner.ID, ID: id + 1, JoinedAt: measuredAt.AddDate(0, -2, int(id))}); err != nil {
					return err
				}
			}
			if err := tx.SaveRepository(ctx, rocket); err != nil {
				return err
			}
			_, err := tx.AddContribution(ctx, rocket.Owner.ID, community.Contribution{Member: 1, Kind: community.ContributedVote, Repository: rocket.ID,
				At: measuredAt.AddDate(0, -1, 0), Source: "source"})
			return err
		})
		if reply := f.accepts(person(kim, "kim"), "/community stats"); !strings.Contains(reply, "\n| 2026-08 | 3 | 1 | – | – |\n") {
			f.t.Errorf("three who joined:\n%s", reply)
		}
	})
}

func TestCommunityStatsCommand(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.now = measuredAt
		f.change(func(ctx context.Context, tx community.Tx) error { return tx.SaveRepository(ctx, rocket) })
		golden(f.t, "stats-empty.md", f.accepts(person(kim, "kim"), "/community stats"))
		fill(f)
		golden(f.t, "stats.md", f.accepts(person(kim, "kim"), "/community stats"))
	})
}
