package rfc

import (
	"context"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
)

// A repository may move to another account, and so to another community, as it is: with
// its issues, under their numbers. An RFC is its community's. One in process ends there,
// what was decided there stays decided there, and the issue is free to become an RFC of the
// community it is in now. When the repository comes back, the RFC is at its issue again.

// RepositoryMoved leaves the RFCs of a repository that is in another account now with the
// community they were made in, and takes up again those of the community it is in. Every
// open pull request there is looked at again, and no command from before is carried out.
func (s *Service) RepositoryMoved(ctx context.Context, repo app.Repository) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		ref := app.IssueRef{Repository: repo.ID}
		for _, w := range []Written{{Ref: ref, Key: pullsKey}, {Ref: ref, Key: arrivedKey, SentAt: s.now()}} {
			if err := tx.SaveWrittenComment(ctx, w); err != nil {
				return err
			}
		}
		return s.sort(ctx, repo)
	})
}

// arrivedKey is where it is remembered when a repository came from another community.
const arrivedKey = "arrived"

// sort leaves and takes up the RFCs of a repository as it is where that is now.
func (s *Service) sort(ctx context.Context, repo app.Repository) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		found, err := tx.RFCs(ctx, Filter{Repository: repo.ID})
		if err != nil {
			return err
		}
		for _, r := range found {
			if r.Left == 0 && r.Community != repo.Owner.ID {
				if err := s.leave(ctx, tx, r); err != nil {
					return fmt.Errorf("leaving %s with its community: %w", r.Name(), err)
				}
			}
		}
		for _, r := range found { // each where another one stood until now
			if r.Left != 0 && r.Community == repo.Owner.ID {
				if err := s.comeBack(ctx, tx, r); err != nil {
					return fmt.Errorf("taking up %s again: %w", r.Name(), err)
				}
			}
		}
		return nil
	})
}

// leave ends an RFC if it is in process, and takes it from its issue, which is looked at
// as one that is none.
func (s *Service) leave(ctx context.Context, tx Tx, r *RFC) error {
	issue, place := r.Ref, app.IssueRef{Repository: r.Ref.Repository, Number: -int(r.ID)}
	live := !r.State.Decided()
	err := s.update(ctx, issue, func(ctx context.Context, c *change) error {
		c.r.RetryAt = time.Time{}
		if c.r.State.Decided() {
			if err := c.note(ctx, "transferred", fmt.Sprintf("#%d", issue.Number), "", string(TriggerMoved), app.User{}, nil); err != nil {
				return err
			}
		} else if err := c.withdraw(ctx, TriggerMoved, app.User{}, ""); err != nil {
			return err
		} else {
			c.r.Why = string(TriggerMoved)
		}
		c.r.Left, c.urgent = issue.Number, false
		return nil
	})
	if app.Is(err, app.CodeNotFound) {
		return nil // somebody else was faster
	}
	if err != nil {
		return err
	}
	if err := tx.MoveIssue(ctx, issue, place); err != nil {
		return err
	}
	if live {
		if err := tx.Enqueue(ctx, place.EffectLane(), PublishKind, "publish", Order{Ref: place}.body()); err != nil {
			return err
		}
	}
	return s.lookAgain(ctx, tx, r, issue)
}

// comeBack puts an RFC at the issue that it left. Ended, it is for a steward to reopen.
func (s *Service) comeBack(ctx context.Context, tx Tx, r *RFC) error {
	place, issue := r.Ref, app.IssueRef{Repository: r.Ref.Repository, Number: r.Left}
	_, err := tx.RFCByIssue(ctx, issue)
	if !app.Is(err, app.CodeNotFound) {
		return err // another one of its community's stands there
	}
	err = s.update(ctx, place, func(ctx context.Context, c *change) error {
		c.r.Left, c.urgent = 0, false
		return c.note(ctx, "transferred", "", fmt.Sprintf("#%d", issue.Number), "its repository came back", app.User{}, nil)
	})
	if err != nil {
		return err
	}
	if err := tx.MoveIssue(ctx, place, issue); err != nil {
		return err
	}
	return s.lookAgain(ctx, tx, r, issue)
}

// lookAgain orders an issue that may be open to be looked at as if it were new.
func (s *Service) lookAgain(ctx context.Context, tx Tx, r *RFC, issue app.IssueRef) error {
	if !r.IssueOpen && r.State.Decided() {
		return nil
	}
	return tx.Enqueue(ctx, issue.Lane(), RefreshKind, "moved", Order{Ref: issue, At: s.now()}.body())
}

// partingWords has the comments that an RFC left behind say how it ended, so that nobody
// votes there any more. What is gone, or may not be changed, stays as it is.
func (p publication) partingWords(ctx context.Context, v *View) error {
	if v.Round != nil {
		if err := p.reword(ctx, ballotKey(v.Round.Number), p.Renderer.Ballot(*v, v.Round, v.Result)); err != nil {
			return err
		}
	}
	if err := p.reword(ctx, stickyKey, p.Renderer.Sticky(*v)); err != nil {
		return err
	}
	return p.orderChecks(ctx, v)
}

// reword edits a comment of ours if it is known where it stands; it never makes one.
func (p publication) reword(ctx context.Context, key, body string) error {
	w, err := p.written(ctx, key)
	if err != nil || w.CommentID == 0 || w.Sent == digestComment(body) {
		return err
	}
	err = p.edit(ctx, &w, body)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) || app.Is(err, app.CodeForbidden) {
		return nil
	}
	return err
}

// Astray reports whether a pull request came here with its repository and is bound to RFCs
// of the community it came from, or was one there. Their numbers mean others here, if any:
// nothing here can let it pass, until it is an RFC here or a steward frees it.
func Astray(ctx context.Context, tx Tx, pull Pull) (bool, error) {
	if pull.Community == 0 {
		return false, nil
	}
	repo, err := tx.Repository(ctx, pull.Ref.Repository)
	if err != nil || pull.Community == repo.Owner.ID {
		return false, err
	}
	if len(pull.Bound) > 0 {
		return true, nil
	}
	if _, err := tx.RFCByIssue(ctx, pull.Ref); err == nil || !app.Is(err, app.CodeNotFound) {
		return false, err
	}
	found, err := tx.RFCs(ctx, Filter{Repository: repo.ID, Community: pull.Community})
	for _, r := range found {
		if r.Left == pull.Ref.Number {
			return true, err
		}
	}
	return false, err
}

// AstrayReason says what is in the way of such a pull request.
const AstrayReason = "it is bound to an RFC of the account that this repository belonged to"

// home is the account of the RFC's community, which need not be its repository's any more.
func home(ctx context.Context, tx Tx, r *RFC, repo app.Repository) (app.Account, error) {
	if r.Community == repo.Owner.ID {
		return repo.Owner, nil
	}
	installation, err := tx.Installation(ctx, r.Community)
	return installation.Account, err
}
