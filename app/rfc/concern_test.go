package rfc

import (
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

func TestMayRaise(t *testing.T) {
	t.Parallel()
	rules := config.DefaultPolicy().Concerns
	raised := func(raisers ...int64) *RFC {
		r := &RFC{Number: 7}
		for i, id := range raisers {
			r.Concerns = append(r.Concerns, Concern{Number: i + 1, Raiser: app.User{ID: id}, State: ConcernResolved})
		}
		return r
	}
	round := newBallotBox(config.Roadmap, equals(3)...).record.Round
	lastQuarter := 7 * day * 3 / 4
	tests := map[string]struct {
		rfc    *RFC
		round  *Round
		at     time.Duration
		reason string // "" when it may be raised
	}{
		"in discussion":                        {raised(), nil, 0, ""},
		"while voting":                         {raised(), round, hour, ""},
		"a second one":                         {raised(1, 2, 2, 2), nil, 0, ""},
		"a third one, though both are settled": {raised(1, 2, 1), nil, 0, "at most 2 concerns"},
		"just before the last quarter":         {raised(), round, lastQuarter - 1, ""},
		"at the beginning of the last quarter": {raised(), round, lastQuarter, "last quarter"},
		"at the end":                           {raised(), round, 7 * day, "last quarter"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			may, reason := MayRaise(tc.rfc, tc.round, rules, 1, opening.Add(tc.at))
			if may != (tc.reason == "") || !strings.Contains(reason, tc.reason) || may && reason != "" {
				t.Errorf("may %v, because %q, want %q", may, reason, tc.reason)
			}
		})
	}
}

func TestTwentyCharactersAreAReason(t *testing.T) {
	t.Parallel()
	rules := config.DefaultPolicy().Concerns
	for text, want := range map[string]bool{
		strings.Repeat("é", 20):              true, // characters, not bytes
		strings.Repeat("é", 19):              false,
		" " + strings.Repeat("x", 19) + "\n": false,
	} {
		if got := GivesReason(text, rules); got != want {
			t.Errorf("%q is a reason: %v, want %v", text, got, want)
		}
	}
}

func TestOpenConcernsAreThoseNotSettled(t *testing.T) {
	t.Parallel()
	all := []Concern{{State: ConcernOpen}, {State: ConcernAddressed}, {State: ConcernResolved}, {State: ConcernLapsed}, {State: ConcernOverruled}}
	if got := OpenConcerns(all); got != 2 {
		t.Errorf("%d concerns are open, want 2: the author's word alone settles nothing", got)
	}
	for i, concern := range all {
		if concern.Settled() != (i >= 2) {
			t.Errorf("%s: settled %v", concern.State, concern.Settled())
		}
	}
}

// withObjection is a vote of four approvals and one request for changes, which by
// itself would pass: 4 of 5 for it, quorum 3.
func withObjection() (*ballotBox, *Concern) {
	b := newBallotBox(config.CapabilityProposal, equals(9)...)
	for voter := range int64(4) {
		b.comment(voter+1, Approve, hour)
	}
	return b, b.object(5, 2*hour)
}

func TestAConcernBlocksUntilItIsSettled(t *testing.T) {
	t.Parallel()
	end := 7 * day
	tests := map[string]struct {
		settle  func(*Concern)
		outcome Outcome
		against int
		abstain int
	}{
		"open":                            {func(*Concern) {}, OutcomeChangesRequested, 1, 0},
		"addressed by the author":         {func(c *Concern) { c.State, c.AddressedAt = ConcernAddressed, opening.Add(day) }, OutcomeChangesRequested, 1, 0},
		"resolved":                        {func(c *Concern) { c.end(ConcernResolved, day) }, OutcomeAccepted, 0, 1},
		"lapsed":                          {func(c *Concern) { c.end(ConcernLapsed, day) }, OutcomeAccepted, 0, 1},
		"overruled":                       {func(c *Concern) { c.end(ConcernOverruled, day) }, OutcomeAccepted, 1, 0},
		"resolved at the last moment":     {func(c *Concern) { c.end(ConcernResolved, end-1) }, OutcomeAccepted, 0, 1},
		"resolved at the deadline":        {func(c *Concern) { c.end(ConcernResolved, end) }, OutcomeChangesRequested, 1, 0},
		"overruled at the deadline":       {func(c *Concern) { c.end(ConcernOverruled, end) }, OutcomeChangesRequested, 1, 0},
		"resolved, but nobody knows when": {func(c *Concern) { c.State = ConcernResolved }, OutcomeChangesRequested, 1, 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, concern := withObjection()
			tc.settle(concern)
			r := b.now(20 * day).recount()
			if r.Verdict.Outcome != tc.outcome || r.Tally.Against().Voters != tc.against || r.Tally.Abstain.Voters != tc.abstain {
				t.Errorf("%s with %d against and %d abstaining, want %s with %d and %d",
					r.Verdict.Outcome, r.Tally.Against().Voters, r.Tally.Abstain.Voters, tc.outcome, tc.against, tc.abstain)
			}
			if blocked := r.OpenConcerns == 1; blocked != (tc.outcome == OutcomeChangesRequested) {
				t.Errorf("%d open concerns", r.OpenConcerns)
			}
		})
	}
}

func TestOnlyTheBallotThatOpenedTheConcernTurnsIntoAnAbstention(t *testing.T) {
	t.Parallel()
	b, concern := withObjection()
	concern.end(ConcernResolved, day)
	b.comment(6, RequestChanges, hour) // somebody else's, without a concern
	b.comment(5, RequestChanges, 2*day)
	if got := b.recount().Tally; got.RequestChanges.Voters != 2 || got.Abstain.Voters != 0 {
		t.Errorf("a request for changes after the first was met must count against: %+v", got)
	}
}

func TestAMetConcernLeavesANewerVoteAlone(t *testing.T) {
	t.Parallel()
	b, concern := withObjection()
	b.comment(5, Reject, day)
	concern.end(ConcernResolved, 2*day)
	if got := b.recount().Tally; got.Reject.Voters != 1 || got.Abstain.Voters != 0 {
		t.Errorf("resolving a concern changed the raiser's newer vote: %+v", got)
	}
}

func TestTheAbstentionCountsTowardsTheQuorum(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.CapabilityProposal, equals(9)...)
	b.comment(1, Approve, hour)
	b.comment(2, Approve, hour)
	concern := b.object(3, hour)
	if got := b.recount().Verdict; got.QuorumToPass || got.QuorumHeads != 2 {
		t.Errorf("a request for changes counted towards the quorum to pass: %+v", got)
	}
	concern.end(ConcernLapsed, day)
	if got := b.recount().Verdict; got.Outcome != OutcomeAccepted || got.QuorumHeads != 3 {
		t.Errorf("an abstention did not count towards the quorum to pass: %+v", got)
	}
}

func TestAConcernFromTheDiscussionBlocksTheVote(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.Roadmap, equals(4)...)
	for voter := range int64(4) {
		b.comment(voter+1, Approve, hour)
	}
	b.record.Concerns = []Concern{{Number: 1, Raiser: app.User{ID: 60}, State: ConcernOpen, RaisedAt: opening.Add(-3 * day)}}
	if got := b.recount().Verdict.Outcome; got != OutcomeChangesRequested {
		t.Errorf("outcome %q, want changes-requested", got)
	}
}
