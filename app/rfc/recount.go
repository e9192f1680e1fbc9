package rfc

import (
	"slices"
	"time"
)

// Record is everything a round's result follows from. Recount of the same record
// at the same instant is always the same, whatever the order of its acts.
type Record struct {
	Round    *Round
	Author   int64 // numeric id of the RFC's author
	Voters   []Voter
	Acts     []Act
	Concerns []Concern
	// Affiliations maps a member to the partner organisation it belongs to.
	Affiliations map[int64]string
	Now          time.Time
}

// eligible reports whether somebody is in the round's electorate.
func (rec Record) eligible(user int64) bool {
	return slices.ContainsFunc(rec.Voters, func(v Voter) bool { return v.ID == user })
}

// Recount applies RULES §2 "Ballots", "Tally" and "Time" to a record: the acts in
// order, the deadline as late changes moved it, and what counts at its end.
func Recount(rec Record) Result {
	c := newCounter(rec)
	c.run()
	return c.result()
}

// counter walks a round's events in order of time.
type counter struct {
	rec        Record
	acts       []*Act     // in order
	electorate []standing // of everybody who may vote
	standing   map[int64]*standing
	cast       []*standing // by act: whose it is, nil while it has not counted
	tally      Tally
	heads      Tally // the same with every weight 1
	question   Question
	needs      needs
	open       map[int]bool // concerns that block acceptance
	met        map[int]bool // concerns resolved or lapsed: their ballot counts as an abstention
	reached    bool         // quorum to pass was reached before
	outcome    Outcome

	deadline time.Time
	latest   time.Time     // no extension goes beyond
	window   time.Duration // the late window
	early    time.Time     // the announced early close, zero when there is none (any more)
	nearTie  bool
}

// event is something that happened to the round at an instant.
type event struct {
	at    time.Time
	apply func(*counter)
	act   int // index into acts; used when apply is nil
}

func newCounter(rec Record) *counter {
	round := rec.Round
	policy := round.Policy
	question := Question{Rules: round.Rules(), MinSupporters: policy.MinSupporters, Heads: round.Heads, Weight: round.Weight}
	c := &counter{
		rec: rec, acts: inOrder(rec.Acts), cast: make([]*standing, len(rec.Acts)),
		electorate: make([]standing, 0, len(rec.Voters)), standing: make(map[int64]*standing, len(rec.Voters)),
		open: map[int]bool{}, met: map[int]bool{},
		question: question, needs: question.needs(), outcome: OutcomePostponed,
		deadline: round.Planned, latest: round.Planned.Add(policy.MaxExtension.Std()), early: round.EarlyCloseAt,
		// The policy's late window, at most its share of the planned period.
		window: min(policy.LateWindow.Std(), time.Duration(policy.LateWindowShare.FloorOf(int64(round.Period())))),
	}
	for i := range rec.Voters {
		v := &rec.Voters[i]
		if c.standing[v.ID] == nil {
			c.electorate = append(c.electorate, standing{id: v.ID, act: -1})
			c.standing[v.ID] = &c.electorate[len(c.electorate)-1] // stays where it is: there is room for all
		}
		c.standing[v.ID].voter = v
	}
	return c
}

// standingOf is what somebody's acts amount to, nothing yet included, also of who is not
// in the electorate.
func (c *counter) standingOf(voter int64) *standing {
	s := c.standing[voter]
	if s == nil {
		s = &standing{id: voter, act: -1}
		c.standing[voter] = s
	}
	return s
}

// events lists acts, concerns, voids and extensions by time; of what is simultaneous,
// the acts first.
func (c *counter) events() []event {
	round := c.rec.Round
	var others []event
	other := func(at time.Time, apply func(*counter)) { others = append(others, event{at: at, apply: apply}) }
	for _, concern := range c.rec.Concerns {
		other(concern.RaisedAt, func(c *counter) { c.open[concern.Number] = true })
		if concern.Settled() && !concern.SettledAt.IsZero() {
			other(concern.SettledAt, func(c *counter) { c.settle(concern) })
		}
	}
	for _, v := range round.Voids {
		other(v.At, func(c *counter) { c.void(v.Voter) })
	}
	for _, x := range round.Extensions {
		other(x.At, func(c *counter) { c.extendTo(c.deadline.Add(x.For.Std())) })
	}
	slices.SortStableFunc(others, func(a, b event) int { return a.at.Compare(b.at) })
	events := make([]event, 0, len(c.acts)+len(others))
	for i, a := range c.acts {
		for len(others) > 0 && others[0].at.Before(a.At) {
			events, others = append(events, others[0]), others[1:]
		}
		events = append(events, event{at: a.At, act: i})
	}
	return append(events, others...)
}

func (c *counter) run() {
	events := c.events()
	for {
		for len(events) > 0 && !c.over(events[0].at) {
			events = c.instant(events)
		}
		if !c.goesOn() {
			return
		}
	}
}

// instant applies everything that happened at the first event's instant, and only
// then asks for the outcome: of what is simultaneous, no order decides anything.
// GitHub's instants are whole seconds. It returns the events that come later.
//
// When the outcome flips, or the quorum is first reached, within the late window,
// the deadline moves (RULES §2 "Time").
func (c *counter) instant(events []event) []event {
	at := events[0].at
	for len(events) > 0 && events[0].at.Equal(at) {
		if e := events[0]; e.apply != nil {
			e.apply(c)
		} else {
			c.act(e.act)
		}
		events = events[1:]
	}
	v := c.needs.judge(c.tally, len(c.open))
	flipped := v.Outcome != c.outcome
	first := v.QuorumToPass && !c.reached
	c.outcome, c.reached = v.Outcome, c.reached || v.QuorumToPass
	if flipped && at.After(c.early.Add(-c.rec.Round.Policy.EarlyCloseNotice.Std())) {
		c.early = time.Time{} // what was announced is no longer true
	}
	if (flipped || first) && c.window > 0 {
		c.extendTo(at.Add(c.window)) // no later than the deadline unless at is within the window
	}
	return events
}

// end is the deadline, or the announced early close when that comes first.
func (c *counter) end() time.Time {
	if c.endsEarly() {
		return c.early
	}
	return c.deadline
}

func (c *counter) endsEarly() bool { return !c.early.IsZero() && c.early.Before(c.deadline) }

// over reports whether what happened at the instant came too late: at the end or
// after it, or after the round was closed, which may be sooner (a withdrawal).
func (c *counter) over(at time.Time) bool {
	return !at.Before(c.end()) || c.rec.Round.Closed() && at.After(c.rec.Round.ClosedAt)
}

// goesOn reports whether voting goes on beyond the end: an early close holds only
// while nobody who has yet to vote could change the outcome, and a near tie at the
// deadline extends it.
func (c *counter) goesOn() bool {
	if !c.endsEarly() {
		return c.tieExtends()
	}
	if c.certain() {
		return false
	}
	c.early = time.Time{}
	return true
}

// tieExtends adds the near-tie extension, once, when the deadline is over and the
// approval is within the policy's points of the line.
func (c *counter) tieExtends() bool {
	if c.nearTie || c.rec.Now.Before(c.deadline) {
		return false
	}
	tie := c.rec.Round.Policy.NearTie
	f, g := c.tally.Approve.Weight, c.tally.Against().Weight
	if !tie.Contains(f, f+g, c.question.Rules.Approval.Fraction) {
		return false
	}
	before := c.deadline
	c.extendTo(c.deadline.Add(tie.Extension.Std()))
	c.nearTie = c.deadline.After(before)
	return c.nearTie
}

// extendTo moves the deadline later, never beyond what all extensions together may.
func (c *counter) extendTo(t time.Time) {
	if t.After(c.latest) {
		t = c.latest
	}
	if t.After(c.deadline) {
		c.deadline = t
	}
}

// act moves one voter's standing and the tally with it.
func (c *counter) act(i int) {
	a := c.acts[i]
	s := c.standingOf(a.Voter.ID)
	c.cast[i] = s
	c.count(s, -1)
	s.apply(a, i)
	c.count(s, 1)
}

// count puts a standing into the tally, or takes it out.
func (c *counter) count(s *standing, sign int) {
	if !s.counts() || s.voided {
		return
	}
	if s.voter == nil {
		c.tally.Advisory += sign
		return
	}
	choice := c.countsAs(s)
	author := s.id == c.rec.Author
	c.tally.add(choice, s.voter.Weight, author, sign)
	c.heads.add(choice, 1, author, sign)
}

// countsAs is the choice that the tally has for a standing.
func (c *counter) countsAs(s *standing) Choice {
	if n := c.concernOf(s); n > 0 && c.met[n] {
		return Abstain
	}
	return s.choice
}

// concernOf is the number of the concern that a request for changes opened, 0 for none.
func (c *counter) concernOf(s *standing) int {
	if s.choice != RequestChanges || s.act < 0 {
		return 0
	}
	return c.acts[s.act].Concern
}

// settle ends a concern; when it was met, the request for changes behind it turns
// into an abstention, from this instant on.
func (c *counter) settle(concern Concern) {
	delete(c.open, concern.Number)
	if !concern.met() {
		return
	}
	s := c.standingOf(concern.Raiser.ID)
	c.count(s, -1)
	c.met[concern.Number] = true
	c.count(s, 1)
}

// void takes a voter's ballots out for good; N and W stay.
func (c *counter) void(voter int64) {
	s := c.standingOf(voter)
	c.count(s, -1)
	s.voided = true
}
