package ghclient

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// Issue reads an issue or pull request; a pull request takes two requests.
// CodeNotFound when it is not there, CodeGone when it was deleted or transferred.
func (c *RepoClient) Issue(ctx context.Context, number int) (app.Issue, error) {
	doing := "reading " + c.issue(number)
	found, err := repoCall(ctx, c, doing,
		func(ctx context.Context, client *github.Client, owner, name string) (*github.Issue, *github.Response, error) {
			return client.Issues.Get(ctx, owner, name, number)
		})
	if err != nil {
		return app.Issue{}, err
	}
	issue := toIssue(found, c.named.Load().ID)
	if !found.IsPullRequest() {
		return issue, nil
	}
	pull, err := repoCall(ctx, c, doing,
		func(ctx context.Context, client *github.Client, owner, name string) (*github.PullRequest, *github.Response, error) {
			return client.PullRequests.Get(ctx, owner, name, number)
		})
	if err != nil {
		return app.Issue{}, err
	}
	issue.Pull = toPull(pull)
	if at := pull.GetUpdatedAt().UTC(); at.After(issue.UpdatedAt) {
		issue.UpdatedAt = at // its head is that of then, which came after the first reading
	}
	return issue, nil
}

// MovedTo tells in which repository a transferred issue is now, by name alone, and under
// which number; CodeNotFound or CodeGone when it is nowhere that the App may look.
func (c *RepoClient) MovedTo(ctx context.Context, number int) (app.Repository, int, error) {
	var here app.Repository // where it is found without being sent on
	found, err := repoCall(ctx, c, "looking where "+c.issue(number)+" was moved to",
		func(ctx context.Context, client *github.Client, owner, name string) (*github.Issue, *github.Response, error) {
			found, response, err := client.Issues.Get(ctx, owner, name, number)
			if err == nil {
				here = app.Repository{Owner: app.Account{Login: owner}, Name: name}
			}
			if response == nil || response.StatusCode != http.StatusMovedPermanently {
				return found, response, err
			}
			location, bad := response.Location()
			if bad != nil || location.Scheme != client.BaseURL.Scheme || location.Host != client.BaseURL.Host {
				return found, response, err // the token goes to the API alone
			}
			return get[*github.Issue](ctx, client, location.String())
		})
	if err != nil {
		return app.Repository{}, 0, err
	}
	if here.Name != "" && found.GetRepositoryURL() == "" {
		return here, number, nil
	}
	parts := strings.Split(strings.Trim(found.GetRepositoryURL(), "/"), "/")
	if len(parts) < 2 {
		return app.Repository{}, 0, app.Errorf(app.CodeNotFound, "GitHub does not say where %s was moved to", c.issue(number))
	}
	to := parts[len(parts)-2:]
	return app.Repository{Owner: app.Account{Login: to[0]}, Name: to[1]}, found.GetNumber(), nil
}

// IssuesSince lists the issues and pull requests, open and closed, that changed
// since an instant (all, for the zero time), oldest first. Of a pull request
// only that it is one, and whether it is a draft, is known then.
func (c *RepoClient) IssuesSince(ctx context.Context, since time.Time) ([]app.Issue, error) {
	found, err := repoList(ctx, c, "listing the issues of "+c.String(),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]*github.Issue, *github.Response, error) {
			return client.Issues.ListByRepo(ctx, owner, name, &github.IssueListByRepoOptions{
				State: "all",
				// By creation: sorted by update, an issue that changes while the
				// pages are read moves others past the reader.
				Sort: "created", Direction: "asc", Since: since, ListOptions: at,
			})
		})
	if err != nil {
		return nil, err
	}
	repository := c.named.Load().ID
	return mapped(found, func(i *github.Issue) app.Issue { return toIssue(i, repository) }), nil
}

// OwnIssues lists the issues that the App itself opened and that changed since an
// instant, open and closed, oldest first.
func (c *RepoClient) OwnIssues(ctx context.Context, since time.Time) ([]app.Issue, error) {
	own, err := c.g.App(ctx)
	if err != nil {
		return nil, err
	}
	found, err := repoList(ctx, c, "looking for the App's own issues in "+c.String(),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]*github.Issue, *github.Response, error) {
			return client.Issues.ListByRepo(ctx, owner, name, &github.IssueListByRepoOptions{
				State: "all", Creator: own.BotLogin, Sort: "created", Direction: "asc", Since: since, ListOptions: at,
			})
		})
	if err != nil {
		return nil, err
	}
	var issues []app.Issue
	for _, i := range found {
		// The bot's login is ours alone, whatever the filter made of it.
		if issue := toIssue(i, c.named.Load().ID); issue.Author.Bot && strings.EqualFold(issue.Author.Login, own.BotLogin) && issue.Pull == nil {
			issues = append(issues, issue)
		}
	}
	return issues, nil
}

// CreateIssue opens an issue, without labels. After CodeUnavailable it may exist: look
// for it before opening it again. CodeGone when the repository has no issues.
func (c *RepoClient) CreateIssue(ctx context.Context, title, body string) (app.Issue, error) {
	made, err := repoCall(ctx, c, "opening an issue in "+c.String(),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.Issue, *github.Response, error) {
			return client.Issues.Create(ctx, owner, name, &github.IssueRequest{Title: &title, Body: &body})
		})
	if err != nil {
		return app.Issue{}, err
	}
	return toIssue(made, c.named.Load().ID), nil
}

// EditIssue replaces an issue's text.
func (c *RepoClient) EditIssue(ctx context.Context, number int, body string) error {
	_, err := repoCall(ctx, c, "editing "+c.issue(number),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.Issue, *github.Response, error) {
			return client.Issues.Edit(ctx, owner, name, number, &github.IssueRequest{Body: &body})
		})
	return err
}

// CloseIssue closes an issue or pull request for a reason ("completed",
// "not_planned"). A locked one can be closed too; a closed one stays closed.
func (c *RepoClient) CloseIssue(ctx context.Context, number int, reason string) error {
	_, err := repoCall(ctx, c, "closing "+c.issue(number),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.Issue, *github.Response, error) {
			return client.Issues.Edit(ctx, owner, name, number, &github.IssueRequest{
				State: github.String("closed"), StateReason: github.String(reason),
			})
		})
	return err
}

// ReopenIssue opens an issue or pull request again. CodeInvalid for a pull request
// that was merged, or whose branch is gone.
func (c *RepoClient) ReopenIssue(ctx context.Context, number int) error {
	_, err := repoCall(ctx, c, "reopening "+c.issue(number),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.Issue, *github.Response, error) {
			return client.Issues.Edit(ctx, owner, name, number, &github.IssueRequest{State: github.String("open")})
		})
	return err
}

// IssueEvents lists who labelled, unlabelled, closed and reopened an issue, and who
// dismissed which review of it, oldest first. CodeNotFound when GitHub does not show them.
func (c *RepoClient) IssueEvents(ctx context.Context, number int) ([]app.IssueEvent, error) {
	found, err := repoList(ctx, c, "reading the history of "+c.issue(number),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]*github.IssueEvent, *github.Response, error) {
			return client.Issues.ListIssueEvents(ctx, owner, name, number, &at)
		})
	if err != nil {
		return nil, err
	}
	events := make([]app.IssueEvent, 0, len(found))
	for _, e := range found {
		switch kind := strings.ToLower(e.GetEvent()); kind {
		case "labeled", "unlabeled", "closed", "reopened", "review_dismissed":
			dismissed := e.GetDismissedReview()
			events = append(events, app.IssueEvent{
				Actor: toUser(e.Actor), Event: kind, Label: e.GetLabel().GetName(), At: e.GetCreatedAt().UTC(),
				Review: dismissed.GetReviewID(), ReviewState: strings.ToUpper(dismissed.GetState()),
			})
		}
	}
	return events, nil
}
