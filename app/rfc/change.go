package rfc

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
)

// change is one transaction's work on one RFC: what was loaded, what is being
// changed, and what must follow when it is saved.
type change struct {
	*Service
	tx     Tx
	repo   app.Repository
	r      *RFC
	round  *Round // the newest round, nil before the first
	policy community.PolicyRecord
	now    time.Time

	heard   time.Time // until when every comment and review was read, zero when that is not known
	urgent  bool      // state changed: shown at once
	touched bool      // shown after a quiet spell

	read    *Record // the newest round, once it was read: what is cast goes in here too
	counted *Result // its result, once that is sure to change no more
}

// update loads the RFC of an issue, lets do change it, moves its clocks on and
// saves it with everything that follows. An issue that is no RFC is answered with
// app.CodeNotFound. It joins a transaction that ctx carries.
func (s *Service) update(ctx context.Context, ref app.IssueRef, do func(ctx context.Context, c *change) error) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		r, err := tx.RFCByIssue(ctx, ref)
		if err != nil {
			return err
		}
		c, err := s.begin(ctx, tx, r)
		if err != nil {
			return err
		}
		if err := do(ctx, c); err != nil {
			return err
		}
		return c.finish(ctx)
	})
}

func (s *Service) begin(ctx context.Context, tx Tx, r *RFC) (*change, error) {
	c := &change{Service: s, tx: tx, r: r, now: s.now()}
	var err error
	if c.repo, err = tx.Repository(ctx, r.Ref.Repository); err != nil {
		return nil, err
	}
	if r.Left == 0 { // else it is another community's
		if c.policy, err = tx.Policy(ctx, c.repo.ID); err != nil && !app.Is(err, app.CodeNotFound) {
			return nil, err
		}
	}
	if r.Round > 0 {
		if c.round, err = tx.Round(ctx, r.ID, r.Round); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// voting reports whether the newest round takes ballots.
func (c *change) voting() bool { return c.r.State == Voting && c.round != nil && !c.round.Closed() }

// counts is the instant from which something counts that happened at another. What was
// said before a round was closed and is heard after it counts from now on, or from when
// the next one opened: what was decided, and is recounted, stays as it was.
func (c *change) counts(at time.Time) time.Time {
	switch {
	case c.round == nil:
	case !c.round.Closed() && c.round.Number > 1 && at.Before(c.round.OpenedAt):
		return c.round.OpenedAt.Add(time.Second)
	case c.round.Closed() && !at.After(c.round.ClosedAt):
		if c.now.After(c.round.ClosedAt) {
			return c.now
		}
		return c.round.ClosedAt.Add(time.Microsecond)
	}
	return at
}

// over reports whether an instant, if it is known, comes after the end of the voting,
// whose result is still to come. One that waits for something else is over long ago.
func (c *change) over(ctx context.Context, at time.Time) (bool, error) {
	if at.IsZero() || !c.voting() || c.r.OpenBlocked != "" || !c.round.ConfirmBy.IsZero() {
		return false, nil
	}
	result, err := c.result(ctx)
	return !at.Before(result.Deadline), err
}

// refuseOver refuses what would change a round that is over, while its result is still
// to come.
func (c *change) refuseOver(ctx context.Context, at time.Time) error {
	over, err := c.over(ctx, at)
	if err == nil && over {
		err = command.Refuse(app.CodeConflict, "voting on %s is over, and its result comes first.", c.r.Name())
	}
	return err
}

// result recounts the newest round as it stands.
func (c *change) result(ctx context.Context) (Result, error) {
	if c.counted != nil {
		return *c.counted, nil
	}
	record, err := c.record(ctx)
	if err != nil {
		return Result{}, err
	}
	return Recount(record), nil
}

// record is what the result of the newest round follows from, as it stands.
func (c *change) record(ctx context.Context) (Record, error) {
	if c.read == nil || c.read.Round != c.round {
		record, err := loadRecord(ctx, c.tx, c.r, c.round, c.now)
		if err != nil {
			return Record{}, fmt.Errorf("loading the round of %s: %w", c.r.Name(), err)
		}
		c.read = &record
	}
	record := recordOf(c.r, c.round, c.now)
	record.Voters, record.Acts = c.read.Voters, c.read.Acts
	return record, nil
}

// move changes the state by the lifecycle table and writes the trail.
func (c *change) move(ctx context.Context, to State, by Trigger, actor app.User, why string, inputs any) error {
	from := c.r.State
	if err := c.r.moveTo(to, by); err != nil {
		return err
	}
	why, err := c.unnamed(ctx, why)
	if err != nil {
		return err
	}
	c.r.Why = why
	c.urgent = true
	c.r.DecidedAt = time.Time{}
	if to.Decided() {
		c.r.DecidedAt = c.now
	}
	if c.r.ID == 0 { // the trail names RFCs by their id
		if err := c.tx.SaveRFC(ctx, c.r); err != nil {
			return err
		}
	}
	if by == TriggerWithdrawn || by == TriggerReopenCommand {
		return c.quote(ctx, "state", string(from), string(to), string(by), why, actor, inputs)
	}
	reason := string(by)
	if why != "" {
		reason += ": " + why
	}
	return c.note(ctx, "state", string(from), string(to), reason, actor, inputs)
}

// mention is somebody's login as people write it, and namesRead how many of a text are
// looked up.
var mention = regexp.MustCompile(`(?:^|[^A-Za-z0-9_-])@([A-Za-z0-9][A-Za-z0-9_-]{0,38})`)

const namesRead = 20

// unnamed puts numeric ids in the place of the members whom a text names with an @: what
// the trail says once it says for ever, and a login has to go when its member does.
func (c *change) unnamed(ctx context.Context, text string) (string, error) {
	for _, found := range mention.FindAllStringSubmatch(text, namesRead) {
		m, err := c.tx.MemberByLogin(ctx, c.r.Community, found[1])
		if app.Is(err, app.CodeNotFound) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("looking for whom a reason names: %w", err)
		}
		text = community.Unname(text, found[1], community.MemberSubject(m.ID))
	}
	return text, nil
}

// note appends to the audit trail. The reason is of Agora's own words: they stay.
func (c *change) note(ctx context.Context, kind, from, to, reason string, actor app.User, inputs any) error {
	return c.quote(ctx, kind, from, to, reason, "", actor, inputs)
}

// quote appends to the audit trail what the actor said, beside a reason of Agora's.
func (c *change) quote(ctx context.Context, kind, from, to, reason, words string, actor app.User, inputs any) error {
	words, err := c.unnamed(ctx, words)
	if err != nil {
		return err
	}
	version := c.policy.Version
	if c.round != nil && !c.round.Closed() {
		version = c.round.PolicyVersion
	}
	e := audit.Entry{
		Community: c.r.Community, Subject: c.r.Subject(), At: c.now, Actor: actor.ID,
		Kind: kind, From: from, To: to, Reason: reason, Words: words, PolicyVersion: version,
	}
	if inputs != nil {
		e.Inputs = audit.Inputs(inputs)
	}
	return c.tx.AppendAudit(ctx, e)
}

// finish moves the clocks on, saves, sets the next timer and orders what GitHub
// should show.
func (c *change) finish(ctx context.Context) error {
	if err := c.clocks(ctx); err != nil {
		return err
	}
	if c.round != nil {
		if err := c.tx.SaveRound(ctx, c.round); err != nil {
			return err
		}
	}
	if err := c.tx.SaveRFC(ctx, c.r); err != nil {
		return err
	}
	if err := c.schedule(ctx); err != nil {
		return err
	}
	return c.order(ctx)
}

// schedule sets the one timer of the RFC to the next instant at which something
// may happen by itself.
func (c *change) schedule(ctx context.Context) error {
	key := timerKey(c.r)
	due, err := c.nextTick(ctx)
	if err != nil {
		return err
	}
	if due.IsZero() {
		return c.tx.CancelTimer(ctx, key)
	}
	return c.tx.SetTimer(ctx, key, due, c.r.Ref.Lane(), TickKind, Order{Ref: c.r.Ref}.body())
}

// timerKey names the one timer of an RFC.
func timerKey(r *RFC) string { return fmt.Sprintf("rfc/%d", r.ID) }

// settleDelay lets GitHub's lagging lists catch up before the final reading.
const settleDelay = 2 * time.Second

// settled is the earliest instant of the final reading of a round.
func settled(deadline time.Time) time.Time { return deadline.Add(settleDelay) }

func (c *change) nextTick(ctx context.Context) (time.Time, error) {
	var due []time.Time
	switch {
	case c.r.State == Open:
		due = append(due, c.r.DiscussionEnds)
		if c.r.OpenBlocked != "" {
			due = []time.Time{c.now.Add(blockedRetry)}
		}
	case c.r.State == Postponed:
		due = append(due, c.r.RetryAt)
		if c.r.OpenBlocked != "" {
			due = []time.Time{c.now.Add(blockedRetry)}
		}
	case c.voting():
		result, err := c.result(ctx)
		if err != nil {
			return time.Time{}, err
		}
		end := settled(result.Deadline)
		switch {
		case c.r.OpenBlocked != "":
			end = c.now.Add(blockedRetry)
		case c.awaitsEdit() && !c.round.LastRead.Before(end):
			due = append(due, c.round.Unheard.Add(editAwaited))
			end = c.now.Add(asidePause)
		case !c.round.ConfirmBy.IsZero():
			end = c.round.ConfirmBy
		case end.After(c.now):
			due = append(due, c.now.Add(pollInterval(result.Deadline.Sub(c.now), c.ReactionPoll)))
		}
		due = append(due, end)
	}
	for _, concern := range c.r.Concerns {
		if concern.State == ConcernAddressed && !c.r.State.Decided() && !(c.voting() && c.r.OpenBlocked != "") {
			due = append(due, settled(c.lapseAt(concern)))
		}
	}
	due = slices.DeleteFunc(due, time.Time.IsZero)
	if len(due) == 0 {
		return time.Time{}, nil
	}
	return slices.MinFunc(due, time.Time.Compare), nil
}

// blockedRetry is how soon an opening that GitHub or a broken configuration
// prevented is tried again.
const blockedRetry = 5 * time.Minute

// longestPoll is how long until reactions are read again, far from the deadline: 15
// minutes, and less where the operator has them read more often than by default.
func longestPoll(shortest time.Duration) time.Duration {
	return max(min(15*shortest, 15*time.Minute), shortest)
}

// pollInterval is how long until reactions are read again: the longest far from
// the deadline, the shortest near it.
func pollInterval(left, shortest time.Duration) time.Duration {
	return max(min(left/96, longestPoll(shortest)), shortest)
}
