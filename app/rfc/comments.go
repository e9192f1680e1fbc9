package rfc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rs/zerolog"

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
	// Attempts counts how often its commands could not be carried out yet.
	Attempts int
}

// CommentKind is the kind of the entries by which commands are tried again.
const CommentKind = "rfc.comment"

// CommentWritten takes a new or edited comment: its author takes part, and its
// commands run. A deleted comment runs and retracts nothing, so there is no event
// for it.
func (s *Service) CommentWritten(ctx context.Context, change CommentChange) error {
	author := change.Comment.Author
	if author.Bot || author.Gone() {
		return nil
	}
	if change.Attempts > 0 { // it was set aside
		now, err := s.repository(ctx, change.Repo.ID)
		if err == nil && now.Owner.ID != change.Repo.Owner.ID {
			return nil // what it says was said in another community
		}
	}
	if !change.Edited {
		if err := s.commented(ctx, change); err != nil {
			return err
		}
	}
	stands, err := s.stands(ctx, change)
	if stands {
		err = s.Runner.Handle(ctx, change.incoming(s.now()))
	}
	if err == nil || app.Fenced(err) || ctx.Err() != nil {
		return err
	}
	return s.tryLater(ctx, change, err)
}

// lateEvent is how long after a comment was written GitHub's replicas may not have it.
const lateEvent = 5 * time.Second

// stands reports whether the comment is still there: deleted ones run nothing. GitHub
// is asked when there is something to run. That it does not know a comment so young
// that it may only lag proves nothing, and is an error: it is asked again.
func (s *Service) stands(ctx context.Context, change CommentChange) (bool, error) {
	if change.Reading || !s.Runner.Concerns(change.Comment.Body) {
		return true, nil
	}
	stands, err := s.Repos(change.Repo).CommentStands(ctx, change.Comment.ID)
	if err == nil && !stands && s.now().Sub(change.Comment.CreatedAt) < lateEvent {
		err = app.Errorf(app.CodeUnavailable, "comment %d cannot be read yet, or was deleted at once", change.Comment.ID)
	}
	return stands, err
}

// How long an edit waits for the event of the text before it, which a failed webhook
// brings after an hour, and how old that text may be where Agora never saw it: of older
// ones, from before Agora was there, no event will come.
const (
	editWaits    = 90 * time.Minute
	oldestBefore = 24 * time.Hour
)

func (change CommentChange) incoming(now time.Time) command.Incoming {
	written, edited := change.Comment.CreatedAt, change.Comment.UpdatedAt
	return command.Incoming{Repo: change.Repo, Ref: change.Ref, Comment: change.Comment,
		Edited: change.Edited, Editor: change.Editor, Previous: change.Previous, Reading: change.Reading,
		Waits: now.Sub(edited) < editWaits, Old: edited.Sub(written) >= oldestBefore}
}

// How long commands wait for GitHub. A refusal to say who may do what is taken for
// lasting after some tries and said; silence is waited out.
const (
	triesWhenForbidden = 5
	triesWhenSilent    = 120
	longestTry         = 15 * time.Minute
)

// tryLater sets a comment's commands aside when GitHub does not say what they
// depend on: they are tried again by themselves, and nobody else's votes wait
// behind them. What counts is when they were written.
func (s *Service) tryLater(ctx context.Context, change CommentChange, cause error) error {
	change.Attempts++
	if change.Attempts >= triesWhenSilent || change.Attempts >= triesWhenForbidden && app.Is(cause, app.CodeForbidden) {
		return s.Runner.GiveUp(ctx, change.incoming(s.now()), "GitHub did not say whether you may do that. Ask a maintainer to look at the App's permissions, then give the command again in a new comment.")
	}
	pause := min(time.Second<<min(change.Attempts-1, 10), longestTry)
	if asked, told := app.RetryDelay(cause); told {
		pause = min(max(pause, asked), longestTry)
	}
	zerolog.Ctx(ctx).Warn().Err(cause).Int64("comment", change.Comment.ID).Int("attempts", change.Attempts).Msg("commands are tried again later")
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("setting comment %d aside: %w", change.Comment.ID, err)
	}
	key := fmt.Sprintf("comment/%d/%d/%d", change.Repo.ID, change.Comment.ID, change.Comment.UpdatedAt.Unix())
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.SetTimer(ctx, key, s.now().Add(pause), change.Ref.Lane(), CommentKind, body)
	})
}

// asidePause is how soon a result is asked for again that waits for commands, or for an edit's event.
const asidePause = 2 * time.Minute

// aside lists the comments on the RFC whose commands are set aside, as GitHub does not say
// whether their authors may give them.
func (s *Service) aside(ctx context.Context, ref app.IssueRef) (comments []app.Comment, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		waiting, err := tx.Waiting(ctx, ref.Lane(), CommentKind)
		for _, body := range waiting {
			if change, broken := ReadCommentChange(body); broken == nil {
				comments = append(comments, change.Comment)
			}
		}
		return err
	})
	return comments, err
}

// ReadCommentChange reads such an entry's body; one that cannot be read is parked.
func ReadCommentChange(body []byte) (CommentChange, error) {
	var change CommentChange
	if err := json.Unmarshal(body, &change); err != nil {
		return change, app.Park(fmt.Errorf("reading a comment set aside: %w", err))
	}
	return change, nil
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
