package rfc

import (
	"fmt"

	"github.com/agora-rfc/agora/config"
)

// Outcome is what a round's ballots amount to.
type Outcome string

// The outcomes of a round (RULES §2 "Tally"). OutcomeRestarted and
// OutcomeAbandoned end a round without a decision.
const (
	OutcomeAccepted         Outcome = "accepted"
	OutcomeRejected         Outcome = "rejected"
	OutcomePostponed        Outcome = "postponed"
	OutcomeChangesRequested Outcome = "changes-requested"
	OutcomeRestarted        Outcome = "restarted"
	OutcomeAbandoned        Outcome = "abandoned"
)

// Count is one side of a tally: its weight in hundredths and its heads.
type Count struct {
	Weight int64
	Voters int
}

func (c *Count) add(weight int64, sign int) {
	c.Weight += int64(sign) * weight
	c.Voters += sign
}

// Tally is the state of a vote. Against is RequestChanges and Reject together;
// request-changes whose concern was resolved or lapsed already stands in Abstain.
type Tally struct {
	Approve, Reject, RequestChanges, Abstain Count
	// Supporters counts approvals by others than the author.
	Supporters int
	// Advisory counts voters outside the electorate; they decide nothing.
	Advisory int
}

// Against is G and g: everything that counts against.
func (t Tally) Against() Count {
	return Count{t.Reject.Weight + t.RequestChanges.Weight, t.Reject.Voters + t.RequestChanges.Voters}
}

// Cast is the weight and the heads of every ballot that counts.
func (t Tally) Cast() Count {
	g := t.Against()
	return Count{t.Approve.Weight + g.Weight + t.Abstain.Weight, t.Approve.Voters + g.Voters + t.Abstain.Voters}
}

func (t *Tally) side(c Choice) *Count {
	switch c {
	case Approve:
		return &t.Approve
	case Reject:
		return &t.Reject
	case RequestChanges:
		return &t.RequestChanges
	case Abstain:
		return &t.Abstain
	}
	return nil
}

// add puts a ballot on its side (sign 1) or takes it off (sign −1).
func (t *Tally) add(choice Choice, weight int64, author bool, sign int) {
	side := t.side(choice)
	if side == nil {
		return
	}
	side.add(weight, sign)
	if choice == Approve && !author {
		t.Supporters += sign
	}
}

// Question is what a tally is judged by: the frozen rules and the size of the
// electorate.
type Question struct {
	Rules         config.TypeRules
	MinSupporters int
	Heads         int   // N
	Weight        int64 // W in hundredths
}

// Verdict is a tally judged, with every number that led to it.
type Verdict struct {
	Outcome Outcome
	// QuorumHeads and QuorumWeight are what the quorum to pass has and needs;
	// weights in hundredths, the need rounded up.
	QuorumHeads, QuorumHeadsNeed   int
	QuorumWeight, QuorumWeightNeed int64
	QuorumToPass, QuorumToReject   bool
	Approval                       bool
	SupportersNeed                 int
	// Reasons says in words for people what stands in the way, or why it passes.
	Reasons []string
}

// Judge applies RULES §2 "Tally" 1–3 to a tally. It is exact and pure.
func Judge(q Question, t Tally, openConcerns int) Verdict {
	v := q.needs().judge(t, openConcerns)
	v.Reasons = v.explain(q, t, openConcerns)
	return v
}

// needs are what a tally has to reach: worked out once for a Question, because no
// ballot changes them.
type needs struct {
	nobody     bool // N = 0: there is no quorum to reach
	heads      int
	weight     int64 // hundredths, rounded up: a cast weight is whole, so this is exact
	supporters int
	approval   config.Threshold
}

func (q Question) needs() needs {
	return needs{
		nobody:     q.Heads <= 0,
		heads:      q.Rules.HeadsQuorum(q.Heads),
		weight:     q.Rules.Quorum.Weight.CeilOf(q.Weight),
		supporters: max(0, min(q.MinSupporters, q.Heads-1)),
		approval:   q.Rules.Approval,
	}
}

func (n needs) quorum(c Count) bool { return !n.nobody && c.Voters >= n.heads && c.Weight >= n.weight }

// judge is Judge without the words: it runs for every instant of a recount.
func (n needs) judge(t Tally, openConcerns int) Verdict {
	against := t.Against()
	passing := Count{t.Approve.Weight + t.Abstain.Weight, t.Approve.Voters + t.Abstain.Voters}
	v := Verdict{
		QuorumHeads: passing.Voters, QuorumHeadsNeed: n.heads,
		QuorumWeight: passing.Weight, QuorumWeightNeed: n.weight,
		QuorumToPass: n.quorum(passing), QuorumToReject: n.quorum(t.Cast()),
		SupportersNeed: n.supporters,
	}
	v.Approval = t.Approve.Voters > against.Voters && t.Supporters >= n.supporters &&
		n.approval.Met(t.Approve.Weight, t.Approve.Weight+against.Weight)
	switch {
	case v.Approval && v.QuorumToPass && openConcerns > 0:
		v.Outcome = OutcomeChangesRequested
	case v.Approval && v.QuorumToPass:
		v.Outcome = OutcomeAccepted
	case !v.Approval && v.QuorumToReject && against.Voters > 0:
		v.Outcome = OutcomeRejected
	default:
		v.Outcome = OutcomePostponed
	}
	return v
}

func (v Verdict) explain(q Question, t Tally, openConcerns int) []string {
	var reasons []string
	say := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	against := t.Against()
	switch {
	case q.Heads == 0:
		say("nobody was in the electorate, so there is no quorum")
	case v.Outcome == OutcomeRejected: // every ballot counts towards that quorum, and it was reached
	default:
		if short := v.QuorumHeadsNeed - v.QuorumHeads; short > 0 {
			say("quorum short by %s", Plural(short, "voter"))
		}
		if short := v.QuorumWeightNeed - v.QuorumWeight; short > 0 {
			say("quorum short by %s weight", FormatWeight(short))
		}
	}
	switch {
	case t.Approve.Voters+against.Voters == 0:
		say("nobody voted for or against")
	case !q.Rules.Approval.Met(t.Approve.Weight, t.Approve.Weight+against.Weight):
		say("approval of %s is under the line of %s", FormatShare(t.Approve.Weight, t.Approve.Weight+against.Weight), FormatThreshold(q.Rules.Approval))
	}
	if against.Voters > 0 && t.Approve.Voters <= against.Voters {
		say("not more people for it (%d) than against (%d)", t.Approve.Voters, against.Voters)
	}
	if short := v.SupportersNeed - t.Supporters; short > 0 {
		say("%s besides the author missing", Plural(short, "approval"))
	}
	if openConcerns > 0 {
		say("%s", Plural(openConcerns, "open concern"))
	}
	if v.Outcome == OutcomeAccepted {
		say("quorum and approval reached, no concern open")
	}
	return reasons
}
