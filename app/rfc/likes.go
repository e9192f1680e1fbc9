package rfc

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
)

// likes are the reactions that speak for a comment (RULES §1 "positive reaction").
var likes = []string{"+1", "heart", "hooray", "rocket"}

// likesRead is how many comments' reactions are read for one decision, those with
// the most of them; each is a request.
const likesRead = 50

// like is one person's favour for a comment.
type like struct {
	by      app.User
	comment app.Comment
	of      app.Reaction
}

// Likes reads, after a decision, who liked which comment of others on the RFC, and
// enters it once per person and comment. GitHub counts the reactions in the list of
// the comments, so that only those of comments that have any are asked for.
func (s *Service) Likes(ctx context.Context, order Order) error {
	repo, err := s.repository(ctx, order.Ref.Repository)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := s.find(ctx, order.Ref)
	if err != nil || r == nil {
		return err
	}
	found, err := s.readLikes(ctx, repo, r)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) || app.Is(err, app.CodeForbidden) || len(found) == 0 && err == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading who liked comments on %s: %w", r.Name(), err)
	}
	return s.update(ctx, order.Ref, func(ctx context.Context, c *change) error {
		signals := make([]community.Signal, len(found))
		for i, l := range found {
			signals[i] = community.Signal{Actor: l.by.ID, Member: l.comment.Author.ID, Repository: repo.ID, At: l.of.CreatedAt,
				Source: fmt.Sprintf("comment/%d/%d", l.comment.ID, l.by.ID), URL: l.comment.URL}
		}
		return community.EnterReactions(ctx, c.tx, c.r.Community, signals, c.now, c.rules().Reputation)
	})
}

func (s *Service) readLikes(ctx context.Context, repo app.Repository, r *RFC) (found []like, err error) {
	github := s.Repos(repo)
	comments, err := github.Comments(ctx, r.Ref.Number, r.Registered)
	if err != nil {
		return nil, err
	}
	liked := func(c app.Comment) (n int) {
		for _, content := range likes {
			n += c.Reactions[content]
		}
		return n
	}
	comments = slices.DeleteFunc(comments, func(c app.Comment) bool {
		return c.Author.Bot || c.Author.Gone() || c.ByApp != 0 || liked(c) == 0
	})
	slices.SortStableFunc(comments, func(a, b app.Comment) int { return cmp.Compare(liked(b), liked(a)) })
	for _, comment := range comments[:min(len(comments), likesRead)] {
		reactions, err := github.CommentReactions(ctx, comment.ID)
		if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		for _, reaction := range reactions {
			if slices.Contains(likes, reaction.Content) && !reaction.User.Bot && !reaction.User.Gone() && reaction.User.ID != comment.Author.ID {
				found = append(found, like{by: reaction.User, comment: comment, of: reaction})
			}
		}
	}
	return found, nil
}
