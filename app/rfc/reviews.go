package rfc

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
)

// reviews reads the reviews of a pull request, each as it was submitted. Of one that was
// dismissed GitHub's list no longer says how it votes: where its event was lost, that is
// asked for.
func (s *Service) reviews(ctx context.Context, github Reader, r *RFC, round *Round, known Result) ([]app.Review, error) {
	reviews, err := github.Reviews(ctx, r.Ref.Number)
	if err != nil {
		return nil, err
	}
	silenced := func(review app.Review) bool {
		return review.State == app.ReviewDismissed && !review.SubmittedAt.Before(round.OpenedAt) &&
			!slices.ContainsFunc(known.Ballots, func(b Ballot) bool { return b.Channel == ByReview && b.Source == review.ID })
	}
	if !slices.ContainsFunc(reviews, silenced) {
		return reviews, nil
	}
	events, err := github.IssueEvents(ctx, r.Ref.Number)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return nil, err
	}
	for _, e := range events {
		for i := range reviews {
			if e.Event == "review_dismissed" && e.Review == reviews[i].ID {
				reviews[i].State = e.ReviewState
			}
		}
	}
	return reviews, nil
}

// takeReview makes a ballot of an approving or change-requesting review of this
// round. A dismissal, a plain comment and a new head leave the vote as it is.
func (c *change) takeReview(ctx context.Context, review app.Review) error {
	var choice Choice
	switch review.State {
	case app.ReviewApproved:
		choice = Approve
	case app.ReviewChangesRequested:
		choice = RequestChanges
	default:
		return nil
	}
	return c.cast(ctx, Act{Voter: review.Author, Choice: choice, Channel: ByReview, Source: review.ID,
		At: review.SubmittedAt, URL: review.URL, Reason: review.Body})
}

// Reviewed counts a review as it was submitted, before anybody can dismiss it.
func (s *Service) Reviewed(ctx context.Context, ref app.IssueRef, review app.Review) error {
	err := s.update(ctx, ref, func(ctx context.Context, c *change) error {
		if err := c.reviewed(ctx, review); err != nil {
			return err
		}
		if _, err := c.wrote(ctx, review.Author, review.Body, fmt.Sprintf("review/%d", review.ID), review.URL); err != nil {
			return err
		}
		if !c.voting() {
			return nil
		}
		if err := c.pollSoon(ctx); err != nil {
			return err
		}
		return c.takeReview(ctx, review)
	})
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	return err
}

// reviewed enters a review as its author's word and contribution, and as an answer. What
// was written before there was an RFC is about something else.
func (c *change) reviewed(ctx context.Context, review app.Review) error {
	if review.SubmittedAt.Before(c.r.Registered.Truncate(time.Second)) {
		return nil
	}
	if err := c.spoke(ctx, review.Author, review.SubmittedAt); err != nil {
		return err
	}
	c.replied(review.Author, review.SubmittedAt)
	return c.contribute(ctx, community.ContributedReview, review.Author.ID, review.SubmittedAt, fmt.Sprintf("review/%d", review.ID), review.URL)
}

// readReviews takes the reviews of an RFC whose events may have been lost, as words: how
// they vote is read at the end.
func (s *Service) readReviews(ctx context.Context, repo app.Repository, r *RFC) error {
	reviews, err := s.Repos(repo).Reviews(ctx, r.Ref.Number)
	if err != nil {
		return fmt.Errorf("reading reviews of %s: %w", r.Name(), err)
	}
	return s.update(ctx, r.Ref, func(ctx context.Context, c *change) error {
		for _, review := range reviews {
			if err := c.reviewed(ctx, review); err != nil {
				return err
			}
		}
		return nil
	})
}
