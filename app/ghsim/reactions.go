package ghsim

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// reactionContents are GitHub's eight reactions.
var reactionContents = []string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}

// reaction is one person's reaction to a comment or an issue.
type reaction struct {
	id      int64
	user    *account
	content string
	created time.Time
}

func (v view) reaction(x *reaction) object {
	return object{"id": x.id, "node_id": nodeID("Reaction", x.id), "user": v.user(x.user), "content": x.content, "created_at": stamp(x.created)}
}

// rollup is the summary that the subject of reactions carries.
func (v view) rollup(all []*reaction, subject string) object {
	o := object{"url": subject + "/reactions", "total_count": len(all)}
	for _, content := range reactionContents {
		n := 0
		for _, x := range all {
			if x.content == content {
				n++
			}
		}
		o[content] = n
	}
	return o
}

// subject finds what is reacted to: a comment or an issue.
func (c *call) subject() (*[]*reaction, *issue, error) {
	if c.vars["id"] != "" {
		m, err := c.comment()
		if err != nil {
			return nil, nil, err
		}
		return &m.reactions, m.issue, nil
	}
	i, err := c.issue()
	if err != nil {
		return nil, nil, err
	}
	return &i.reactions, i, nil
}

func (c *call) listReactions() (reply, error) {
	list, _, err := c.subject()
	if err != nil {
		return reply{}, err
	}
	wanted := c.query("content")
	all := slices.DeleteFunc(slices.Clone(*list), func(x *reaction) bool { return wanted != "" && x.content != wanted })
	all = seen(c.Server, all, func(x *reaction) time.Time { return x.created })
	return ok(render(page(c, all), c.view.reaction))
}

// postReaction adds a reaction; a second one of the same kind is the first.
func (c *call) postReaction() (reply, error) {
	list, i, err := c.subject()
	if err != nil {
		return reply{}, err
	}
	if err := c.mayTalk(i.repository, i); err != nil {
		return reply{}, err
	}
	var in struct{ Content string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if !slices.Contains(reactionContents, in.Content) {
		return reply{}, invalid("Reaction", "content", "invalid")
	}
	who := c.auth.account()
	for _, x := range *list {
		if x.user == who && x.content == in.Content {
			return ok(c.view.reaction(x))
		}
	}
	x := &reaction{id: c.id(), user: who, content: in.Content, created: c.now()}
	*list = append(*list, x)
	return created(c.view.reaction(x))
}

func (c *call) deleteReaction() (reply, error) {
	list, _, err := c.subject()
	if err != nil {
		return reply{}, err
	}
	id := c.number("reaction")
	for n, x := range *list {
		if x.id != id {
			continue
		}
		if x.user != c.auth.account() {
			return reply{}, &problem{status: http.StatusForbidden, message: "Must be the author of the reaction."}
		}
		*list = slices.Delete(*list, n, n+1)
		return noContent()
	}
	return reply{}, errNotFound
}

// sortNewest orders by a growing number, the newest first.
func sortNewest[T any](all []T, id func(T) int64) {
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(id(b), id(a)) })
}
