package rfc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
)

// written loads what is remembered of a comment of ours; the zero record when it
// was never begun.
func (p publication) written(ctx context.Context, key string) (Written, error) {
	w := Written{Ref: p.ref, Key: key}
	err := p.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		found, err := tx.WrittenComment(ctx, p.ref, key)
		if app.Is(err, app.CodeNotFound) {
			return nil
		}
		if err == nil {
			w = found
		}
		return err
	})
	return w, err
}

func (p publication) save(ctx context.Context, w Written) error {
	return p.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveWrittenComment(ctx, w) })
}

// lag is how long GitHub's lists may hide what was just written: before that, a
// search for a comment of unknown fate would prove nothing.
const lag = 5 * time.Second

// comment makes or edits one comment of ours so that it says body. The intent is
// stored before a creation and the id after it; when the outcome of an earlier
// attempt is unknown, or the comment is gone, the issue is searched for our marker
// and our App as its author before anything is created again.
func (p publication) comment(ctx context.Context, key, marker, body string) (Written, error) {
	w, err := p.written(ctx, key)
	if err != nil {
		return w, err
	}
	sent := digestComment(body)
	if w.CommentID != 0 && w.SentAt.Before(p.moved) {
		w.CommentID, w.Intent, w.Sent = 0, p.moved, "" // it has another id now
	}
	if w.CommentID != 0 {
		if w.Sent == sent {
			return w, nil
		}
		err := p.edit(ctx, &w, body)
		if !app.Is(err, app.CodeNotFound) && !app.Is(err, app.CodeGone) {
			return w, err
		}
		w.CommentID, w.Intent = 0, p.now().Add(-lag)
	}
	if !w.Intent.IsZero() {
		if wait := lag - p.now().Sub(w.Intent); wait > 0 {
			return w, app.RetryAfter(fmt.Errorf("waiting for GitHub's lists before looking for %s", key), wait)
		}
		found, err := p.search(ctx, marker)
		if err != nil {
			return w, err
		}
		if found.ID != 0 { // it is there, so whatever GitHub says to the edit now is the answer
			w.CommentID, w.URL, w.Intent, w.Sent = found.ID, found.URL, time.Time{}, ""
			if err := p.save(ctx, w); err != nil {
				return w, err
			}
			err := p.edit(ctx, &w, body)
			return w, err
		}
	}
	w.Intent = p.now()
	if err := p.save(ctx, w); err != nil {
		return w, err
	}
	created, err := p.github.CreateComment(ctx, p.ref.Number, body)
	if err != nil {
		return w, err
	}
	w.CommentID, w.URL, w.Sent, w.SentAt, w.Intent = created.ID, created.URL, sent, p.now(), time.Time{}
	return w, p.save(ctx, w)
}

// edit makes a comment of ours say body. That it does not say what it said before is
// stored first: should the answer be lost, it says one or the other.
func (p publication) edit(ctx context.Context, w *Written, body string) error {
	if w.Sent != "" {
		w.Sent = ""
		if err := p.save(ctx, *w); err != nil {
			return err
		}
	}
	if err := p.github.EditComment(ctx, w.CommentID, body); err != nil {
		return err
	}
	w.Sent, w.SentAt = digestComment(body), p.now()
	return p.save(ctx, *w)
}

// search finds the comment of ours that carries the marker, the oldest if there
// are several; the others are removed.
func (p publication) search(ctx context.Context, marker string) (app.Comment, error) {
	comments, err := p.github.Comments(ctx, p.ref.Number, time.Time{})
	if err != nil {
		return app.Comment{}, err
	}
	slices.SortFunc(comments, func(a, b app.Comment) int { return a.CreatedAt.Compare(b.CreatedAt) })
	var kept app.Comment
	for _, c := range comments {
		if !strings.HasPrefix(c.Body, marker) {
			continue
		}
		mine, err := p.Identity.Mine(ctx, c)
		if err != nil {
			return app.Comment{}, err
		}
		switch {
		case !mine:
		case kept.ID == 0:
			kept = c
		default:
			if err := p.github.DeleteComment(ctx, c.ID); err != nil && !app.Is(err, app.CodeNotFound) {
				return app.Comment{}, err
			}
		}
	}
	return kept, nil
}

// Answer makes a comment with commands wear its reactions, and its one reply say
// what is to be said. Where the issue is locked and GitHub does not let the App
// speak, there is none: what the commands did shows in the status.
func (s *Service) Answer(ctx context.Context, order command.AnswerOrder) error {
	var run command.Run
	var repo app.Repository
	err := s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		if run, err = tx.CommandRun(ctx, order.Repository, order.Comment); err != nil {
			return err
		}
		repo, err = tx.Repository(ctx, order.Repository)
		return err
	})
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p := publication{Service: s, github: s.Repos(repo), ref: run.Ref}
	err = p.answer(ctx, &run)
	if app.Is(err, app.CodeForbidden) {
		if issue, locked := p.github.Issue(ctx, run.Ref.Number); locked == nil && issue.Locked {
			return nil
		}
	}
	return err
}

func (p publication) answer(ctx context.Context, run *command.Run) error {
	if err := p.react(ctx, run); err != nil {
		return fmt.Errorf("answering comment %d: %w", run.CommentID, err)
	}
	key, reply := fmt.Sprintf("reply/%d", run.CommentID), run.Reply()
	if reply == "" { // one that stands from an earlier try is no longer true
		written, err := p.written(ctx, key)
		if err != nil || written.CommentID == 0 {
			return err
		}
		reply = "Thank you, that worked."
		if !slices.ContainsFunc(run.Lines, func(l command.Line) bool { return l.Done }) {
			reply = "The command that this reply answered is no longer in the comment."
		}
	}
	if _, err := p.comment(ctx, key, ReplyMarker(run.CommentID), p.Renderer.Reply(run.CommentID, reply)); err != nil {
		return fmt.Errorf("replying to comment %d: %w", run.CommentID, err)
	}
	return nil
}

// react makes the reactions on a command's comment those wanted. GitHub keeps one
// reaction of a kind per person, so that repeating one changes nothing, and tells its
// id again. Which are about to be given is stored first: should an answer be lost,
// they may stand.
func (p publication) react(ctx context.Context, run *command.Run) error {
	wanted := run.Wanted()
	standing := map[string]int64{}
	for content, id := range run.Reactions {
		if slices.Contains(wanted, content) {
			standing[content] = id
		} else if gone, err := p.unreact(ctx, run.CommentID, content, id); gone || err != nil {
			return err
		}
	}
	var missing []string
	for _, content := range wanted {
		if standing[content] == 0 {
			missing, standing[content] = append(missing, content), 0
		}
	}
	if err := p.keepReactions(ctx, run, standing); err != nil || len(missing) == 0 {
		return err
	}
	for _, content := range missing {
		id, err := p.github.React(ctx, run.CommentID, content)
		if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
			return nil // the comment was deleted
		}
		if err != nil {
			return err
		}
		standing[content] = id
	}
	return p.keepReactions(ctx, run, standing)
}

// unreact takes a reaction back, also one that only may stand; gone tells that its
// comment does not.
func (p publication) unreact(ctx context.Context, comment int64, content string, id int64) (gone bool, err error) {
	if id == 0 {
		id, err = p.github.React(ctx, comment, content)
		if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	if err := p.github.Unreact(ctx, comment, id); err != nil && !app.Is(err, app.CodeNotFound) {
		return false, err
	}
	return false, nil
}

// keepReactions remembers which reactions stand, or may (0), unless that is known.
func (p publication) keepReactions(ctx context.Context, run *command.Run, standing map[string]int64) error {
	if maps.Equal(run.Reactions, standing) {
		return nil
	}
	run.Reactions = maps.Clone(standing)
	return p.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		fresh, err := tx.CommandRun(ctx, run.Repository, run.CommentID)
		if err != nil {
			return err
		}
		fresh.Reactions = run.Reactions
		return tx.SaveCommandRun(ctx, fresh)
	})
}
