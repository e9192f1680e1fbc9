package rfc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
)

// rereadOverlap is how far a re-reading reaches back beyond the last one: GitHub's
// lists lag, and so may clocks.
const rereadOverlap = 10 * time.Minute

// pullsKey is where it is remembered that the open pull requests were looked at.
const pullsKey = "pulls"

// Reread heals what was missed in a repository since the last reading: every issue
// and pull request that changed is looked at as if its event had come, with the
// comments on RFCs. It asks one request when nothing changed. Where the first
// configuration is broken, that is read again too.
//
// The next re-reading is ordered first: whatever becomes of this one, that comes, and
// begins where the last good one began.
func (s *Service) Reread(ctx context.Context, o community.RepositoryOrder) error {
	repo, err := s.repository(ctx, o.Repository)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.now()
	if err := s.Community.RereadAgain(ctx, repo, now.Add(community.RereadEvery())); err != nil {
		return err
	}
	p := publication{Service: s, ref: app.IssueRef{Repository: repo.ID}}
	last, err := p.written(ctx, "reread")
	if err != nil {
		return err
	}
	since := last.SentAt.Add(-rereadOverlap)
	if last.SentAt.IsZero() {
		since = now.Add(-24 * time.Hour)
	}
	if err := s.sort(ctx, repo); err != nil { // should an RFC have been made while it moved
		return err
	}
	if err := p.once(ctx, pullsKey, func() error { return s.firstPulls(ctx, repo) }); err != nil {
		return err
	}
	issues, err := s.Repos(repo).IssuesSince(ctx, since)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) || app.Is(err, app.CodeUninstalled) {
		if reached, unknown := s.Community.Reaches(ctx, repo); unknown == nil && !reached {
			return s.Community.Lost(ctx, repo.Installation, repo.ID) // its event was lost
		}
	}
	if err != nil {
		return fmt.Errorf("re-reading %s: %w", repo.FullName(), err)
	}
	for _, issue := range issues {
		if err := s.rereadIssue(ctx, repo, issue, since); err != nil {
			return err
		}
	}
	if err := s.tickAll(ctx, repo); err != nil {
		return err
	}
	last.SentAt = now
	if err := p.save(ctx, last); err != nil {
		return err
	}
	return s.Community.MendPolicy(ctx, repo)
}

// firstPulls looks at the pull requests that were open before Agora came: each gets its
// check, whenever something last happened to it.
func (s *Service) firstPulls(ctx context.Context, repo app.Repository) error {
	pulls, err := s.Repos(repo).OpenPulls(ctx)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) || app.Is(err, app.CodeForbidden) || app.Is(err, app.CodeUninstalled) {
		return nil // what that means is asked next, or said where a check is missing
	}
	if err != nil {
		return fmt.Errorf("listing the open pull requests of %s: %w", repo.FullName(), err)
	}
	for _, pull := range pulls {
		if err := s.PullChanged(ctx, repo, pull); err != nil {
			return err
		}
	}
	return nil
}

// tickAll has the clock of every RFC in process in the repository looked at soon:
// while the App was removed or suspended its timers were due in vain. One that
// waits for its next reading keeps its own timer, which is due sooner.
func (s *Service) tickAll(ctx context.Context, repo app.Repository) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, state := range []State{Open, Voting, Postponed} {
			found, err := tx.RFCs(ctx, Filter{Community: repo.Owner.ID, State: state})
			if err != nil {
				return err
			}
			for _, r := range found {
				if r.Ref.Repository != repo.ID || state == Postponed && r.RetryAt.IsZero() {
					continue
				}
				due := s.now().Add(longestPoll(s.ReactionPoll))
				if err := tx.SetTimerEarlier(ctx, timerKey(r), due, r.Ref.Lane(), TickKind, Order{Ref: r.Ref}.body()); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// RereadOpen orders every RFC that may still go on to be looked at whole, as if every event since
// the given instant had been lost.
func (s *Service) RereadOpen(ctx context.Context, since time.Time) error {
	return s.rereadOpen(ctx, Filter{}, 0, since)
}

func (s *Service) rereadOpen(ctx context.Context, filter Filter, repository int64, since time.Time) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		found, err := tx.RFCs(ctx, filter)
		if err != nil {
			return fmt.Errorf("listing open RFCs: %w", err)
		}
		for _, r := range found {
			ended := r.State.Decided() && r.State != ChangesRequested && r.State != Postponed
			if ended || r.Left != 0 || repository != 0 && r.Ref.Repository != repository {
				continue
			}
			if err := tx.Enqueue(ctx, r.Ref.Lane(), RefreshKind, "reread", Order{Ref: r.Ref, At: since}.body()); err != nil {
				return err
			}
		}
		return nil
	})
}

// rereadIssue orders an issue to be looked at in its own lane, so that it does not
// run beside its events.
func (s *Service) rereadIssue(ctx context.Context, repo app.Repository, issue app.Issue, since time.Time) error {
	ref := app.IssueRef{Repository: repo.ID, Number: issue.Ref.Number}
	known, err := s.Known(ctx, ref)
	if err != nil {
		return err
	}
	if !known && issue.Pull == nil && len(issue.Labels) == 0 {
		return nil
	}
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.Enqueue(ctx, ref.Lane(), RefreshKind, "reread", Order{Ref: ref, At: since}.body())
	})
}

// RefreshWhole looks at one issue as if every event since the given instant had
// been lost: the issue, its commands, and, for a pull request, its check.
func (s *Service) RefreshWhole(ctx context.Context, ref app.IssueRef, since time.Time) error {
	repo, err := s.repository(ctx, ref.Repository)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	issue, err := s.Repos(repo).Issue(ctx, ref.Number)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
		return s.missing(ctx, repo, ref, app.User{})
	}
	if err != nil {
		return fmt.Errorf("reading %s#%d: %w", repo.FullName(), ref.Number, err)
	}
	issue.Ref = ref
	if err := s.IssueSeen(ctx, repo, ref.Number, issue.Labels, Cause{}); err != nil {
		return err
	}
	if err := s.PullChanged(ctx, repo, issue); err != nil {
		return err
	}
	return s.readComments(ctx, repo, ref, since)
}

// readComments takes the comments of an RFC whose events may have been lost.
func (s *Service) readComments(ctx context.Context, repo app.Repository, ref app.IssueRef, since time.Time) error {
	r, err := s.find(ctx, ref)
	if err != nil || r == nil {
		return err
	}
	arrived, err := publication{Service: s, ref: app.IssueRef{Repository: repo.ID}}.written(ctx, arrivedKey)
	if err != nil {
		return err
	}
	comments, err := s.Repos(repo).Comments(ctx, ref.Number, since)
	if err != nil {
		return fmt.Errorf("reading comments of %s#%d: %w", repo.FullName(), ref.Number, err)
	}
	aside, err := s.aside(ctx, ref)
	if err != nil {
		return err
	}
	for _, comment := range comments {
		if comment.CreatedAt.Before(r.MovedAt) || comment.CreatedAt.Before(arrived.SentAt) {
			continue // it moved with the issue, perhaps under another id; its commands ran where it was written
		}
		if slices.ContainsFunc(aside, func(c app.Comment) bool { return c.ID == comment.ID && c.UpdatedAt.Equal(comment.UpdatedAt) }) {
			continue // it is tried again by itself, a bounded number of times
		}
		if err := s.readComment(ctx, repo, ref, comment); err != nil {
			return err
		}
	}
	return nil
}

// Transferred follows an issue that GitHub moved to another repository, which seen tells
// of. When that is one of the same community, the RFC goes on there, whether or not Agora
// had heard of it; when it is not, or the App does not reach it, it leaves the process.
func (s *Service) Transferred(ctx context.Context, from, to app.IssueRef, seen app.Repository, actor app.User) error {
	if known, err := s.Known(ctx, from); err != nil || !known {
		return err
	}
	source, err := s.repository(ctx, from.Repository)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return err
	}
	target, err := s.reached(ctx, seen)
	if app.Is(err, app.CodeNotFound) || err == nil && target.Owner.ID != source.Owner.ID {
		return s.Vanished(ctx, from, actor)
	}
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.RFCByIssue(ctx, from); err != nil {
			return err // the event at the other end was faster
		}
		if err := tx.MoveIssue(ctx, from, to); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, to.Lane(), RefreshKind, "moved", Order{Ref: to, At: s.now()}.body()); err != nil {
			return err
		}
		return s.update(ctx, to, func(ctx context.Context, c *change) error {
			c.urgent, c.r.MovedAt = true, c.now
			return c.note(ctx, "transferred", fmt.Sprintf("%s#%d", source.FullName(), from.Number), fmt.Sprintf("%s#%d", target.FullName(), to.Number), "", actor, nil)
		})
	})
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return fmt.Errorf("moving an RFC from %s to %s: %w", from.Lane(), to.Lane(), err)
	}
	return nil
}

// reached finds a repository that an issue was moved to. One that Agora has not heard of
// is asked for at GitHub: that it can be read does not tell that the App is there, since
// anybody reads what is public. app.CodeNotFound when the App does not reach it.
func (s *Service) reached(ctx context.Context, seen app.Repository) (app.Repository, error) {
	known, err := s.repository(ctx, seen.ID)
	if !app.Is(err, app.CodeNotFound) {
		return known, err
	}
	if seen.Installation, err = s.InstallationOf(ctx, seen.Owner.Login, seen.Name); err != nil {
		return seen, fmt.Errorf("looking where an issue was moved to: %w", err)
	}
	found, err := s.Community.Resolve(ctx, seen)
	if errors.Is(err, community.ErrUnknownRepository) {
		err = app.Errorf(app.CodeNotFound, "the App does not reach %s", seen.FullName())
	}
	return found, err
}

// RepositoryGone withdraws what was in process in a repository that was deleted.
func (s *Service) RepositoryGone(ctx context.Context, repo app.Repository, actor app.User) error {
	var refs []app.IssueRef
	err := s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		found, err := tx.RFCs(ctx, Filter{Community: repo.Owner.ID})
		for _, r := range found {
			if r.Ref.Repository == repo.ID && !r.State.Decided() {
				refs = append(refs, r.Ref)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := s.Vanished(ctx, ref, actor); err != nil {
			return err
		}
	}
	return nil
}

// VoidVoter orders the ballots of a person who was blocked or held to be void, from an
// instant on, in every open round of the community, each in its own lane.
func (s *Service) VoidVoter(ctx context.Context, account int64, user app.User, at time.Time, why string) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		open, err := tx.RFCs(ctx, Filter{Community: account, State: Voting})
		if err != nil {
			return err
		}
		for _, r := range open {
			order := Order{Ref: r.Ref, User: user.ID, By: why, At: at}
			if err := tx.Enqueue(ctx, r.Ref.Lane(), VoidKind, "", order.body()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Void carries such an order out: N and W stay as they are.
func (s *Service) Void(ctx context.Context, order Order) error {
	err := s.update(ctx, order.Ref, func(ctx context.Context, c *change) error {
		if !c.voting() {
			return nil
		}
		if c.round.voids(order.User) {
			return nil
		}
		if eligible, err := c.eligible(ctx, order.User); err != nil || !eligible {
			return err // nothing of theirs counts in this round
		}
		c.round.Voids = append(c.round.Voids, Void{Voter: order.User, At: order.At, Why: order.By})
		c.touched = true
		return c.note(ctx, "void", "", fmt.Sprintf("voter %d", order.User), order.By, app.User{}, map[string]any{"voter": order.User, "at": order.At})
	})
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	return err
}
