package ghclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

func (c *RepoClient) comment(id int64) string { return fmt.Sprintf("comment %d in %s", id, c) }

func commentPath(owner, name string, id int64) string {
	return fmt.Sprintf("repos/%s/%s/issues/comments/%d", owner, name, id)
}

// Comments lists the comments of an issue that changed since an instant (all,
// for the zero time), oldest first.
func (c *RepoClient) Comments(ctx context.Context, number int, since time.Time) ([]app.Comment, error) {
	found, err := repoList(ctx, c, "reading the comments of "+c.issue(number),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]comment, *github.Response, error) {
			query := pageQuery(at)
			if !since.IsZero() {
				query.Set("since", since.UTC().Format(time.RFC3339))
			}
			return get[[]comment](ctx, client, fmt.Sprintf("repos/%s/%s/issues/%d/comments?%s", owner, name, number, query.Encode()))
		})
	if err != nil {
		return nil, err
	}
	comments := mapped(found, toComment)
	if err := c.claim(ctx, comments); err != nil {
		return nil, err
	}
	return comments, nil
}

// CommentStands reports whether a comment is still there.
func (c *RepoClient) CommentStands(ctx context.Context, id int64) (bool, error) {
	_, err := repoCall(ctx, c, "looking for "+c.comment(id),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.IssueComment, *github.Response, error) {
			return client.Issues.GetComment(ctx, owner, name, id)
		})
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
		return false, nil
	}
	return err == nil, err
}

func pageQuery(at github.ListOptions) url.Values {
	return url.Values{"page": {strconv.Itoa(at.Page)}, "per_page": {strconv.Itoa(at.PerPage)}}
}

// CreateComment writes a comment on an issue or pull request. After
// CodeUnavailable it may exist: look for it before writing again.
func (c *RepoClient) CreateComment(ctx context.Context, number int, body string) (app.Comment, error) {
	found, err := repoCall(ctx, c, "commenting on "+c.issue(number),
		func(ctx context.Context, client *github.Client, owner, name string) (comment, *github.Response, error) {
			return send[comment](ctx, client, http.MethodPost,
				fmt.Sprintf("repos/%s/%s/issues/%d/comments", owner, name, number), bodyOf(body))
		})
	if err != nil {
		return app.Comment{}, err
	}
	made := toComment(found)
	made.ByApp = c.g.id
	return made, nil
}

// EditComment replaces a comment's text.
func (c *RepoClient) EditComment(ctx context.Context, id int64, body string) error {
	_, err := repoCall(ctx, c, "editing "+c.comment(id),
		func(ctx context.Context, client *github.Client, owner, name string) (*github.IssueComment, *github.Response, error) {
			return client.Issues.EditComment(ctx, owner, name, id, bodyOf(body))
		})
	return err
}

func bodyOf(text string) *github.IssueComment { return &github.IssueComment{Body: &text} }

// DeleteComment removes a comment; one that is gone already is fine.
func (c *RepoClient) DeleteComment(ctx context.Context, id int64) error {
	_, err := repoCall(ctx, c, "deleting "+c.comment(id),
		func(ctx context.Context, client *github.Client, owner, name string) (struct{}, *github.Response, error) {
			response, err := client.Issues.DeleteComment(ctx, owner, name, id)
			return struct{}{}, response, err
		})
	return absentIsFine(err)
}

// absentIsFine is for taking away what may have gone before.
func absentIsFine(err error) error {
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	return err
}

// claim marks our own comments as the App's where GitHub names no App: the
// bot's login is ours alone. Finding our comments again rests on this.
func (c *RepoClient) claim(ctx context.Context, comments []app.Comment) error {
	for i := range comments {
		if !comments[i].Author.Bot || comments[i].ByApp != 0 {
			continue
		}
		own, err := c.g.App(ctx)
		if err != nil {
			return err
		}
		if strings.EqualFold(comments[i].Author.Login, own.BotLogin) {
			comments[i].ByApp = own.ID
		}
	}
	return nil
}
