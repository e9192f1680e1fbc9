package rfc

import (
	"maps"
	"slices"
	"time"
)

// Ballot is one act as the result sees it: superseded acts are there too, with
// Counted false and why. The act is mostly the record's own: neither is to be changed, nor
// are the record's acts to be moved while the ballots are in use.
type Ballot struct {
	*Act
	Weight  int64 // hundredths; 0 for an advisory vote
	Counted bool
	// CountsAs is where the tally has it, empty when nowhere: a request for changes whose
	// concern was met is an abstention there (RULES §2 "Concerns").
	CountsAs Choice
	WhyNot   string
}

// Result is a recounted round.
type Result struct {
	Deadline time.Time
	// Extended is how much later than planned, NearTie whether a near tie is part of it.
	Extended time.Duration
	NearTie  bool
	Tally    Tally
	Verdict  Verdict
	// Unweighted is the verdict had every weight been 1.
	Unweighted Verdict
	Ballots    []Ballot
	// OpenConcerns is counted just before the deadline, or now while voting goes on.
	OpenConcerns int
	// Organisation carries the largest share of the cast weight, when it is above
	// the share worth showing; NeedsConfirmation when two stewards must confirm.
	Organisation      string
	OrganisationShare Count
	NeedsConfirmation bool
	// Certain is set while no remaining weight could change the outcome (early close).
	Certain bool
}

// WouldPass reports whether the round would be accepted as it stands.
func (r Result) WouldPass() bool { return r.Verdict.Outcome == OutcomeAccepted }

// result is what the counter found, after run.
func (c *counter) result() Result {
	equal := c.question
	equal.Weight = int64(equal.Heads)
	r := Result{
		Deadline: c.end(), Extended: c.deadline.Sub(c.rec.Round.Planned), NearTie: c.nearTie,
		Tally: c.tally, OpenConcerns: len(c.open),
		Verdict:    Judge(c.question, c.tally, len(c.open)),
		Unweighted: Judge(equal, c.heads, len(c.open)),
		Ballots:    c.ballots(),
		Certain:    c.certain(),
	}
	c.organisations(&r)
	return r
}

// ballots lists every act with what became of it.
func (c *counter) ballots() []Ballot {
	list := make([]Ballot, len(c.acts))
	for i, a := range c.acts {
		b := &list[i]
		b.Act = a
		s := c.cast[i]
		v := c.voterOf(i)
		if v != nil {
			b.Weight = v.Weight
		}
		switch {
		case s == nil:
			b.WhyNot = "after the deadline"
		case a.retracts():
			b.WhyNot = "a retraction"
		case s.choice == Conflicting && s.stands(i):
			shown := *a // the act itself stays what it was
			shown.Choice = Conflicting
			b.Act, b.WhyNot = &shown, "two contradicting reactions stand at once"
		case s.act != i:
			b.WhyNot = "superseded by a newer act, or taken back"
		case v == nil:
			b.WhyNot = "advisory: not in the electorate of this round"
		case s.voided:
			b.WhyNot = "void: the voter was blocked or held during the round"
		default:
			b.Counted, b.CountsAs = true, c.countsAs(s)
		}
	}
	return list
}

// voterOf is who cast an act, nil when not in the electorate.
func (c *counter) voterOf(act int) *Voter {
	if s := c.cast[act]; s != nil {
		return s.voter
	}
	return c.standingOf(c.acts[act].Voter.ID).voter
}

// organisations finds the organisation with the largest share of the cast weight
// (RULES §2 "Tally" 4).
func (c *counter) organisations(r *Result) {
	if len(c.rec.Affiliations) == 0 {
		return
	}
	shares := map[string]Count{}
	for i := range c.electorate {
		s := &c.electorate[i]
		organisation := c.rec.Affiliations[s.id]
		if s.voided || !s.counts() || organisation == "" {
			continue
		}
		share := shares[organisation]
		share.add(s.voter.Weight, 1)
		shares[organisation] = share
	}
	limits := c.rec.Round.Policy.Organisation
	cast := c.tally.Cast().Weight
	for _, name := range slices.Sorted(maps.Keys(shares)) {
		share := shares[name]
		if share.Weight > r.OrganisationShare.Weight && limits.Warn.CmpShare(share.Weight, cast) > 0 {
			r.Organisation, r.OrganisationShare = name, share
		}
	}
	r.NeedsConfirmation = r.Organisation != "" && limits.Confirm.CmpShare(r.OrganisationShare.Weight, cast) > 0
}

// certain reports whether the outcome stands whatever those who have not voted do:
// between all of them opposing and all of them approving lies everything else.
// On the side of approval every open concern counts as met, because that turns
// ballots against into abstentions.
func (c *counter) certain() bool {
	left, author := c.left()
	worst, best := c.tally, c.tally
	worst.Reject.Weight += left.Weight
	worst.Reject.Voters += left.Voters
	best.Approve.Weight += left.Weight
	best.Approve.Voters += left.Voters
	best.Supporters += left.Voters - author
	c.meetAll(&best)
	outcome := c.needs.judge(c.tally, len(c.open)).Outcome
	return c.needs.judge(worst, len(c.open)).Outcome == outcome && c.needs.judge(best, 0).Outcome == outcome
}

// left is who may still vote and has not, and how many of them are the author.
func (c *counter) left() (left Count, author int) {
	for i := range c.electorate {
		s := &c.electorate[i]
		if s.voided || s.counts() {
			continue
		}
		left.add(s.voter.Weight, 1)
		if s.id == c.rec.Author {
			author = 1
		}
	}
	return left, author
}

// meetAll counts the ballots behind the open concerns as abstentions.
func (c *counter) meetAll(t *Tally) {
	for i := range c.electorate {
		s := &c.electorate[i]
		if n := c.concernOf(s); n > 0 && !s.voided && c.open[n] {
			t.RequestChanges.add(s.voter.Weight, -1)
			t.Abstain.add(s.voter.Weight, 1)
		}
	}
}
