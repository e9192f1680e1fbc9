package rfc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// errNotVoting refuses what needs an open round.
func errNotVoting(r *RFC) error {
	return command.Refuse(app.CodeConflict, "%s is %s: there is no vote now.", r.Name(), r.State)
}

// ballotCommand casts a vote by comment, or retracts over every channel.
func (s *Service) ballotCommand(choice Choice) command.Handler {
	return func(ctx context.Context, call command.Call) (command.Apply, error) {
		a, err := s.askRFC(ctx, call)
		if err != nil {
			return nil, err
		}
		return s.on(a, func(ctx context.Context, c *change) (string, error) {
			if !c.voting() {
				return "", command.RefuseForNow(app.CodeConflict, "%s is %s: there is no vote now.", c.r.Name(), c.r.State)
			}
			result, err := c.result(ctx)
			if err != nil {
				return "", err
			}
			if !a.At.Before(result.Deadline) { // unless what is read later extends it
				return "", command.RefuseForNow(app.CodeConflict, "voting on %s ended at %s.", c.r.Name(), stamp(result.Deadline))
			}
			if a.At.Before(c.round.OpenedAt) {
				return "", command.Refuse(app.CodeConflict, "this was written before the vote opened.")
			}
			return "", c.cast(ctx, Act{Voter: a.Actor(), Choice: choice, Channel: ByComment, Source: a.Comment.ID, At: a.At,
				URL: a.Comment.URL, Reason: a.Command.Text()})
		}), nil
	}
}

func (s *Service) extendCommand(_ context.Context, a asked) (command.Apply, error) {
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		if !c.voting() {
			return "", errNotVoting(c.r)
		}
		before, err := c.result(ctx)
		if err != nil {
			return "", err
		}
		if !a.At.Before(before.Deadline) {
			return "", command.Refuse(app.CodeConflict, "voting on %s ended at %s.", c.r.Name(), stamp(before.Deadline))
		}
		why, err := c.unnamed(ctx, a.Command.Text())
		if err != nil {
			return "", err
		}
		c.round.Extensions = append(c.round.Extensions,
			Extension{By: a.Actor(), At: a.At, For: config.Duration(a.Command.Duration()), Why: why})
		after, err := c.result(ctx)
		if err != nil {
			return "", err
		}
		latest := c.round.Planned.Add(c.round.Policy.MaxExtension.Std())
		if !after.Deadline.After(before.Deadline) {
			if before.Deadline.Before(latest) {
				return "", command.Refuse(app.CodeConflict, "that would not move the deadline, which is %s.", stamp(before.Deadline))
			}
			return "", command.Refuse(app.CodeConflict, "all extensions of a round together are at most %s, and this round has used them up.", c.round.Policy.MaxExtension)
		}
		c.round.Deadline, c.urgent = after.Deadline, true
		reply := ""
		if after.Deadline.Before(before.Deadline.Add(a.Command.Duration())) && !after.Deadline.Before(latest) {
			reply = fmt.Sprintf("The voting now ends at %s. That is less than was asked for: all extensions of a round together are at most %s.",
				stamp(after.Deadline), c.round.Policy.MaxExtension)
		}
		return reply, c.quote(ctx, "extended", before.Deadline.Format(time.RFC3339), after.Deadline.Format(time.RFC3339), "", why, a.Actor(), nil)
	}), nil
}

// editorialCommand keeps the ballots, or the acceptance, for the text as it is now.
func (s *Service) editorialCommand(ctx context.Context, a asked) (command.Apply, error) {
	// The steward vouches for the text that stands now, so it is read now.
	if err := s.Refresh(ctx, a.Repo, a.Ref.Number, Cause{}); err != nil {
		return nil, err
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		if err := c.refuseOver(ctx, a.At); err != nil {
			return "", err
		}
		from, text := "", c.r.Text
		switch {
		case c.voting() && c.awaitsEdit(): // which text the steward saw is not known yet
			return "", app.Errorf(app.CodeUnavailable, "the event of an edit of %s is still to come", c.r.Name())
		case c.voting() && (!c.round.TextChangedAt.IsZero() || !c.round.Unheard.IsZero()):
			if c.round.editedSince(a.At) {
				return "", command.Refuse(app.CodeConflict, "the text of %s changed again after your command. Look at it, and say so once more.", c.r.Name())
			}
			var err error
			if from, text, err = c.vouch(ctx); err != nil {
				return "", err
			}
		case (c.r.State == Accepted || c.r.State == Implemented) && c.r.Bound != c.r.Text:
			from, c.r.Bound = c.r.Bound.Hash, text
		default:
			return "", command.Refuse(app.CodeConflict, "the text is the one that was, or is being, voted on.")
		}
		c.urgent = true
		return "", c.quote(ctx, "editorial", from, text.Hash, "", a.Command.Text(), a.Actor(), nil)
	}), nil
}

// readyOrRefuse is readyToOpen for a command. It refuses while the configuration is broken,
// and while GitHub does not answer; what fails here is tried again.
func (s *Service) readyOrRefuse(ctx context.Context, repo app.Repository) (community.PolicyRecord, error) {
	policy, err := s.readyToOpen(ctx, repo)
	switch app.CodeOf(err) {
	case "", app.CodeFenced, app.CodeStopped:
		return policy, err
	case app.CodeInvalid:
		return policy, community.RefuseUnruled(err, s.Renderer.Escape)
	}
	return policy, command.Refuse(app.CodeUnavailable, "no round can open now: GitHub does not answer when asked for the configuration or the members. Try again in a few minutes.")
}

func (s *Service) restartCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	a, err := s.askRFC(ctx, call)
	if err != nil {
		return nil, err
	}
	if err := s.askSteward(ctx, &a); err != nil {
		return nil, err
	}
	if !a.steward && !a.author() {
		return nil, s.refuseWho(a, "a steward, or the author in the first half of the voting,")
	}
	policy, err := s.readyOrRefuse(ctx, a.Repo)
	if err != nil {
		return nil, err
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		if !c.voting() {
			return "", errNotVoting(c.r)
		}
		if half := halfOf(c.round.OpenedAt, c.round.Planned, c.round.Policy.AuthorShare.FloorOf); !a.steward && !a.At.Before(half) {
			return "", command.Refuse(app.CodeForbidden, "the author may restart until half of the voting, %s; a steward still may.", stamp(half))
		}
		if err := c.refuseOver(ctx, a.At); err != nil {
			return "", err
		}
		c.policy = policy
		return "", c.restart(ctx, a.Command.Text(), a.Actor())
	}), nil
}

// confirmCommand records one steward's confirmation; the round is decided when
// enough of them, or all there are, have confirmed.
func (s *Service) confirmCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	return s.stewarded(func(ctx context.Context, a asked) (command.Apply, error) {
		need, err := s.quorumOfStewards(ctx, a)
		if err != nil {
			return nil, err
		}
		return s.on(a, func(ctx context.Context, c *change) (string, error) {
			if !c.voting() || c.round.ConfirmBy.IsZero() || !a.At.Before(c.round.ConfirmBy) {
				return "", command.Refuse(app.CodeConflict, "there is nothing to confirm.")
			}
			for _, done := range c.round.Confirmations {
				if done.By.ID == a.Actor().ID {
					return "", command.Refuse(app.CodeConflict, "you have confirmed already; another steward must confirm it too.")
				}
			}
			c.round.Confirmations = append(c.round.Confirmations, Confirmation{By: a.Actor(), At: a.At})
			c.round.ConfirmNeed, c.urgent = need, true
			return "", c.note(ctx, "confirmed", "", fmt.Sprint(len(c.round.Confirmations)), "", a.Actor(), nil)
		}), nil
	})(ctx, call)
}

// quorumOfStewards is two, or one when there is only one ("Two stewards" in RULES).
func (s *Service) quorumOfStewards(ctx context.Context, a asked) (int, error) {
	if a.unruled != nil {
		return 0, a.unruled
	}
	roster, err := s.Community.Stewards(ctx, a.Repo, a.policy.Policy)
	if err != nil {
		return 0, err
	}
	roster[a.Actor().ID] = a.Actor()
	return min(len(roster), a.policy.Policy.TwoStewards), nil
}

// implementCommand takes a pull request that GitHub knows as merged, whoever names it:
// nobody's word alone makes an RFC implemented, or brings points.
func (s *Service) implementCommand(ctx context.Context, a asked) (command.Apply, error) {
	if a.rfc == nil {
		return nil, s.notAnRFC(a)
	}
	if err := a.rfc.implementable(); err != nil {
		return nil, asAnswer(err)
	}
	by := a.Command.Pull()
	if err := s.merged(ctx, a.Repo, by); err != nil {
		return nil, err
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		return "", c.implemented(ctx, by.String(), a.Actor())
	}), nil
}

// merged refuses what is not a merged pull request of the repository, or of a public one
// of its community.
func (s *Service) merged(ctx context.Context, repo app.Repository, pull command.PullRef) error {
	none := command.Refuse(app.CodeNotFound, "there is no pull request %s here.", pull)
	owner := repo.Owner.ID
	if pull.Owner != "" && !strings.EqualFold(pull.Owner+"/"+pull.Repository, repo.FullName()) {
		err := s.Store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
			repo, err = tx.RepositoryByName(ctx, pull.Owner, pull.Repository)
			return err
		})
		if app.Is(err, app.CodeNotFound) || err == nil && (!repo.Public() || repo.Owner.ID != owner) {
			return none // not of this community, or nothing to speak of here
		}
		if err != nil {
			return err
		}
	}
	issue, err := s.Repos(repo).Issue(ctx, pull.Number)
	switch {
	case app.Is(err, app.CodeNotFound), app.Is(err, app.CodeGone), err == nil && issue.Pull == nil:
		return none
	case err != nil:
		return fmt.Errorf("reading %s of %s: %w", pull, repo.FullName(), err)
	case !issue.Pull.Merged:
		return command.Refuse(app.CodeConflict, "the pull request %s is not merged.", pull)
	}
	return nil
}

// implementable refuses what is not accepted, or is no longer what was accepted.
func (r *RFC) implementable() error {
	if err := r.mayMove(Implemented, TriggerImplemented); err != nil {
		return err
	}
	if r.Bound != r.Text && r.Kind == KindPull {
		return app.Errorf(app.CodeConflict, "%s changed since it was accepted", r.Name())
	}
	return nil
}

// implemented marks the RFC, and enters what that brings its author; the merged pull
// request that did it is named in the trail.
func (c *change) implemented(ctx context.Context, by string, actor app.User) error {
	if err := c.r.implementable(); err != nil {
		return err
	}
	c.r.ImplementedBy = by
	if err := c.move(ctx, Implemented, TriggerImplemented, actor, "by "+by, nil); err != nil {
		return err
	}
	return c.creditImplementation(ctx)
}

// creditImplementation enters what the implementation brings the author, once.
func (c *change) creditImplementation(ctx context.Context) error {
	return c.enter(ctx, c.r.person(), config.RFCImplemented, fmt.Sprintf("implemented/%d/%d", c.r.ID, c.r.Round))
}
