package rfc

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawBox draws a whole round: few voters and coarse instants, so that everything
// meets everything else.
func drawBox(t *rapid.T) *ballotBox {
	kind := rapid.SampledFrom(config.Types()).Draw(t, "type")
	b := newBallotBox(kind, rapid.SliceOfN(rapid.Int64Range(1, 6), 0, 6).Draw(t, "weights")...)
	for i := range b.record.Voters {
		b.record.Voters[i].Weight *= 100
	}
	b.record.Round.Weight *= 100
	b.record.Author = rapid.Int64Range(1, 7).Draw(t, "author")
	steps := int(b.record.Round.Period()/(6*hour)) + 40 // some ten days beyond the plan
	instant := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, steps).Draw(t, "step")) * 6 * hour
	})
	voter := rapid.Int64Range(1, 8) // 7 and 8 are never in the electorate
	choice := rapid.SampledFrom([]Choice{Approve, Approve, Reject, RequestChanges, Abstain})
	for range rapid.IntRange(0, 14).Draw(t, "acts") {
		at, who := instant.Draw(t, "at"), voter.Draw(t, "voter")
		source := 10*who + rapid.Int64Range(0, 3).Draw(t, "reaction")
		switch rapid.IntRange(0, 7).Draw(t, "kind of act") {
		case 0:
			b.retract(who, at)
		case 1:
			b.takeBack(who, source, at)
		case 2, 3:
			b.react(who, []Choice{Approve, Reject, RequestChanges, Abstain}[source%10], source, at)
		case 4:
			b.review(who, choice.Draw(t, "choice"), at)
		case 5:
			concern := b.object(who, at)
			state := rapid.SampledFrom([]ConcernState{ConcernOpen, ConcernAddressed, ConcernResolved, ConcernLapsed, ConcernOverruled}).Draw(t, "concern")
			if concern.State = state; concern.Settled() {
				concern.end(state, at+instant.Draw(t, "settled after"))
			}
		default:
			b.comment(who, choice.Draw(t, "choice"), at)
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "voids") {
		b.void(voter.Draw(t, "voided"), instant.Draw(t, "at"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "extensions") {
		b.extend(time.Duration(rapid.IntRange(1, 9).Draw(t, "days"))*day, instant.Draw(t, "at"))
	}
	if rapid.IntRange(0, 3).Draw(t, "early close") == 0 {
		b.record.Round.EarlyCloseAt = opening.Add(instant.Draw(t, "at"))
	}
	b.record.Affiliations = map[int64]string{1: "acme", 2: "acme", 3: "zeta", 7: "acme"}
	b.record.Now = opening.Add(instant.Draw(t, "now"))
	return b
}

func TestTheTallyDoesNotDependOnTheOrderOfBallots(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBox(t)
		want := b.recount()
		b.record.Acts = rapid.Permutation(b.record.Acts).Draw(t, "acts in another order")
		b.record.Voters = rapid.Permutation(b.record.Voters).Draw(t, "voters in another order")
		b.record.Concerns = rapid.Permutation(b.record.Concerns).Draw(t, "concerns in another order")
		b.record.Round.Voids = rapid.Permutation(b.record.Round.Voids).Draw(t, "voids in another order")
		b.record.Round.Extensions = rapid.Permutation(b.record.Round.Extensions).Draw(t, "extensions in another order")
		if diff := cmp.Diff(want, b.recount()); diff != "" {
			t.Fatalf("the order decides (-one order, +another):\n%s", diff)
		}
	})
}

func TestWhoAddsUpTheBallotsFindsTheTally(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawBox(t).recount()
		sums := map[Choice]Count{}
		for _, b := range r.Ballots {
			if b.Counted != (b.CountsAs != "") {
				t.Fatalf("ballot %d of voter %d counts as %q, and counted is %t", b.ID, b.Voter.ID, b.CountsAs, b.Counted)
			}
			sum := sums[b.CountsAs]
			sum.add(b.Weight, 1)
			sums[b.CountsAs] = sum
		}
		delete(sums, "")
		want := map[Choice]Count{Approve: r.Tally.Approve, Reject: r.Tally.Reject, RequestChanges: r.Tally.RequestChanges, Abstain: r.Tally.Abstain}
		maps.DeleteFunc(want, func(_ Choice, c Count) bool { return c == Count{} })
		if diff := cmp.Diff(want, sums); diff != "" {
			t.Fatalf("the ballots do not add up to the tally (-tally, +ballots):\n%s", diff)
		}
	})
}

func TestAnActListedTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBox(t)
		want := b.recount()
		for _, a := range slices.Clone(b.record.Acts) {
			for range rapid.IntRange(0, 2).Draw(t, "times more") {
				b.record.Acts = append(b.record.Acts, a)
			}
		}
		got := b.recount()
		want.Ballots, got.Ballots = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("a duplicate decides (-once, +more often):\n%s", diff)
		}
	})
}

func TestRecountOfTheSameRecordIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBox(t)
		acts, voters := slices.Clone(b.record.Acts), slices.Clone(b.record.Voters)
		first := b.recount()
		if diff := cmp.Diff(first, b.recount()); diff != "" {
			t.Fatalf("twice is not the same:\n%s", diff)
		}
		if diff := cmp.Diff(acts, b.record.Acts) + cmp.Diff(voters, b.record.Voters); diff != "" {
			t.Fatalf("the recount changed its record:\n%s", diff)
		}
	})
}

func TestTheDeadlineStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBox(t)
		round, r := b.record.Round, b.recount()
		latest := round.Planned.Add(round.Policy.MaxExtension.Std())
		if r.Deadline.After(latest) || r.Extended < 0 || r.Extended > round.Policy.MaxExtension.Std() {
			t.Fatalf("the deadline is %s, extended by %s; the latest is %s", r.Deadline, r.Extended, latest)
		}
		if r.Deadline.Before(round.Planned) && !r.Deadline.Equal(round.EarlyCloseAt) {
			t.Fatalf("the deadline is %s, before the planned %s", r.Deadline, round.Planned)
		}
	})
}

// What happened up to the end is all that decides: the result is final.
func TestNothingAfterTheDeadlineChangesTheResult(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBox(t)
		b.record.Now = opening.Add(60 * day)
		want := b.recount()
		b.record.Now = want.Deadline.Add(time.Duration(rapid.IntRange(0, 99).Draw(t, "hours later")) * hour)
		b.record.Acts = slices.DeleteFunc(b.record.Acts, func(a Act) bool { return !a.At.Before(want.Deadline) })
		got := b.recount()
		want.Ballots, got.Ballots = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("late acts, or the time of reading, decide:\n%s", diff)
		}
	})
}

func TestOneMoreApprovalNeverTurnsAccepted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newBallotBox(rapid.SampledFrom(config.Types()).Draw(t, "type"),
			rapid.SliceOfN(rapid.SampledFrom([]int64{100, 140, 200, 356, 500}), 4, 7).Draw(t, "weights")...)
		period := b.record.Round.Period()
		for _, v := range b.record.Voters[1:] {
			choice := rapid.SampledFrom([]Choice{Approve, Approve, Approve, Reject, RequestChanges, Abstain}).Draw(t, "choice")
			b.comment(v.ID, choice, period*time.Duration(rapid.IntRange(0, 99).Draw(t, "per cent of the period"))/100)
		}
		if b.now(60*day).recount().Verdict.Outcome != OutcomeAccepted {
			return // what is not accepted is not the matter here
		}
		b.comment(1, Approve, period*time.Duration(rapid.IntRange(0, 99).Draw(t, "and the approval"))/100)
		if r := b.recount(); r.Verdict.Outcome != OutcomeAccepted {
			t.Fatalf("one more approval turned accepted into %s: %+v", r.Verdict.Outcome, r.Tally)
		}
	})
}

func drawTally(t *rapid.T) (Question, Tally) {
	count := func(name string) Count {
		heads := rapid.IntRange(0, 8).Draw(t, name)
		if heads == 0 {
			return Count{}
		}
		return Count{int64(heads) * rapid.Int64Range(100, 500).Draw(t, name+" weight"), heads}
	}
	tally := Tally{Approve: count("approve"), Reject: count("reject"), RequestChanges: count("request-changes"), Abstain: count("abstain")}
	tally.Supporters = max(0, tally.Approve.Voters-rapid.IntRange(0, 1).Draw(t, "author"))
	cast := tally.Cast()
	q := question(rapid.SampledFrom(config.Types()).Draw(t, "type"),
		cast.Voters+rapid.IntRange(0, 20).Draw(t, "others"), cast.Weight+rapid.Int64Range(0, 10_000).Draw(t, "weight of others"))
	return q, tally
}

func TestJudgeIsMonotone(t *testing.T) {
	t.Parallel()
	rank := map[Outcome]int{OutcomeRejected: 0, OutcomePostponed: 1, OutcomeChangesRequested: 2, OutcomeAccepted: 3}
	rapid.Check(t, func(t *rapid.T) {
		q, tally := drawTally(t)
		concerns := rapid.IntRange(0, 1).Draw(t, "concerns")
		before := rank[Judge(q, tally, concerns).Outcome]
		weight := rapid.Int64Range(100, 500).Draw(t, "weight")
		approved, opposed := tally, tally
		approved.add(Approve, weight, false, 1)
		opposed.add(Reject, weight, false, 1)
		if got := Judge(q, approved, concerns); before >= 2 && rank[got.Outcome] < before {
			t.Fatalf("one more approval made it %s", got.Outcome)
		}
		if got := Judge(q, opposed, concerns); rank[got.Outcome] > before {
			t.Fatalf("one more rejection made it %s", got.Outcome)
		}
		if got := Judge(q, tally, concerns+1); rank[got.Outcome] > before {
			t.Fatalf("one more concern made it %s", got.Outcome)
		}
	})
}

// plainTally counts a round as the rules tell it, voter by voter, given its end.
func plainTally(rec Record, end time.Time) Tally {
	var tally Tally
	met := map[int]bool{}
	for _, concern := range rec.Concerns {
		if (concern.State == ConcernResolved || concern.State == ConcernLapsed) && concern.SettledAt.Before(end) {
			met[concern.Number] = true
		}
	}
	for voter := range int64(200) {
		var acts []Act
		for _, a := range rec.Acts {
			if a.Voter.ID == voter && a.At.Before(end) {
				acts = append(acts, a)
			}
		}
		if slices.ContainsFunc(rec.Round.Voids, func(v Void) bool { return v.Voter == voter && v.At.Before(end) }) {
			continue
		}
		act, ok := plainBallot(acts)
		if !ok {
			continue
		}
		at := slices.IndexFunc(rec.Voters, func(v Voter) bool { return v.ID == voter })
		if at < 0 {
			tally.Advisory++
			continue
		}
		side := map[Choice]*Count{Approve: &tally.Approve, Reject: &tally.Reject, RequestChanges: &tally.RequestChanges, Abstain: &tally.Abstain}[act.Choice]
		if act.Choice == RequestChanges && met[act.Concern] {
			side = &tally.Abstain
		}
		side.Weight += rec.Voters[at].Weight
		side.Voters++
		if act.Choice == Approve && voter != rec.Author {
			tally.Supporters++
		}
	}
	return tally
}

// plainBallot finds the ballot of one voter's acts, if one counts.
func plainBallot(acts []Act) (Act, bool) {
	slices.SortFunc(acts, func(a, b Act) int { return compareActs(&a, &b) })
	spoken := -1 // the newest act that is neither a reaction nor one taken back
	for i, a := range acts {
		if a.Channel != ByReaction {
			spoken = i
		}
	}
	var standing []Act
	touched := false
	for i, a := range acts[spoken+1:] {
		if a.Choice == Retracted {
			continue
		}
		touched = true
		taken := slices.ContainsFunc(acts[spoken+1+i:], func(r Act) bool { return r.Choice == Retracted && r.Source == a.Source })
		if !taken {
			standing = append(standing, a)
		}
	}
	switch {
	case !touched && spoken >= 0:
		return acts[spoken], acts[spoken].Choice != Retracted
	case len(standing) == 0:
		return Act{}, false
	}
	newest := standing[len(standing)-1]
	return newest, !slices.ContainsFunc(standing, func(a Act) bool { return a.Choice != newest.Choice })
}

func TestTheTallyIsThatOfAPlainCount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBox(t)
		r := b.recount()
		if diff := cmp.Diff(plainTally(b.record, r.Deadline), r.Tally); diff != "" {
			t.Fatalf("tally (-plain, +recount):\n%s", diff)
		}
		shown := Count{}
		for _, ballot := range r.Ballots {
			if ballot.Counted {
				shown.add(ballot.Weight, 1)
			}
		}
		if shown != r.Tally.Cast() {
			t.Fatalf("the ballots shown as counted make %+v, the tally %+v", shown, r.Tally.Cast())
		}
		blocking := 0
		for _, concern := range b.record.Concerns {
			if concern.RaisedAt.Before(r.Deadline) && !(concern.Settled() && concern.SettledAt.Before(r.Deadline)) {
				blocking++
			}
		}
		if r.OpenConcerns != blocking {
			t.Fatalf("%d open concerns, want %d", r.OpenConcerns, blocking)
		}
		q := question(b.record.Round.Type, b.record.Round.Heads, b.record.Round.Weight)
		if diff := cmp.Diff(Judge(q, r.Tally, blocking), r.Verdict); diff != "" {
			t.Fatalf("verdict:\n%s", diff)
		}
	})
}

// A small electorate is voted to the end in every way there is: the outcome is
// certain exactly when they all end the same.
func TestCertainIsThatNoCompletionChangesTheOutcome(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newBallotBox(rapid.SampledFrom(config.Types()).Draw(t, "type"),
			rapid.SliceOfN(rapid.SampledFrom([]int64{100, 140, 200, 356, 500}), 0, 6).Draw(t, "weights")...)
		b.record.Author = rapid.Int64Range(1, 7).Draw(t, "author")
		b.record.Round.Policy.Types[b.record.Round.Type] = func(r config.TypeRules) config.TypeRules {
			r.Quorum.Floor = rapid.IntRange(1, 5).Draw(t, "floor")
			return r
		}(b.record.Round.Rules())
		var left []int64
		for _, v := range b.record.Voters {
			switch choice := rapid.SampledFrom([]Choice{Approve, Approve, Reject, RequestChanges, Abstain, Retracted, ""}).Draw(t, fmt.Sprint("voter ", v.ID)); choice {
			case "":
				left = append(left, v.ID)
			case Retracted:
				left = append(left, v.ID)
				b.retract(v.ID, hour)
			case RequestChanges:
				if rapid.Bool().Draw(t, "with a concern") {
					b.object(v.ID, hour)
					break
				}
				b.comment(v.ID, choice, hour)
			default:
				b.comment(v.ID, choice, hour)
			}
		}
		r := b.now(day).recount()
		if got := sameInEveryCompletion(b.record, left, r.Verdict.Outcome); got != r.Certain {
			t.Fatalf("%s by %+v: certain %v, want %v", r.Verdict.Outcome, r.Tally, r.Certain, got)
		}
	})
}

// sameInEveryCompletion tries all that those left may still vote, and every concern
// being met or not.
func sameInEveryCompletion(rec Record, left []int64, outcome Outcome) bool {
	if len(left) > 0 {
		for _, choice := range []Choice{Approve, Reject, RequestChanges, Abstain, ""} {
			next := rec
			if choice != "" {
				next.Acts = append(slices.Clone(rec.Acts), Act{
					ID: int64(1000 + len(left)), Voter: app.User{ID: left[0]}, Choice: choice, Channel: ByComment, At: opening.Add(2 * hour),
				})
			}
			if !sameInEveryCompletion(next, left[1:], outcome) {
				return false
			}
		}
		return true
	}
	for i, concern := range rec.Concerns {
		if concern.State != ConcernOpen {
			continue
		}
		next := rec
		next.Concerns = slices.Clone(rec.Concerns)
		next.Concerns[i].end(ConcernResolved, 3*hour)
		if !sameInEveryCompletion(next, nil, outcome) {
			return false
		}
	}
	return Recount(rec).Verdict.Outcome == outcome
}
