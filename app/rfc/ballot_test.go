package rfc

import (
	"slices"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// counted says what one voter's acts amounted to: the choice that counts, or
// Conflicting, or "" when nothing does.
func counted(t *testing.T, r Result, voter int64) Choice {
	t.Helper()
	var found []Choice
	conflict := false
	for _, b := range r.Ballots {
		if b.Voter.ID != voter {
			continue
		}
		if b.Counted {
			found = append(found, b.Act.Choice)
			if b.WhyNot != "" {
				t.Errorf("a counted ballot says why it does not count: %q", b.WhyNot)
			}
		} else if b.WhyNot == "" {
			t.Errorf("ballot %d does not count and does not say why", b.ID)
		}
		conflict = conflict || b.Choice == Conflicting
	}
	switch {
	case len(found) > 1 || conflict && len(found) > 0:
		t.Fatalf("more than one ballot of voter %d counts: %v", voter, found)
	case conflict:
		return Conflicting
	case len(found) == 1:
		return found[0]
	}
	return ""
}

func TestReactionsMeanChoices(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]Choice{"+1": Approve, "-1": Reject, "confused": RequestChanges, "eyes": Abstain} {
		if got, ok := ReactionChoice(content); !ok || got != want {
			t.Errorf("ReactionChoice(%q) = %q, %v, want %q", content, got, ok, want)
		}
	}
	for _, content := range []string{"heart", "rocket", "hooray", "laugh", "", "👍"} {
		if got, ok := ReactionChoice(content); ok {
			t.Errorf("ReactionChoice(%q) = %q, but it is no vote", content, got)
		}
	}
}

func TestWhichActCounts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		acts func(*ballotBox)
		want Choice
	}{
		"nothing said": {func(*ballotBox) {}, ""},
		"a comment":    {func(b *ballotBox) { b.comment(1, Approve, hour) }, Approve},
		"a review":     {func(b *ballotBox) { b.review(1, Approve, hour) }, Approve},
		"a reaction":   {func(b *ballotBox) { b.react(1, Approve, 5, hour) }, Approve},

		"a newer reaction beats a comment": {func(b *ballotBox) { b.comment(1, Approve, hour); b.react(1, Reject, 5, 2*hour) }, Reject},
		"a newer comment beats a review":   {func(b *ballotBox) { b.review(1, Approve, hour); b.comment(1, Reject, 2*hour) }, Reject},
		"a newer review beats a comment":   {func(b *ballotBox) { b.comment(1, Approve, hour); b.review(1, Reject, 2*hour) }, Reject},
		"a newer comment beats a reaction": {func(b *ballotBox) { b.react(1, Approve, 5, hour); b.comment(1, Reject, 2*hour) }, Reject},
		"an older act read later is still older": {func(b *ballotBox) {
			b.comment(1, Reject, 2*hour)
			b.comment(1, Approve, hour).Seen = opening.Add(3 * hour)
		}, Reject},

		"at one instant a comment beats a review":     {func(b *ballotBox) { b.comment(1, Approve, hour); b.review(1, Reject, hour) }, Approve},
		"at one instant a review beats a reaction":    {func(b *ballotBox) { b.review(1, Approve, hour); b.react(1, Reject, 5, hour) }, Approve},
		"at one instant a comment beats a reaction":   {func(b *ballotBox) { b.comment(1, Approve, hour); b.react(1, Reject, 5, hour) }, Approve},
		"at one instant the higher comment id counts": {func(b *ballotBox) { b.add(1, Approve, ByComment, 9, hour); b.add(1, Reject, ByComment, 8, hour) }, Approve},
		"ids are numbers, not words":                  {func(b *ballotBox) { b.add(1, Approve, ByReview, 10, hour); b.add(1, Reject, ByReview, 9, hour) }, Approve},
		"the higher id decides only within a channel": {func(b *ballotBox) { b.add(1, Approve, ByComment, 1, hour); b.add(1, Reject, ByReview, 9, hour) }, Approve},

		"two contradicting reactions":                {func(b *ballotBox) { b.react(1, Approve, 5, hour); b.react(1, Reject, 6, 2*hour) }, Conflicting},
		"two contradicting reactions at one instant": {func(b *ballotBox) { b.react(1, Approve, 5, hour); b.react(1, Reject, 6, hour) }, Conflicting},
		"a third reaction that contradicts changes it not": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Reject, 6, 2*hour)
			b.react(1, Abstain, 7, 3*hour)
		}, Conflicting},
		"a conflict ends with a comment": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Reject, 6, 2*hour)
			b.comment(1, Abstain, 3*hour)
		}, Abstain},
		"a conflict ends with a review": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Reject, 6, 2*hour)
			b.review(1, Approve, 3*hour)
		}, Approve},
		"a conflict does not revive the comment before it": {func(b *ballotBox) {
			b.comment(1, Approve, hour)
			b.react(1, Approve, 5, 2*hour)
			b.react(1, Reject, 6, 3*hour)
		}, Conflicting},
		"taking back the newer of two lets the older count": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Reject, 6, 2*hour)
			b.takeBack(1, 6, 3*hour)
		}, Approve},
		"taking back the older of two lets the newer count": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Reject, 6, 2*hour)
			b.takeBack(1, 5, 3*hour)
		}, Reject},
		"taking back one of three leaves a conflict": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Reject, 6, 2*hour)
			b.react(1, Abstain, 7, 2*hour)
			b.takeBack(1, 7, 3*hour)
		}, Conflicting},
		"taking back both leaves nothing": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Reject, 6, 2*hour)
			b.takeBack(1, 6, 3*hour)
			b.takeBack(1, 5, 3*hour)
		}, ""},
		"a reaction after a comment does not contradict the one before it": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.comment(1, Approve, 2*hour)
			b.react(1, Reject, 6, 3*hour)
		}, Reject},

		"a reaction taken back":                   {func(b *ballotBox) { b.react(1, Approve, 5, hour); b.takeBack(1, 5, 2*hour) }, ""},
		"a reaction taken back at its own second": {func(b *ballotBox) { b.react(1, Approve, 5, hour); b.takeBack(1, 5, hour) }, ""},
		"a reaction given again": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.takeBack(1, 5, 2*hour)
			b.react(1, Approve, 6, 3*hour)
		}, Approve},
		"a reaction listed twice and taken back once": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Approve, 5, hour)
			b.takeBack(1, 5, 2*hour)
		}, ""},
		"taking back a reaction does not revive a comment": {func(b *ballotBox) {
			b.comment(1, Reject, hour)
			b.react(1, Approve, 5, 2*hour)
			b.takeBack(1, 5, 3*hour)
		}, ""},
		"taking back a superseded reaction changes nothing": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.comment(1, Reject, 2*hour)
			b.takeBack(1, 5, 3*hour)
		}, Reject},
		"taking back an unknown reaction changes nothing": {func(b *ballotBox) { b.comment(1, Reject, hour); b.takeBack(1, 77, 2*hour) }, Reject},

		"retract after a comment": {func(b *ballotBox) { b.comment(1, Approve, hour); b.retract(1, 2*hour) }, ""},
		"retract covers every channel": {func(b *ballotBox) {
			b.comment(1, Approve, hour)
			b.review(1, Approve, hour)
			b.react(1, Approve, 5, hour)
			b.retract(1, 2*hour)
		}, ""},
		"retract ends a conflict, too": {func(b *ballotBox) {
			b.react(1, Approve, 5, hour)
			b.react(1, Reject, 6, hour)
			b.retract(1, 2*hour)
			b.takeBack(1, 6, 3*hour)
		}, ""},
		"acting again after a retraction": {func(b *ballotBox) {
			b.comment(1, Approve, hour)
			b.retract(1, 2*hour)
			b.review(1, Reject, 3*hour)
		}, Reject},
		"retract with nothing to retract": {func(b *ballotBox) { b.retract(1, hour) }, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBallotBox(config.Roadmap, equals(9)...)
			tc.acts(b)
			r := b.recount()
			if got := counted(t, r, 1); got != tc.want {
				t.Errorf("counts as %q, want %q", got, tc.want)
			}
			want := 1
			if tc.want == "" || tc.want == Conflicting {
				want = 0
			}
			if got := r.Tally.Cast().Voters; got != want {
				t.Errorf("%d ballots are in the tally, want %d", got, want)
			}
			slices.Reverse(b.record.Acts)
			if got := counted(t, b.recount(), 1); got != tc.want {
				t.Errorf("read in the other order it counts as %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOnlyActsBeforeTheDeadlineCount(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		at   time.Duration
		want Choice
	}{
		"a nanosecond before": {7*day - 1, Reject},
		"at the deadline":     {7 * day, Approve},
		"after it":            {7*day + hour, Approve},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBallotBox(config.Roadmap, equals(9)...)
			b.comment(1, Approve, hour)
			b.comment(1, Reject, tc.at)
			for _, now := range []time.Duration{7 * day, 9 * day, 90 * day} { // however late it is read
				r := b.now(now).recount()
				if got := counted(t, r, 1); got != tc.want {
					t.Errorf("counts as %q, want %q", got, tc.want)
				}
				if late := r.Ballots[1]; tc.want == Approve && late.WhyNot != "after the deadline" {
					t.Errorf("the late ballot says %q", late.WhyNot)
				}
			}
		})
	}
}

func TestARetractionAfterTheDeadlineDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.Roadmap, equals(9)...)
	b.react(1, Approve, 5, hour)
	b.takeBack(1, 5, 7*day)
	b.comment(2, Approve, hour)
	b.retract(2, 7*day)
	r := b.recount()
	if counted(t, r, 1) != Approve || counted(t, r, 2) != Approve {
		t.Errorf("retractions at the deadline took ballots away: %+v", r.Tally)
	}
}

func TestAClosedRoundTakesNoMoreActs(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.Roadmap, equals(9)...)
	b.record.Round.ClosedAt = opening.Add(2 * day) // withdrawn, long before the deadline
	b.comment(1, Approve, 2*day)
	b.comment(2, Approve, 2*day+time.Second)
	concern := b.object(3, day)
	concern.end(ConcernResolved, 3*day)
	r := b.now(2 * day).recount()
	if counted(t, r, 1) != Approve || counted(t, r, 2) != "" {
		t.Errorf("ballots after the close were counted: %+v", r.Tally)
	}
	if r.OpenConcerns != 1 || r.Tally.RequestChanges.Voters != 1 {
		t.Errorf("a concern settled after the close changed the record of the round: %+v", r.Tally)
	}
}

func TestVotersOutsideTheElectorateAreAdvisory(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.Roadmap, equals(3)...)
	b.comment(1, Approve, hour)
	b.comment(50, Reject, hour)
	b.comment(51, Approve, hour)
	b.retract(51, 2*hour)
	b.react(52, Approve, 5, hour)
	b.react(52, Reject, 6, hour)
	r := b.recount()
	if want := (Tally{Approve: Count{100, 1}, Supporters: 1, Advisory: 1}); r.Tally != want {
		t.Errorf("tally %+v, want %+v", r.Tally, want)
	}
	for _, ballot := range r.Ballots {
		if ballot.Voter.ID == 50 && (ballot.Weight != 0 || ballot.Counted || ballot.WhyNot != "advisory: not in the electorate of this round") {
			t.Errorf("an advisory vote is shown as %+v", ballot)
		}
	}
}

func TestVoidingABallot(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.Roadmap, 100, 500, 300)
	b.comment(1, Approve, hour)
	b.comment(2, Reject, hour)
	b.comment(50, Approve, hour)
	b.void(2, 2*hour)
	b.void(2, 3*hour)         // twice: blocked, then held
	b.void(50, 2*hour)        // an advisory voter
	b.comment(2, Reject, day) // the void holds for what comes later
	b.retract(50, day)
	b.comment(3, Approve, hour)
	r := b.recount()
	if want := (Tally{Approve: Count{400, 2}, Supporters: 2}); r.Tally != want {
		t.Errorf("tally %+v, want %+v", r.Tally, want)
	}
	if r.Verdict.QuorumHeadsNeed != 3 || r.Verdict.QuorumWeightNeed != 90 {
		t.Errorf("the void changed N or W: %+v", r.Verdict)
	}
	if last := r.Ballots[len(r.Ballots)-2]; last.Voter.ID != 2 || last.Counted || last.WhyNot != "void: the voter was blocked or held during the round" {
		t.Errorf("the void ballot is shown as %+v", last)
	}
	if r.Verdict.Outcome != OutcomePostponed {
		t.Errorf("outcome %q, want postponed: two of the three voters needed are left", r.Verdict.Outcome)
	}
}

func TestAVoidAfterTheDeadlineChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.Roadmap, equals(3)...)
	b.comment(1, Approve, hour)
	b.void(1, 7*day)
	if got := b.recount().Tally.Approve.Voters; got != 1 {
		t.Errorf("%d approvals, want 1", got)
	}
}

func TestBallotsListEveryActInOrder(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.Roadmap, 100, 500)
	b.comment(2, Reject, 3*hour)
	b.comment(1, Approve, hour)
	b.comment(1, Abstain, 2*hour)
	b.react(2, Approve, 5, 8*day)
	b.retract(1, 4*hour)
	var got []string
	for _, ballot := range b.recount().Ballots {
		got = append(got, string(ballot.Choice)+": "+ballot.WhyNot)
	}
	want := []string{
		"approve: superseded by a newer act, or taken back",
		"abstain: superseded by a newer act, or taken back",
		"reject: ",
		"retracted: a retraction",
		"approve: after the deadline",
	}
	if !slices.Equal(got, want) {
		t.Errorf("ballots\n%q, want\n%q", got, want)
	}
}

func TestActsAreInTheSameOrderFromEveryOther(t *testing.T) {
	t.Parallel()
	at := opening
	want := []Act{
		{ID: 9, Channel: ByComment, Source: 9, At: at.Add(-time.Second)},
		{ID: 8, Channel: ByReaction, Source: 1, At: at},
		{ID: 1, Channel: ByReaction, Source: 1, Choice: Retracted, At: at},
		{ID: 7, Channel: ByReaction, Source: 2, At: at},
		{ID: 6, Channel: ByReview, Source: 1, At: at},
		{ID: 5, Channel: ByComment, Source: 1, At: at},
		{ID: 2, Channel: ByComment, Source: 3, At: at},
		{ID: 3, Channel: ByComment, Source: 3, At: at},
		{ID: 4, Channel: ByReaction, Source: 1, At: at.Add(time.Nanosecond), Voter: app.User{ID: 1}},
	}
	for turn := range len(want) {
		acts := slices.Concat(want[turn:], want[:turn])
		for i, a := range inOrder(acts) {
			if *a != want[i] {
				t.Fatalf("from turn %d: act %d is %+v, want %+v", turn, i, *a, want[i])
			}
		}
	}
}
