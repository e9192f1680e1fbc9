package ghclient

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// maxReadings is how often a list of several pages is read to get the same twice.
const maxReadings = 4

// CommentReactions reads all reactions on a comment, with their times. A list of
// several pages is read until two readings agree: a reaction taken back while
// the pages are read would hide another one, and that is somebody's vote.
// CodeUnavailable when no two readings agreed.
func (c *RepoClient) CommentReactions(ctx context.Context, id int64) ([]app.Reaction, error) {
	before, err := c.readReactions(ctx, id)
	if err != nil || len(before) < perPage {
		return before, err
	}
	for range maxReadings {
		now, err := c.readReactions(ctx, id)
		if err != nil {
			return nil, err
		}
		if sameUpToLast(before, now) {
			return now, nil
		}
		before = now
	}
	return nil, app.Errorf(app.CodeUnavailable, "reading the reactions of %s: they kept changing", c.comment(id))
}

// sameUpToLast reports whether the later reading has exactly the earlier one's
// reactions, and perhaps newer ones.
func sameUpToLast(earlier, later []app.Reaction) bool {
	if len(later) < len(earlier) {
		return false
	}
	known := make(map[int64]bool, len(earlier))
	newest := int64(0)
	for _, r := range earlier {
		known[r.ID] = true
		newest = max(newest, r.ID)
	}
	found := 0
	for _, r := range later {
		switch {
		case known[r.ID]:
			found++
		case r.ID < newest:
			return false
		}
	}
	return found >= len(known)
}

func (c *RepoClient) readReactions(ctx context.Context, id int64) ([]app.Reaction, error) {
	found, err := repoList(ctx, c, c.readingReactions(id),
		func(ctx context.Context, client *github.Client, owner, name string, at github.ListOptions) ([]reaction, *github.Response, error) {
			return get[[]reaction](ctx, client, reactionsPath(owner, name, id)+"?"+pageQuery(at).Encode())
		})
	if err != nil {
		return nil, err
	}
	return mapped(found, toReaction), nil
}

func (c *RepoClient) readingReactions(id int64) string {
	return "reading the reactions of " + c.comment(id)
}

func reactionsPath(owner, name string, comment int64) string {
	return commentPath(owner, name, comment) + "/reactions"
}

// React puts the App's reaction on a comment and gives its id; one that stands
// already is the same.
func (c *RepoClient) React(ctx context.Context, id int64, content string) (int64, error) {
	made, err := repoCall(ctx, c, "reacting to "+c.comment(id),
		func(ctx context.Context, client *github.Client, owner, name string) (reaction, *github.Response, error) {
			return send[reaction](ctx, client, http.MethodPost, reactionsPath(owner, name, id), map[string]string{"content": content})
		})
	return made.ID, err
}

// Unreact takes a reaction back; one that is gone already is fine.
func (c *RepoClient) Unreact(ctx context.Context, id, reactionID int64) error {
	_, err := repoCall(ctx, c, "taking a reaction back from "+c.comment(id),
		func(ctx context.Context, client *github.Client, owner, name string) (struct{}, *github.Response, error) {
			path := fmt.Sprintf("%s/%d", reactionsPath(owner, name, id), reactionID)
			return send[struct{}](ctx, client, http.MethodDelete, path, nil)
		})
	return absentIsFine(err)
}
