package webhook

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
)

// pullRequest: every pull request gets its check; one that is an RFC is looked at.
func (w *Webhooks) pullRequest(ctx context.Context, e *github.PullRequestEvent, _ []byte) error {
	repo, err := w.resolve(ctx, e.GetRepo(), e.GetInstallation())
	if err != nil {
		return err
	}
	issue := pullIssue(repo, e.GetPullRequest())
	// An RFC is made of it before its check is ordered: no green one comes first.
	if !w.own(ctx, e.GetSender()) || e.GetAction() == "closed" { // which Agora does by merging
		if err := w.RFCs.IssueSeen(ctx, repo, issue.Ref.Number, issue.Labels,
			rfc.Cause{Actor: user(e.GetSender()), Event: e.GetAction(), Label: e.GetLabel().GetName(),
				At: e.GetPullRequest().GetUpdatedAt().Time, Edit: pushed(e)}); err != nil {
			return err
		}
	}
	if err := w.RFCs.PullChanged(ctx, repo, issue); err != nil {
		return err
	}
	switch e.GetAction() {
	case "opened", "reopened", "synchronize":
		if err := w.RFCs.OrderConfigCheck(ctx, issue.Ref, issue.Pull.HeadSHA); err != nil {
			return err
		}
	}
	return nil
}

// pushed is what the event of a push tells of a pull request's head, nil for other events.
func pushed(e *github.PullRequestEvent) *rfc.Edit {
	if e.GetAction() != "synchronize" {
		return nil
	}
	at := e.GetPullRequest().GetUpdatedAt().Time
	return rfc.EditOf(app.Issue{Pull: &app.Pull{HeadSHA: e.GetBefore()}}, app.Issue{Pull: &app.Pull{HeadSHA: e.GetAfter()}, UpdatedAt: at})
}

// pullRequestReview: a submitted review is a ballot; dismissing one changes nothing.
func (w *Webhooks) pullRequestReview(ctx context.Context, e *github.PullRequestReviewEvent, _ []byte) error {
	if e.GetAction() != "submitted" {
		return nil
	}
	repo, err := w.resolve(ctx, e.GetRepo(), e.GetInstallation())
	if err != nil {
		return err
	}
	r := e.GetReview()
	review := app.Review{ID: r.GetID(), Author: user(r.GetUser()), State: reviewState(r.GetState()), Body: r.GetBody(), URL: r.GetHTMLURL(),
		CommitID: r.GetCommitID(), SubmittedAt: r.GetSubmittedAt().Time}
	if review.Author.Bot || review.Author.Gone() {
		return nil
	}
	return w.RFCs.Reviewed(ctx, app.IssueRef{Repository: repo.ID, Number: e.GetPullRequest().GetNumber()}, review)
}

// reviewState reads the event's spelling, which differs from the API's.
func reviewState(state string) string {
	switch state {
	case "approved", app.ReviewApproved:
		return app.ReviewApproved
	case "changes_requested", app.ReviewChangesRequested:
		return app.ReviewChangesRequested
	case "dismissed", app.ReviewDismissed:
		return app.ReviewDismissed
	}
	return app.ReviewCommented
}

// checkRun: somebody asked GitHub to run our check again.
func (w *Webhooks) checkRun(ctx context.Context, e *github.CheckRunEvent, _ []byte) error {
	if e.GetAction() != "rerequested" {
		return nil
	}
	repo, err := w.resolve(ctx, e.GetRepo(), e.GetInstallation())
	if err != nil {
		return err
	}
	return w.RFCs.CheckRerequested(ctx, repo, e.GetCheckRun().GetHeadSHA(), e.GetCheckRun().GetName())
}

// checkSuite: somebody asked GitHub to run all checks of a commit again.
func (w *Webhooks) checkSuite(ctx context.Context, e *github.CheckSuiteEvent, _ []byte) error {
	if e.GetAction() != "rerequested" {
		return nil
	}
	repo, err := w.resolve(ctx, e.GetRepo(), e.GetInstallation())
	if err != nil {
		return err
	}
	return w.RFCs.CheckRerequested(ctx, repo, e.GetCheckSuite().GetHeadSHA(), "")
}

// queued finds the pull request in the name of a merge queue's branch, such as
// refs/heads/gh-readonly-queue/main/pr-104-9f3c2ab.
var queued = regexp.MustCompile(`/pr-(\d{1,9})-[0-9a-f]+$`)

const (
	// longestLag is how long after its event GitHub may not know a commit yet, and lag how
	// long it is left alone until it is asked again.
	longestLag = time.Minute
	lag        = 5 * time.Second
)

// mergeGroup: the head of a merge queue needs a check that answers for every pull
// request in it. What cannot be read fails closed.
func (w *Webhooks) mergeGroup(ctx context.Context, e *github.MergeGroupEvent, _ []byte) error {
	if e.GetAction() != "checks_requested" {
		return nil
	}
	repo, err := w.resolve(ctx, e.GetRepo(), e.GetInstallation())
	if err != nil {
		return err
	}
	pulls, err := w.pullsOfGroup(ctx, repo, e.GetMergeGroup())
	unreadable := ""
	switch {
	case app.Is(err, app.CodeUnavailable):
		return err
	case (app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeInvalid)) && w.Clock().Sub(received(ctx)) < longestLag:
		return app.RetryAfter(fmt.Errorf("reading a merge group that may be too new: %w", err), lag)
	case err != nil:
		unreadable = "Agora cannot tell which pull requests are in this merge group."
	}
	return w.RFCs.MergeGroupRequested(ctx, repo, e.GetMergeGroup().GetHeadSHA(), pulls, unreadable)
}

// pullsOfGroup lists the pull requests of a merge group: the one its branch is
// named after, and those that the commits between base and head belong to. One alone
// must never answer for the others, so that whatever cannot be read is an error.
func (w *Webhooks) pullsOfGroup(ctx context.Context, repo app.Repository, group *github.MergeGroup) ([]int, error) {
	var pulls []int
	if found := queued.FindStringSubmatch(group.GetHeadRef()); found != nil {
		number, err := strconv.Atoi(found[1])
		if err != nil {
			return nil, fmt.Errorf("reading the pull request of %q: %w", group.GetHeadRef(), err)
		}
		pulls = append(pulls, number)
	}
	commits, err := w.GitHub(repo).CommitsBetween(ctx, group.GetBaseSHA(), group.GetHeadSHA())
	if err != nil {
		return pulls, err
	}
	for _, sha := range commits {
		found, err := w.GitHub(repo).PullsForCommit(ctx, sha)
		if err != nil {
			return pulls, err
		}
		for _, p := range found {
			if p.Open && !slices.Contains(pulls, p.Ref.Number) {
				pulls = append(pulls, p.Ref.Number)
			}
		}
	}
	if len(pulls) == 0 {
		return nil, app.Errorf(app.CodeNotFound, "no pull request of the merge group %s can be found", group.GetHeadSHA())
	}
	slices.Sort(pulls)
	return pulls, nil
}
