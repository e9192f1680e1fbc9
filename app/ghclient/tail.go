package ghclient

import (
	"context"
	"slices"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// tail is the end of a comment's list of reactions: the page on which the next
// one would land, and who stands there. It is cut so that it is never full, nor
// empty unless the list is. Then whatever is added moves onto it, whatever is
// taken back moves off it, and one request tells of every change, a reaction that
// took another's place included, which the comment's own count would hide.
type tail struct {
	page, size int
	ids        []int64
}

type tailKey struct{ installation, comment int64 }

func tailOf(reactions []app.Reaction) tail {
	size := perPage
	for len(reactions) > 0 && len(reactions)%size == 0 {
		size--
	}
	full := len(reactions) / size
	return tail{page: full + 1, size: size, ids: idsOf(reactions[full*size:])}
}

// first is the tail of a list that nobody read yet.
var first = tailOf(nil)

func idsOf(reactions []app.Reaction) []int64 {
	ids := make([]int64, len(reactions))
	for i, r := range reactions {
		ids[i] = r.ID
	}
	return ids
}

// PollCommentReactions asks whether the reactions on a comment changed since they
// were last seen, by one conditional request that is free of charge while they did
// not. When they did, it reads all of them, as CommentReactions does, and the
// caller says by calling seen that it took them; until then they are reported
// again. seen is nil when nothing changed. What was seen is forgotten when the
// program ends.
func (c *RepoClient) PollCommentReactions(ctx context.Context, id int64) (reactions []app.Reaction, seen func(), err error) {
	key := tailKey{c.named.Load().Installation, id}
	known, found := c.g.tails.Get(key)
	if !found {
		known = first
	}
	reactions, err = c.pollTail(ctx, id, known)
	if err != nil {
		return nil, nil, err
	}
	if found && slices.Equal(idsOf(reactions), known.ids) {
		return nil, nil, nil
	}
	if known.page > 1 || len(reactions) == known.size { // there is more before or behind it
		if reactions, err = c.CommentReactions(ctx, id); err != nil {
			return nil, nil, err
		}
	}
	return reactions, func() { c.g.tails.Add(key, tailOf(reactions)) }, nil
}

// pollTail reads one page conditionally.
func (c *RepoClient) pollTail(ctx context.Context, id int64, at tail) ([]app.Reaction, error) {
	ctx, p := withPoll(ctx)
	found, err := repoCall(ctx, c, c.readingReactions(id),
		func(ctx context.Context, client *github.Client, owner, name string) ([]reaction, *github.Response, error) {
			query := pageQuery(github.ListOptions{Page: at.page, PerPage: at.size})
			return get[[]reaction](ctx, client, reactionsPath(owner, name, id)+"?"+query.Encode())
		})
	if err != nil {
		return nil, err
	}
	c.g.answers.commit(p)
	return mapped(found, toReaction), nil
}
