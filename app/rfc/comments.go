package rfc

import (
	"context"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
)

// CommentChange is what an event tells of a comment.
type CommentChange struct {
	Repo    app.Repository
	Ref     app.IssueRef
	Comment app.Comment
	Edited  bool
	Editor  app.User
	// Previous is the text before an edit.
	Previous string
	// Reading tells a comment that a reading of the issue found from an event's.
	Reading bool
}

// CommentWritten takes a new or edited comment: its author takes part, and its
// commands run. A deleted comment runs and retracts nothing, so there is no event
// for it.
func (s *Service) CommentWritten(ctx context.Context, change CommentChange) error {
	author := change.Comment.Author
	if author.Bot || author.Gone() {
		return nil
	}
	if !change.Edited {
		if err := s.Commented(ctx, change.Ref, change.Comment); err != nil {
			return err
		}
	}
	return s.Runner.Handle(ctx, command.Incoming{Repo: change.Repo, Ref: change.Ref, Comment: change.Comment,
		Edited: change.Edited, Editor: change.Editor, Previous: change.Previous, Reading: change.Reading})
}

// readComment takes a comment that a reading found, whose event may have been
// lost. GitHub does not say who edited it, so an edited one that was never seen
// commands nothing: its words may not be its author's. An edit within the second
// of its writing does not show here; its event does.
func (s *Service) readComment(ctx context.Context, repo app.Repository, ref app.IssueRef, comment app.Comment) error {
	if !comment.UpdatedAt.Equal(comment.CreatedAt) {
		return nil
	}
	return s.CommentWritten(ctx, CommentChange{Repo: repo, Ref: ref, Comment: comment, Reading: true})
}
