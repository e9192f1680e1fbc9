package ghclient

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// Reviews lists the submitted reviews of a pull request, oldest first. A review
// that its author has not submitted is nobody's business yet.
func (c *RepoClient) Reviews(ctx context.Context, number int) ([]app.Review, error) {
	found, err := repoList(ctx, c, "reading the reviews of "+c.issue(number),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]*github.PullRequestReview, *github.Response, error) {
			return client.PullRequests.ListReviews(ctx, owner, name, number, &at)
		})
	if err != nil {
		return nil, err
	}
	reviews := make([]app.Review, 0, len(found))
	for _, r := range found {
		if !strings.EqualFold(r.GetState(), "pending") {
			reviews = append(reviews, toReview(r))
		}
	}
	return reviews, nil
}

// OpenPulls lists the open pull requests, oldest first.
func (c *RepoClient) OpenPulls(ctx context.Context) ([]app.Issue, error) {
	return c.listPulls(ctx, "listing the open pull requests of "+c.String(),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]*github.PullRequest, *github.Response, error) {
			return client.PullRequests.List(ctx, owner, name, &github.PullRequestListOptions{
				State: "open", Sort: "created", Direction: "asc", ListOptions: at,
			})
		})
}

// PullsForCommit lists the pull requests, open or not, that hold a commit.
func (c *RepoClient) PullsForCommit(ctx context.Context, sha string) ([]app.Issue, error) {
	doing := "finding the pull requests of " + c.commit(sha)
	if err := checkNames(doing, sha); err != nil {
		return nil, err
	}
	return c.listPulls(ctx, doing,
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]*github.PullRequest, *github.Response, error) {
			return client.PullRequests.ListPullRequestsWithCommit(ctx, owner, name, sha, &at)
		})
}

func (c *RepoClient) listPulls(ctx context.Context, doing string, do repoPage[*github.PullRequest]) ([]app.Issue, error) {
	found, err := repoList(ctx, c, doing, do)
	if err != nil {
		return nil, err
	}
	repository := c.named.Load().ID
	return mapped(found, func(p *github.PullRequest) app.Issue { return pullIssue(p, repository) }), nil
}

// Merge merges a pull request by a method ("merge", "squash", "rebase"), only if
// its head is still the commit. CodeConflict when it cannot be merged now or the
// head has moved.
func (c *RepoClient) Merge(ctx context.Context, number int, sha, method, title string) error {
	doing := fmt.Sprintf("merging %s", c.issue(number))
	if sha == "" {
		return app.Errorf(app.CodeInvalid, "%s: the commit to merge is not given", doing)
	}
	result, err := repoCall(ctx, c, doing,
		func(ctx context.Context, client *github.Client, owner, name string) (*github.PullRequestMergeResult, *github.Response, error) {
			return client.PullRequests.Merge(ctx, owner, name, number, "", &github.PullRequestOptions{
				CommitTitle: title, SHA: sha, MergeMethod: method,
			})
		})
	if err == nil && !result.GetMerged() {
		return app.Errorf(app.CodeConflict, "%s: GitHub did not merge it (%s)", doing, tidy(result.GetMessage()))
	}
	return err
}

// CommitsBetween lists the commits that head has and base has not, oldest first;
// GitHub names at most 250 of them, and more is CodeInvalid.
func (c *RepoClient) CommitsBetween(ctx context.Context, base, head string) ([]string, error) {
	doing := fmt.Sprintf("comparing %s with %s", c.commit(base), c.commit(head))
	if err := checkNames(doing, base, head); err != nil {
		return nil, err
	}
	found, err := repoCall(ctx, c, doing,
		func(ctx context.Context, client *github.Client, owner, name string) (*github.CommitsComparison, *github.Response, error) {
			return client.Repositories.CompareCommits(ctx, owner, name, base, head, &github.ListOptions{PerPage: perPage})
		})
	if err != nil {
		return nil, err
	}
	if found.GetTotalCommits() > len(found.Commits) {
		return nil, app.Errorf(app.CodeInvalid, "%s: there are %d commits between them, too many to read", doing, found.GetTotalCommits())
	}
	shas := make([]string, len(found.Commits))
	for i, commit := range found.Commits {
		shas[i] = commit.GetSHA()
	}
	return shas, nil
}
