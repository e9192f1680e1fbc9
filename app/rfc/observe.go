package rfc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

// observe compares GitHub's state with the RFC's and makes the moves that follow.
func (c *change) observe(ctx context.Context, issue app.Issue, cause Cause, steward bool) error {
	reopened := cause.Event == "reopened" && issue.Open
	wasDraft, wasLabelled, labelled := c.r.PullDraft, c.r.Labelled, issue.HasLabel(c.rules().Label)
	if err := c.observeText(ctx, issue, cause); err != nil {
		return err
	}
	c.copyIssue(issue)
	if err := c.copyPeople(ctx, issue); err != nil {
		return err
	}
	if issue.Pull != nil {
		c.r.PullDraft = issue.Pull.Draft
	}
	if labelsOwned(issue.Labels) != c.r.State.Label() || c.r.keepsLabel() && !labelled {
		c.urgent = true // put back what was changed
	}
	switch {
	case !c.r.State.Decided() && !issue.Open:
		if over, err := c.over(ctx, c.r.ClosedAt); over || err != nil {
			return err // the result of the vote comes first
		}
		why := ""
		if issue.Pull != nil && issue.Pull.Merged {
			why = "merged before a decision"
		}
		return c.withdraw(ctx, TriggerClosed, cause.Actor, why)
	case !c.r.State.Decided() && wasLabelled && !labelled:
		over, err := c.over(ctx, cause.At)
		if err != nil {
			return err
		}
		if !over && cause.Event == "unlabeled" && cause.Actor.ID != 0 && (steward || cause.Actor.ID == c.r.person()) {
			return c.withdraw(ctx, TriggerUnlabelled, cause.Actor, "")
		}
		return nil // the label is put back
	case reopened && steward && Allowed(c.r.State, TriggerReopened, Draft):
		c.r.Labelled = labelled
		return c.move(ctx, Draft, TriggerReopened, cause.Actor, "", nil)
	case c.r.State == Draft && !wasLabelled && labelled && !isDraft(issue):
		return c.discuss(ctx, TriggerLabelled, cause.Actor, "")
	case c.r.State == Draft && wasDraft && issue.Pull != nil && !issue.Pull.Draft:
		return c.discuss(ctx, TriggerReady, cause.Actor, "")
	}
	return nil
}

// withdraw takes the RFC out of the process and ends an open round.
func (c *change) withdraw(ctx context.Context, by Trigger, actor app.User, why string) error {
	if c.voting() {
		result, err := c.result(ctx)
		if err != nil {
			return err
		}
		if err := c.remember(ctx, result.Ballots); err != nil {
			return err
		}
		c.closeRound(OutcomeAbandoned, []string{"the RFC was withdrawn"}, result.Deadline)
		if err := c.votingEnded(ctx, actor, "withdrawn"); err != nil {
			return err
		}
	}
	c.r.RetryAt = time.Time{}
	return c.move(ctx, Withdrawn, by, actor, why, nil)
}

// labelsOwned joins the labels of ours that the issue wears; right is exactly one.
func labelsOwned(labels []string) string {
	var owned []string
	for _, l := range labels {
		if isStateLabel(l) {
			owned = append(owned, strings.ToLower(l))
		}
	}
	return strings.Join(owned, " ")
}

func isStateLabel(label string) bool {
	return slices.ContainsFunc(States, func(s State) bool { return strings.EqualFold(s.Label(), label) })
}

// whoActed finds out who closed, reopened or unlabelled what the reading shows to
// be so, when the event at hand does not tell: it was lost, or is still to come.
func (s *Service) whoActed(ctx context.Context, repo app.Repository, r *RFC, issue app.Issue, cause Cause) (Cause, error) {
	policy, err := s.policyOrDefault(ctx, repo)
	if err != nil {
		return cause, err
	}
	wanted := ""
	switch {
	case !r.State.Decided() && !issue.Open:
		wanted = "closed"
	case !r.State.Decided() && r.Labelled && !issue.HasLabel(policy.Label):
		wanted = "unlabeled"
	case Allowed(r.State, TriggerReopened, Draft) && issue.Open && !r.IssueOpen:
		wanted = "reopened"
	default:
		return cause, nil
	}
	tells := func(event, label string) bool {
		return event == wanted && (wanted != "unlabeled" || strings.EqualFold(label, policy.Label))
	}
	switch {
	case tells(cause.Event, cause.Label):
		return cause, nil
	case wanted == "closed" && issue.ClosedBy.ID != 0:
		return Cause{Actor: issue.ClosedBy, Event: wanted}, nil
	}
	since := r.Registered.Truncate(time.Second)
	if wanted == "unlabeled" && r.LabelledAt.After(since) {
		since = r.LabelledAt
	}
	events, err := s.Repos(repo).IssueEvents(ctx, issue.Ref.Number)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return cause, fmt.Errorf("reading the events of %s: %w", r.Name(), err)
	}
	for _, e := range slices.Backward(events) {
		if tells(e.Event, e.Label) && !e.At.Before(since) {
			return Cause{Actor: e.Actor, Event: e.Event, Label: e.Label, At: e.At}, nil
		}
	}
	return Cause{Event: wanted, Label: policy.Label}, nil // by nobody known
}

// stewardActs asks whether the actor is a steward, where the answer matters.
func (s *Service) stewardActs(ctx context.Context, repo app.Repository, r *RFC, issue app.Issue, cause Cause) (bool, error) {
	policy, err := s.policyOrDefault(ctx, repo)
	if err != nil {
		return false, err
	}
	unlabelled := !r.State.Decided() && issue.Open && r.Labelled && !issue.HasLabel(policy.Label)
	reopened := cause.Event == "reopened" && r.State.Decided()
	if cause.Actor.ID == 0 || !unlabelled && !reopened {
		return false, nil
	}
	return s.Community.IsSteward(ctx, repo, policy, cause.Actor)
}
