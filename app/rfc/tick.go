package rfc

import (
	"context"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
)

// plannedOpening is the prepared opening of a round: what had to be read of GitHub first.
type plannedOpening struct {
	due     bool
	trigger Trigger
	policy  community.PolicyRecord
	blocked string // why no round can open now, for people
}

// prepareOpening reads what a round that is due needs: the configuration as it
// stands now, and the profiles of new members. Where no good configuration was
// ever read, or GitHub does not answer, no round is opened.
func (s *Service) prepareOpening(ctx context.Context, repo app.Repository, r *RFC) (plannedOpening, error) {
	var o plannedOpening
	if r.State == Voting && r.OpenBlocked != "" {
		// A restart waits: it goes by the policy that is kept, so that is read again here.
		if _, err := s.Community.ReadPolicy(ctx, repo); app.Is(err, app.CodeStopped) {
			return o, err
		}
		return o, nil
	}
	if o.trigger, o.due = r.opens(s.now()); !o.due {
		return o, nil
	}
	var err error
	o.policy, err = s.readyToOpen(ctx, repo)
	switch {
	case app.Is(err, app.CodeInvalid):
		o.blocked = brokenFirst
	case app.Is(err, app.CodeStopped):
		return o, err
	case err != nil:
		o.blocked = "GitHub does not answer when asked for the configuration or the members"
	}
	return o, nil
}

// opens tells what opens a round by itself, when that is due.
func (r *RFC) opens(now time.Time) (by Trigger, due bool) {
	switch {
	case r.State == Open && !r.DiscussionEnds.IsZero() && !now.Before(r.DiscussionEnds):
		return TriggerDiscussionOver, true
	case r.State == Postponed && !r.RetryAt.IsZero() && !now.Before(r.RetryAt):
		return TriggerRetry, true
	}
	return "", false
}

// readyToOpen reads the configuration and completes the profiles of the members.
func (s *Service) readyToOpen(ctx context.Context, repo app.Repository) (community.PolicyRecord, error) {
	policy, err := s.Community.ReadPolicy(ctx, repo)
	if err != nil {
		return policy, err
	}
	return policy, s.Community.CompleteProfiles(ctx, repo)
}

// open opens a round that is due, or remembers what is in the way.
func (c *change) open(ctx context.Context, o plannedOpening) error {
	if !o.due || !Allowed(c.r.State, o.trigger, Voting) {
		return nil
	}
	if o.trigger == TriggerRetry && !c.r.IssueOpen {
		return c.staysPostponed(ctx)
	}
	if o.blocked != "" {
		c.blocked(o.blocked)
		return nil
	}
	c.policy = o.policy
	if err := c.move(ctx, Voting, o.trigger, app.User{}, "", nil); err != nil {
		return err
	}
	return c.openRound(ctx, string(o.trigger), "", app.User{})
}

// staysPostponed gives up the second vote of an RFC whose issue was closed meanwhile: a
// steward may still take it up again.
func (c *change) staysPostponed(ctx context.Context) error {
	at := c.r.RetryAt
	c.r.RetryAt, c.r.OpenBlocked, c.urgent = time.Time{}, "", true
	return c.note(ctx, "no-second-vote", at.Format(time.RFC3339), "", "its issue was closed", app.User{}, nil)
}

// blocked remembers why no round can open though one is due.
func (c *change) blocked(why string) {
	if c.r.OpenBlocked != why {
		c.r.OpenBlocked, c.urgent = why, true
	}
}

// Tick looks at an RFC because its timer is due: it reads reactions, or reads the issue
// and opens a round, or reads everything for the last time and decides.
func (s *Service) Tick(ctx context.Context, ref app.IssueRef) error {
	r, round, result, err := s.findCounted(ctx, ref)
	if err != nil || r == nil {
		return err
	}
	repo, err := s.repository(ctx, ref.Repository)
	if app.Is(err, app.CodeNotFound) {
		return errUnreached(repo)
	}
	if err != nil {
		return err
	}
	now := s.now()
	if r.State == Voting && r.OpenBlocked != "" { // the round was read to its end; the text may be another by now
		return s.refresh(ctx, repo, ref.Number, Cause{}, time.Time{})
	}
	if r.State == Voting && round != nil && !round.Closed() && !now.Before(settled(result.Deadline)) && round.ConfirmBy.IsZero() {
		return s.finalReading(ctx, repo, r, round, result.Deadline)
	}
	heard := time.Time{}
	since, lapses, err := s.lapses(ctx, ref)
	if err == nil && lapses {
		heard, err = now, s.readComments(ctx, repo, ref, since)
	}
	if err == nil && lapses && r.Kind == KindPull {
		err = s.readReviews(ctx, repo, r)
	}
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
		return s.missing(ctx, repo, ref, app.User{})
	}
	if err != nil {
		return err
	}
	if _, due := r.opens(now); due { // unless the issue was closed meanwhile
		return s.refresh(ctx, repo, ref.Number, Cause{}, heard)
	}
	channels, err := s.readChannels(ctx, repo, r, round, result, false)
	if err != nil {
		return err
	}
	return channels.taken(s.update(ctx, ref, func(ctx context.Context, c *change) error {
		c.heard = heard
		return c.take(ctx, channels)
	}))
}

// lapses reports whether a concern of the RFC lapses now unless its raiser said something
// that was not heard, and since when that may be.
func (s *Service) lapses(ctx context.Context, ref app.IssueRef) (since time.Time, due bool, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		r, err := tx.RFCByIssue(ctx, ref)
		if err != nil {
			return err
		}
		c, err := s.begin(ctx, tx, r)
		if err != nil {
			return err
		}
		for _, concern := range r.Concerns {
			if r.State.Decided() || concern.State != ConcernAddressed || c.now.Before(settled(c.lapseAt(concern))) {
				continue
			}
			if !due || concern.AddressedAt.Before(since) {
				since = concern.AddressedAt
			}
			due = true
		}
		return nil
	})
	return since, due, err
}

// finalReading reads everything a round is decided by: comments whose event was
// lost, the text, and, in Refresh, every reaction and review. If any of it cannot
// be had, or whether who commanded something in time may, the result waits.
func (s *Service) finalReading(ctx context.Context, repo app.Repository, r *RFC, round *Round, deadline time.Time) error {
	began := s.now()
	err := s.readComments(ctx, repo, r.Ref, round.OpenedAt)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
		return s.missing(ctx, repo, r.Ref, app.User{})
	}
	if err != nil {
		return err
	}
	aside, err := s.aside(ctx, r.Ref)
	if err != nil {
		return err
	}
	inTime := func(c app.Comment) bool { return c.UpdatedAt.Before(deadline) }
	if slices.ContainsFunc(aside, inTime) { // they come after this in the lane
		return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			return tx.SetTimer(ctx, timerKey(r), s.now().Add(asidePause), r.Ref.Lane(), TickKind, Order{Ref: r.Ref}.body())
		})
	}
	if !round.TextChangedAt.IsZero() || !round.Unheard.IsZero() {
		// It may be held again, by the rules and with the members as they are now.
		// What cannot be read now is as it was read last.
		if _, err := s.readyToOpen(ctx, repo); app.Is(err, app.CodeStopped) {
			return err
		}
	}
	return s.refresh(ctx, repo, r.Ref.Number, Cause{}, began)
}
