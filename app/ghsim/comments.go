package ghsim

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agora-rfc/agora/app"
)

// comment is a comment on an issue or pull request.
type comment struct {
	id        int64
	issue     *issue
	author    *account
	via       *application
	body      string
	created   time.Time
	updated   time.Time
	reactions []*reaction
}

func (v view) comment(m *comment) object {
	url := v.api + "/repos/" + m.issue.repository.fullName() + "/issues/comments/" + itoa(m.id)
	return object{
		"id": m.id, "node_id": nodeID("IssueComment", m.id), "url": url, "issue_url": v.issueURL(m.issue),
		"html_url": v.htmlURL(m.issue) + "#issuecomment-" + itoa(m.id), "user": v.user(m.author), "body": m.body,
		"created_at": stamp(m.created), "updated_at": stamp(m.updated), "reactions": v.rollup(m.reactions, url),
		"author_association": v.association(m.issue.repository, m.author), "performed_via_github_app": v.via(m.via),
	}
}

func (s *Server) commentEvent(m *comment, action string, by *account, fields object) {
	v := s.view()
	s.emit(event{name: "issue_comment", action: action, repository: m.issue.repository, sender: by,
		fields: with(fields, object{"issue": v.issue(m.issue), "comment": v.comment(m)})})
}

// mayTalk refuses blocked people, and strangers where the conversation is locked.
func (c *call) mayTalk(r *repository, i *issue) error {
	who := c.auth.account()
	if r.owner.blocked[who.id] {
		return forbidden("User is blocked")
	}
	if i != nil && i.locked && c.require(r, app.PermissionWrite) != nil {
		return forbidden("Unable to create comment because issue is locked.")
	}
	return nil
}

func checkComment(body string) error {
	switch {
	case strings.TrimSpace(body) == "":
		return invalid("IssueComment", "body", "missing_field")
	case utf8.RuneCountInString(body) > maxBodyText:
		return tooLong("IssueComment", "body", maxBodyText)
	}
	return nil
}

func (c *call) listComments() (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	since, err := c.since()
	if err != nil {
		return reply{}, err
	}
	all := seen(c.Server, i.comments, func(m *comment) time.Time { return m.created })
	return ok(render(page(c, updatedSince(all, since)), c.view.comment))
}

func updatedSince(all []*comment, since time.Time) []*comment {
	return slices.DeleteFunc(slices.Clone(all), func(m *comment) bool { return m.updated.Before(since) })
}

func (c *call) listRepositoryComments() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	since, err := c.since()
	if err != nil {
		return reply{}, err
	}
	var all []*comment
	for _, i := range r.sorted() {
		all = append(all, i.comments...)
	}
	all = updatedSince(seen(c.Server, all, func(m *comment) time.Time { return m.created }), since)
	slices.SortFunc(all, func(a, b *comment) int {
		order := 0
		switch c.query("sort") {
		case "created":
			order = a.created.Compare(b.created)
		case "updated":
			order = a.updated.Compare(b.updated)
		}
		if c.query("direction") != "asc" {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.id, b.id))
	})
	return ok(render(page(c, all), c.view.comment))
}

func (c *call) postComment() (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	if err := c.mayTalk(i.repository, i); err != nil {
		return reply{}, err
	}
	var in struct{ Body string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := checkComment(in.Body); err != nil {
		return reply{}, err
	}
	m := &comment{id: c.id(), issue: i, author: c.auth.account(), via: c.auth.application(), body: in.Body, created: c.now(), updated: c.now()}
	c.comments[m.id] = m
	i.comments = append(i.comments, m)
	i.updated = c.now()
	c.commentEvent(m, "created", m.author, object{})
	return created(c.view.comment(m))
}

// comment finds {id} of the path.
func (c *call) comment() (*comment, error) {
	r, err := c.repository()
	if err != nil {
		return nil, err
	}
	m := c.comments[c.number("id")]
	if m == nil || m.issue.repository != r || m.issue.deleted {
		return nil, errNotFound
	}
	return m, nil
}

func (c *call) getComment() (reply, error) {
	m, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	return ok(c.view.comment(m))
}

// ownComment finds the comment and refuses who may not change it: people
// change their own or, with write permission, any, as Apps do.
func (c *call) ownComment() (*comment, error) {
	m, err := c.comment()
	if err != nil {
		return nil, err
	}
	if m.author == c.auth.account() {
		return m, nil
	}
	return m, c.require(m.issue.repository, app.PermissionWrite)
}

func (c *call) patchComment() (reply, error) {
	m, err := c.ownComment()
	if err != nil {
		return reply{}, err
	}
	var in struct{ Body string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := checkComment(in.Body); err != nil {
		return reply{}, err
	}
	if in.Body != m.body {
		before := m.body
		m.body, m.updated = in.Body, c.now()
		c.commentEvent(m, "edited", c.auth.account(), object{"changes": object{"body": object{"from": before}}})
	}
	return ok(c.view.comment(m))
}

func (c *call) deleteComment() (reply, error) {
	m, err := c.ownComment()
	if err != nil {
		return reply{}, err
	}
	delete(c.comments, m.id)
	m.issue.comments = slices.DeleteFunc(m.issue.comments, func(other *comment) bool { return other == m })
	c.commentEvent(m, "deleted", c.auth.account(), object{})
	return noContent()
}
