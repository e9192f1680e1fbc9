package rfc

import (
	"maps"
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

// Ballot is one act as the result sees it: superseded acts are there too, with
// Counted false and why.
type Ballot struct {
	Act
	Weight  int64 // hundredths; 0 for an advisory vote
	Counted bool
	WhyNot  string
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
	// OpenConcerns is counted at the deadline, or now while voting goes on.
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

// Recount applies RULES §2 "Ballots", "Tally" and "Time" to a record: the acts in
// order, the deadline as late changes moved it, and what counts at its end.
func Recount(rec Record) Result {
	c := newCounter(rec)
	c.run()
	return c.result()
}

// counter walks a round's events in order of time.
type counter struct {
	rec      Record
	acts     []Act // sorted
	voters   map[int64]Voter
	standing map[int64]*standing
	voided   map[int64]time.Time
	tally    Tally
	heads    Tally // the same with every weight 1
	question Question
	deadline time.Time
	latest   time.Time // no extension goes beyond
	nearTie  bool
	settled  map[int]bool // concerns resolved or lapsed: their ballot counts as an abstention
	reached  bool         // quorum to pass was reached before
	outcome  Outcome
}

// event is an instant at which the outcome may change.
type event struct {
	at   time.Time
	act  int // index into acts, -1 for other events
	move func(*counter)
}

func newCounter(rec Record) *counter {
	round := rec.Round
	c := &counter{
		rec: rec, acts: slices.Clone(rec.Acts),
		voters:   make(map[int64]Voter, len(rec.Voters)),
		standing: map[int64]*standing{}, voided: map[int64]time.Time{}, settled: map[int]bool{},
		question: Question{Rules: round.Rules(), MinSupporters: round.Policy.MinSupporters, Heads: round.Heads, Weight: round.Weight},
		deadline: round.Planned, latest: round.Planned.Add(round.Policy.MaxExtension.Std()),
		outcome: OutcomePostponed,
	}
	SortActs(c.acts)
	for _, v := range rec.Voters {
		c.voters[v.ID] = v
	}
	return c
}

// events lists acts, concerns, voids and extensions by time. Acts come first at
// the same instant, so that what they meet is the state before it.
func (c *counter) events() []event {
	round := c.rec.Round
	events := make([]event, 0, len(c.acts)+4)
	for i, a := range c.acts {
		events = append(events, event{at: a.At, act: i})
	}
	other := func(at time.Time, move func(*counter)) {
		if !at.IsZero() {
			events = append(events, event{at: at, act: -1, move: move})
		}
	}
	for _, concern := range c.rec.Concerns {
		other(concern.RaisedAt, nil)
		if concern.State == ConcernResolved || concern.State == ConcernLapsed {
			other(concern.SettledAt, func(c *counter) { c.meet(concern) })
		} else {
			other(concern.SettledAt, nil)
		}
	}
	for _, v := range round.Voids {
		other(v.At, func(c *counter) { c.void(v.Voter, v.At) })
	}
	for _, x := range round.Extensions {
		other(x.At, func(c *counter) { c.extendTo(c.deadline.Add(x.For.Std())) })
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	return events
}

func (c *counter) run() {
	events := c.events()
	i := 0
	for {
		for ; i < len(events) && events[i].at.Before(c.end()); i++ {
			c.step(events[i])
		}
		if !c.tieExtends() {
			return
		}
	}
}

// step applies one event; when it flips the outcome, or first reaches the quorum,
// within the late window, the deadline moves (RULES §2 "Time").
func (c *counter) step(e event) {
	if e.act >= 0 {
		c.apply(e.act)
	} else if e.move != nil {
		e.move(c)
	}
	v := judge(c.question, c.tally, c.openConcerns(e.at))
	flipped := v.Outcome != c.outcome
	first := v.QuorumToPass && !c.reached
	c.outcome, c.reached = v.Outcome, c.reached || v.QuorumToPass
	if !flipped && !first {
		return
	}
	window := c.lateWindow()
	if window > 0 && !e.at.Before(c.deadline.Add(-window)) {
		c.extendTo(e.at.Add(window))
	}
}

// end is the deadline, or the announced early close when that comes first.
func (c *counter) end() time.Time {
	if early := c.rec.Round.EarlyCloseAt; !early.IsZero() && early.Before(c.deadline) {
		return early
	}
	return c.deadline
}

// lateWindow is the policy's, at most its share of the planned period.
func (c *counter) lateWindow() time.Duration {
	policy := c.rec.Round.Policy
	return min(policy.LateWindow.Std(), time.Duration(policy.LateWindowShare.FloorOf(int64(c.rec.Round.Period()))))
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

// tieExtends adds the near-tie extension, once, when the deadline is over and the
// approval is within the policy's points of the line.
func (c *counter) tieExtends() bool {
	if c.nearTie || c.rec.Now.Before(c.deadline) || !c.rec.Round.EarlyCloseAt.IsZero() {
		return false
	}
	tie := c.rec.Round.Policy.NearTie
	f, g := c.tally.Approve.Weight, c.tally.Against().Weight
	if !tie.Contains(f, f+g, c.question.Rules.Approval.Fraction) {
		return false
	}
	c.nearTie = true
	before := c.deadline
	c.extendTo(c.deadline.Add(tie.Extension.Std()))
	return c.deadline.After(before)
}

// apply moves one voter's standing and the tally with it.
func (c *counter) apply(i int) {
	a := c.acts[i]
	s := c.standing[a.Voter.ID]
	if s == nil {
		s = &standing{act: -1}
		c.standing[a.Voter.ID] = s
	}
	c.count(a.Voter.ID, s, -1)
	s.apply(a, i)
	c.count(a.Voter.ID, s, 1)
}

// count puts a voter's standing into the tally, or takes it out.
func (c *counter) count(voter int64, s *standing, sign int) {
	if !s.counts() {
		return
	}
	v, eligible := c.voters[voter]
	if !eligible {
		c.tally.Advisory += sign
		return
	}
	if _, void := c.voided[voter]; void {
		return
	}
	choice := c.choice(s)
	author := voter == c.rec.Author
	c.tally.add(choice, v.Weight, author, sign)
	c.heads.add(choice, 1, author, sign)
}

// choice is what a standing counts as: request-changes whose own concern was met
// is an abstention.
func (c *counter) choice(s *standing) Choice {
	if s.choice == RequestChanges && s.act >= 0 {
		if n := c.acts[s.act].Concern; n > 0 && c.settled[n] {
			return Abstain
		}
	}
	return s.choice
}

// meet turns the ballot behind a resolved or lapsed concern into an abstention.
func (c *counter) meet(concern Concern) {
	s := c.standing[concern.Raiser.ID]
	if s != nil {
		c.count(concern.Raiser.ID, s, -1)
	}
	c.settled[concern.Number] = true
	if s != nil {
		c.count(concern.Raiser.ID, s, 1)
	}
}

func (c *counter) void(voter int64, at time.Time) {
	if _, already := c.voided[voter]; already {
		return
	}
	if s := c.standing[voter]; s != nil {
		c.count(voter, s, -1)
	}
	c.voided[voter] = at
}

func (c *counter) openConcerns(at time.Time) int {
	n := 0
	for _, concern := range c.rec.Concerns {
		if concern.openAt(at) {
			n++
		}
	}
	return n
}

func (c *counter) result() Result {
	deadline := c.end()
	at := deadline
	if c.rec.Now.Before(at) {
		at = c.rec.Now
	}
	open := c.openConcerns(at)
	equal := c.question
	equal.Weight = int64(equal.Heads)
	r := Result{
		Deadline: deadline, Extended: c.deadline.Sub(c.rec.Round.Planned), NearTie: c.nearTie,
		Tally: c.tally, OpenConcerns: open,
		Verdict:    Judge(c.question, c.tally, open),
		Unweighted: Judge(equal, c.heads, open),
		Ballots:    c.ballots(),
	}
	c.organisations(&r)
	r.Certain = c.certain(r)
	return r
}

// ballots lists every act with what became of it.
func (c *counter) ballots() []Ballot {
	list := make([]Ballot, len(c.acts))
	for i, a := range c.acts {
		b := Ballot{Act: a}
		v, eligible := c.voters[a.Voter.ID]
		if eligible {
			b.Weight = v.Weight
		}
		s := c.standing[a.Voter.ID]
		_, void := c.voided[a.Voter.ID]
		switch {
		case !a.At.Before(c.end()):
			b.WhyNot = "after the deadline"
		case a.retracts():
			b.WhyNot = "a retraction"
		case s == nil || s.act != i && s.choice != Conflicting:
			b.WhyNot = "superseded by a newer act, or taken back"
		case s.choice == Conflicting && standsIn(s, i):
			b.Choice, b.WhyNot = Conflicting, "two contradicting reactions stand at once"
		case s.choice == Conflicting:
			b.WhyNot = "superseded by a newer act, or taken back"
		case !eligible:
			b.WhyNot = "advisory: not in the electorate of this round"
		case void:
			b.WhyNot = "void: the voter was blocked or held during the round"
		default:
			b.Counted = true
		}
		list[i] = b
	}
	return list
}

func standsIn(s *standing, act int) bool {
	return slices.ContainsFunc(s.reactions, func(r standingReaction) bool { return r.act == act })
}

// organisations finds the organisation with the largest share of the cast weight
// (RULES §2 "Tally" 4).
func (c *counter) organisations(r *Result) {
	shares := map[string]Count{}
	for voter, s := range c.standing {
		v, eligible := c.voters[voter]
		organisation := c.rec.Affiliations[voter]
		if _, void := c.voided[voter]; !eligible || void || !s.counts() || organisation == "" {
			continue
		}
		share := shares[organisation]
		share.add(v.Weight, 1)
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

// certain reports whether those who have not voted could still change the outcome
// by weight: the extremes are that all of them oppose, approve, or stay away.
func (c *counter) certain(r Result) bool {
	var left Count
	for id, v := range c.voters {
		if _, void := c.voided[id]; void {
			continue
		}
		if s := c.standing[id]; s != nil && s.counts() {
			continue
		}
		left.add(v.Weight, 1)
	}
	with := func(side func(*Tally) *Count) Outcome {
		t := c.tally
		s := side(&t)
		s.Weight, s.Voters = s.Weight+left.Weight, s.Voters+left.Voters
		t.Supporters += t.Approve.Voters - c.tally.Approve.Voters
		return Judge(c.question, t, r.OpenConcerns).Outcome
	}
	switch r.Verdict.Outcome {
	case OutcomeAccepted:
		return with(func(t *Tally) *Count { return &t.Reject }) == OutcomeAccepted
	case OutcomeRejected:
		return with(func(t *Tally) *Count { return &t.Approve }) == OutcomeRejected
	}
	return false
}
