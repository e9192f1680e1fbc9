package rfc

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// clocks does what time alone brings: concerns lapse, rounds close early or at
// their deadline, confirmations run out.
func (c *change) clocks(ctx context.Context) error {
	if err := c.lapse(ctx); err != nil {
		return err
	}
	if !c.voting() {
		return nil
	}
	result, err := c.result(ctx)
	if err != nil {
		return err
	}
	announced, known := c.round.EarlyCloseAt, c.round.Deadline
	if known.IsZero() {
		known = c.round.Planned
	}
	if err := c.deadlineMoved(ctx, result); err != nil {
		return err
	}
	if result.Deadline.After(known) {
		// Votes that came after what was known of the deadline, and before what it turned
		// out to be, are looked at again before anything is decided by it.
		c.round.LastRead = time.Time{}
	}
	if err := c.earlyClose(ctx, result); err != nil {
		return err
	}
	if c.now.Before(result.Deadline) || c.round.LastRead.Before(settled(result.Deadline)) { // still voting, or not read to the end
		if c.round.EarlyCloseAt.Equal(announced) {
			c.counted = &result
		}
		return c.closedInTime(ctx, result)
	}
	return c.decide(ctx, result)
}

// closedInTime has the issue read again that was closed when the vote seemed over, and is
// not: that was before a decision.
func (c *change) closedInTime(ctx context.Context, result Result) error {
	if c.r.IssueOpen || !c.now.Before(result.Deadline) || !c.r.ClosedAt.Before(result.Deadline) {
		return nil
	}
	return c.tx.Enqueue(ctx, c.r.Ref.Lane(), RefreshKind, "closed", Order{Ref: c.r.Ref, At: c.now}.body())
}

// lapse settles concerns whose raiser stayed silent after the author's answer. That is
// known only once every comment and review until then was read: events may be late, or
// lost.
func (c *change) lapse(ctx context.Context) error {
	if c.r.State.Decided() {
		return nil
	}
	for i := range c.r.Concerns {
		concern := &c.r.Concerns[i]
		if concern.State != ConcernAddressed || c.heard.Before(settled(c.lapseAt(*concern))) {
			continue
		}
		concern.State, concern.SettledAt = ConcernLapsed, c.counts(c.lapseAt(*concern))
		c.touched = true
		if err := c.note(ctx, "concern", string(ConcernAddressed), string(ConcernLapsed),
			fmt.Sprintf("concern %d: its raiser was silent", concern.Number), app.User{}, nil); err != nil {
			return err
		}
	}
	return nil
}

// lapseAt is when an addressed concern lapses: so long after the author's answer,
// or after the raiser's last word since.
func (c *change) lapseAt(concern Concern) time.Time {
	from, silence := concern.AddressedAt, c.rules().Concerns.Lapse.Std()
	spoke := concern.SpokeAt
	if last := c.r.LastSpoke[concern.Raiser.ID]; spoke.IsZero() && last.Before(from.Add(silence)) {
		spoke = last // where this was not kept yet
	}
	if spoke.After(from) {
		from = spoke
	}
	return from.Add(silence)
}

// rules is the policy in force: the round's frozen one, else the repository's.
func (c *change) rules() config.Policy {
	if c.round != nil && !c.round.Closed() {
		return c.round.Policy
	}
	if !c.policy.Known() {
		return config.DefaultPolicy()
	}
	return c.policy.Policy
}

// deadlineMoved notes that the deadline moved by itself. A steward's extension and
// an early close have entries of their own.
func (c *change) deadlineMoved(ctx context.Context, result Result) error {
	before := c.round.Deadline
	if before.IsZero() {
		before = c.round.Planned
	}
	if result.Deadline.Equal(before) || !c.round.EarlyCloseAt.IsZero() {
		return nil
	}
	why := "the outcome changed, or the quorum was reached, late"
	if result.NearTie && !c.round.NearTie {
		why = "a near tie"
	}
	c.round.Deadline, c.round.NearTie, c.urgent = result.Deadline, result.NearTie, true
	return c.note(ctx, "deadline", before.Format(time.RFC3339), result.Deadline.Format(time.RFC3339), why, app.User{}, nil)
}

// earlyClose announces the early close of a round whose outcome is certain, and
// takes it back when it no longer is (RULES §2 "Time").
func (c *change) earlyClose(ctx context.Context, result Result) error {
	if !c.round.Policy.EarlyClose || !c.now.Before(result.Deadline) {
		return nil
	}
	announced := !c.round.EarlyCloseAt.IsZero()
	switch at := c.now.Add(c.round.Policy.EarlyCloseNotice.Std() + time.Second - 1).Truncate(time.Second); {
	case result.Certain && !announced && at.Before(result.Deadline):
		c.round.EarlyCloseAt, c.urgent = at, true
		return c.note(ctx, "early-close", "", at.Format(time.RFC3339), "no remaining weight could change the outcome", app.User{}, nil)
	case announced && !result.Deadline.Equal(c.round.EarlyCloseAt):
		c.round.EarlyCloseAt, c.urgent = time.Time{}, true
		return c.note(ctx, "early-close", "announced", "cancelled", "the outcome is open again", app.User{}, nil)
	}
	return nil
}

// decide ends a round that was read to its end (RULES §2 "Tally" 3–4, "Text").
func (c *change) decide(ctx context.Context, result Result) error {
	outcome, reasons := result.Verdict.Outcome, result.Verdict.Reasons
	if result.NeedsConfirmation && (outcome == OutcomeAccepted || outcome == OutcomeRejected) {
		switch {
		case c.round.ConfirmBy.IsZero():
			c.round.ConfirmBy = result.Deadline.Add(c.round.Policy.Organisation.ConfirmWithin.Std())
			c.urgent = true
			return c.note(ctx, "confirmation", "", c.round.ConfirmBy.Format(time.RFC3339), result.Organisation+" carries much of the weight", app.User{}, nil)
		case c.round.ConfirmNeed > 0 && len(c.round.Confirmations) >= c.round.ConfirmNeed:
		case c.now.Before(c.round.ConfirmBy):
			return nil
		default:
			outcome, reasons = OutcomePostponed, []string{"two stewards did not confirm in time a result that one organisation carries"}
		}
	}
	if outcome == OutcomeAccepted && c.awaitsEdit() {
		return nil
	}
	if outcome == OutcomeAccepted && !c.round.Unheard.IsZero() && c.round.TextChangedAt.IsZero() {
		c.round.TextChangedAt = c.now // no event told that it was after the end
	}
	if outcome == OutcomeAccepted && !c.round.TextChangedAt.IsZero() {
		if c.r.Restarts < c.round.Policy.TextRestarts {
			if !c.r.IssueOpen { // nobody is called to vote again on what was closed meanwhile
				return c.withdraw(ctx, TriggerClosed, app.User{}, "its text had changed during the vote")
			}
			if why := noRound(c.policy); why != "" { // the result waits: it would pass, and cannot be held again
				c.blocked(why)
				return nil
			}
			c.r.Restarts++
			return c.restart(ctx, "the text changed during the vote and nobody called the change editorial", app.User{})
		}
		outcome, reasons = OutcomeChangesRequested, []string{"the text kept changing during the vote"}
	}
	return c.conclude(ctx, result, outcome, reasons)
}

// conclude records the decision and everything that follows from it.
func (c *change) conclude(ctx context.Context, result Result, outcome Outcome, reasons []string) error {
	inputs := map[string]any{
		"round": c.round.Number, "outcome": outcome, "deadline": result.Deadline, "tally": result.Tally, "verdict": result.Verdict,
		"ballots": digestActs(result.Ballots), "concerns_open": result.OpenConcerns, "text": c.round.Text,
	}
	states := map[Outcome]State{OutcomeAccepted: Accepted, OutcomeRejected: Rejected, OutcomePostponed: Postponed, OutcomeChangesRequested: ChangesRequested}
	if err := c.move(ctx, states[outcome], TriggerDeadline, app.User{}, "", inputs); err != nil {
		return err
	}
	c.closeRound(outcome, reasons, result.Deadline)
	for _, b := range result.Ballots {
		if b.Counted {
			c.round.Voters++
		}
	}
	if err := c.answerLate(ctx, result); err != nil {
		return err
	}
	if err := c.decisionMade(ctx, outcome); err != nil {
		return err
	}
	if err := c.credit(ctx, result); err != nil {
		return fmt.Errorf("crediting the voters of %s: %w", c.r.Name(), err)
	}
	if err := c.tx.Enqueue(ctx, c.r.Ref.Lane(), LikesKind, LikesKind, Order{Ref: c.r.Ref}.body()); err != nil {
		return err
	}
	switch outcome {
	case OutcomeAccepted:
		c.r.Bound = c.round.Text
		return c.supersede(ctx)
	case OutcomePostponed:
		c.r.Postponements++
		if c.r.Postponements <= c.round.Policy.Postponed.Retries {
			c.r.RetryAt = c.now.Add(c.round.Policy.Postponed.After.Std())
		}
	}
	return nil
}

// answerLate tells the authors of votes that were taken while voting seemed to go on,
// until earlier ones were read, that they came too late.
func (c *change) answerLate(ctx context.Context, result Result) error {
	for _, b := range result.Ballots {
		if b.Channel != ByComment || b.At.Before(result.Deadline) {
			continue
		}
		why := fmt.Sprintf("This vote came too late: voting on %s ended at %s.", c.r.Name(), stamp(result.Deadline))
		if err := command.Belate(ctx, c.tx, c.r.Ref.Repository, b.Source, why); err != nil {
			return fmt.Errorf("answering a late vote on %s: %w", c.r.Name(), err)
		}
	}
	return nil
}

// credit enters what the decision brings: a point for each counted voter, and the
// author's (RULES §1).
func (c *change) credit(ctx context.Context, result Result) error {
	var entries []community.Entry
	for _, b := range result.Ballots {
		if !b.Counted {
			continue
		}
		source := fmt.Sprintf("vote/%d/%d/%d", c.r.ID, c.round.Number, b.Voter.ID)
		entries = append(entries, community.NewEntry(c.rules().Reputation, config.VoteCast, b.Voter.ID, c.now, source))
		if err := c.contribute(ctx, community.ContributedVote, b.Voter.ID, b.At, source, cmp.Or(b.URL, c.r.URL)); err != nil {
			return err
		}
	}
	if err := c.remember(ctx, result.Ballots); err != nil {
		return err
	}
	switch {
	case c.r.State == Accepted:
		entries = append(entries, c.authorsShares()...)
	case c.r.State == Rejected && c.r.person() != 0: // rejected needs the quorum to reject
		entries = append(entries, community.NewEntry(c.rules().Reputation, config.RFCRejected, c.r.person(), c.now, fmt.Sprintf("rejected/%d/%d", c.r.ID, c.round.Number)))
	}
	_, err := community.Enter(ctx, c.tx, c.r.Community, entries...)
	return err
}

// remember notes who cast a ballot, and when: whoever did is a regular for a while,
// whatever came of the round (RULES §2 "Electorate").
func (c *change) remember(ctx context.Context, ballots []Ballot) error {
	for _, b := range ballots {
		if !b.Counted {
			continue
		}
		m, err := c.tx.Member(ctx, c.r.Community, b.Voter.ID)
		if app.Is(err, app.CodeNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if m.Active() && b.At.After(m.LastBallotAt) {
			m.LastBallotAt = b.At
			if err := c.tx.SaveMember(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// authorsShares is what an accepted RFC brings, shared between the author and the
// co-authors.
func (c *change) authorsShares() (shares []community.Entry) {
	entry := community.NewEntry(c.rules().Reputation, config.RFCAccepted, 0, c.now, fmt.Sprintf("accepted/%d/%d", c.r.ID, c.round.Number))
	var authors []int64
	for _, id := range append([]int64{c.r.person()}, c.r.CoAuthors...) {
		if id != 0 { // a bot, or a deleted account, earns nothing
			authors = append(authors, id)
		}
	}
	for i, points := range community.Split(entry.Points, len(authors)) {
		share := entry
		share.Member, share.Points = authors[i], points
		if authors[i] != c.r.Author.ID {
			share.Source += fmt.Sprintf("/%d", authors[i])
		}
		shares = append(shares, share)
	}
	return shares
}

// enter adds a ledger entry of Agora's own, once per cause.
func (c *change) enter(ctx context.Context, member int64, kind config.EntryKind, source string) error {
	if member == 0 {
		return nil // a bot, or a deleted account, earns nothing
	}
	_, err := community.Enter(ctx, c.tx, c.r.Community, community.NewEntry(c.rules().Reputation, kind, member, c.now, source))
	return err
}

// supersede orders the RFCs that this one replaces to be marked, each in its own lane:
// those that its text named when the vote on it began. An RFC of another repository has
// other stewards, and may have stricter rules: it takes a command there.
func (c *change) supersede(ctx context.Context) error {
	named := c.r.Supersedes
	if c.round.Supersedes != nil {
		named = c.round.Supersedes
	}
	for _, number := range named {
		other, err := c.tx.RFCByNumber(ctx, c.r.Community, number)
		if app.Is(err, app.CodeNotFound) || err == nil && other.Ref.Repository != c.r.Ref.Repository {
			continue
		}
		if err != nil {
			return err
		}
		order := Order{Ref: other.Ref, Number: c.r.Number, By: c.r.Name()}
		if err := c.tx.Enqueue(ctx, other.Ref.Lane(), SupersededKind, "", order.body()); err != nil {
			return err
		}
	}
	return nil
}
