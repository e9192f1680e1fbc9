package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
)

// issues: labels, edits, closing and reopening, transfer, deletion.
func (w *Webhooks) issues(ctx context.Context, e *github.IssuesEvent, raw []byte) error {
	repo, err := w.resolve(ctx, e.GetRepo(), e.GetInstallation())
	if err != nil || w.own(ctx, e.GetSender()) {
		return err
	}
	number := e.GetIssue().GetNumber()
	ref := app.IssueRef{Repository: repo.ID, Number: number}
	actor := user(e.GetSender())
	switch e.GetAction() {
	case "deleted":
		return w.RFCs.Vanished(ctx, ref, actor)
	case "transferred":
		to, target, err := transferTarget(raw, e.GetInstallation())
		if err != nil {
			return app.Park(err)
		}
		return w.RFCs.Transferred(ctx, ref, to, target, actor)
	case "opened":
		if from, moved := transferSource(raw); moved {
			if err := w.RFCs.Transferred(ctx, from, ref, repo, actor); err != nil {
				return err
			}
		}
	case "assigned", "unassigned", "milestoned", "demilestoned", "pinned", "unpinned", "locked", "unlocked", "typed", "untyped":
		return nil // nothing an RFC depends on
	}
	wears := labels(e.GetIssue().Labels)
	if e.GetAction() == "labeled" {
		wears = append(wears, e.GetLabel().GetName())
	}
	return w.RFCs.IssueSeen(ctx, repo, number, wears,
		rfc.Cause{Actor: actor, Event: e.GetAction(), Label: e.GetLabel().GetName(), At: e.GetIssue().GetUpdatedAt().Time, Edit: issueEdit(e)})
}

// issueEdit is what the event of an edit tells of the text, nil for other events.
func issueEdit(e *github.IssuesEvent) *rfc.Edit {
	if e.GetAction() != "edited" {
		return nil
	}
	after := app.Issue{Title: e.GetIssue().GetTitle(), Body: e.GetIssue().GetBody(), UpdatedAt: e.GetIssue().GetUpdatedAt().Time}
	before := after
	if title := e.GetChanges().GetTitle(); title != nil {
		before.Title = title.GetFrom()
	}
	if body := e.GetChanges().GetBody(); body != nil {
		before.Body = body.GetFrom()
	}
	return rfc.EditOf(before, after)
}

// moved is the part of a transfer's payload that go-github has no field for.
type moved struct {
	Changes struct {
		NewIssue      *struct{ Number int } `json:"new_issue"`
		NewRepository *github.Repository    `json:"new_repository"`
		OldIssue      *struct{ Number int } `json:"old_issue"`
		OldRepository *struct{ ID int64 }   `json:"old_repository"`
	} `json:"changes"`
}

// transferTarget is where an issue was moved to, and that repository as the payload
// tells of it: Agora may not have heard of it yet.
func transferTarget(raw []byte, installation *github.Installation) (app.IssueRef, app.Repository, error) {
	var m moved
	if err := json.Unmarshal(raw, &m); err != nil {
		return app.IssueRef{}, app.Repository{}, fmt.Errorf("reading where an issue was moved to: %w", err)
	}
	if m.Changes.NewIssue == nil || m.Changes.NewRepository == nil {
		return app.IssueRef{}, app.Repository{}, fmt.Errorf("reading where an issue was moved to: the payload does not say")
	}
	target := repository(m.Changes.NewRepository, installation)
	return app.IssueRef{Repository: target.ID, Number: m.Changes.NewIssue.Number}, target, nil
}

func transferSource(raw []byte) (app.IssueRef, bool) {
	var m moved
	if json.Unmarshal(raw, &m) != nil || m.Changes.OldIssue == nil || m.Changes.OldRepository == nil {
		return app.IssueRef{}, false
	}
	return app.IssueRef{Repository: m.Changes.OldRepository.ID, Number: m.Changes.OldIssue.Number}, true
}

// issueComment: people's words, and the commands among them.
func (w *Webhooks) issueComment(ctx context.Context, e *github.IssueCommentEvent, _ []byte) error {
	author := user(e.GetComment().GetUser())
	somebody := e.GetSender().GetID() != 0 && !w.own(ctx, e.GetSender())
	tampered := e.GetAction() != "created" && somebody && w.own(ctx, e.GetComment().GetUser())
	if !tampered && (e.GetAction() == "deleted" || author.Bot || author.Gone()) {
		return nil // a deleted comment runs and retracts nothing
	}
	repo, err := w.resolve(ctx, e.GetRepo(), e.GetInstallation())
	if err != nil {
		return err
	}
	c := e.GetComment()
	if tampered {
		return w.RFCs.CommentTampered(ctx, app.IssueRef{Repository: repo.ID, Number: e.GetIssue().GetNumber()}, c.GetID())
	}
	change := rfc.CommentChange{
		Repo: repo, Ref: app.IssueRef{Repository: repo.ID, Number: e.GetIssue().GetNumber()},
		Comment: app.Comment{ID: c.GetID(), Author: author, Body: c.GetBody(), URL: c.GetHTMLURL(),
			CreatedAt: c.GetCreatedAt().Time, UpdatedAt: c.GetUpdatedAt().Time},
		Edited: e.GetAction() == "edited", Editor: user(e.GetSender()),
	}
	if body := e.GetChanges().GetBody(); body != nil {
		change.Previous = body.GetFrom()
	}
	return w.RFCs.CommentWritten(ctx, change)
}
