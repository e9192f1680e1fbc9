package ghsim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agora-rfc/agora/app"
)

// maxBodyText is GitHub's limit for bodies of issues and comments, in characters.
const maxBodyText = 65536

// issue is an issue, or the issue side of a pull request.
type issue struct {
	id          int64
	repository  *repository
	number      int
	author      *account
	via         *application // the App that opened it
	title       string
	body        string
	state       string // "open" or "closed"
	stateReason string
	closedBy    *account
	closed      time.Time
	created     time.Time
	updated     time.Time
	locked      bool
	lockReason  string
	labels      []*label
	comments    []*comment
	reactions   []*reaction
	history     []*happening
	deleted     bool
	movedTo     *issue // after a transfer
	pull        *pull
}

// sorted lists the repository's issues by number.
func (r *repository) sorted() []*issue {
	out := make([]*issue, 0, len(r.issues))
	for _, i := range r.issues {
		if !i.deleted && i.movedTo == nil {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b *issue) int { return cmp.Compare(a.number, b.number) })
	return out
}

func (v view) issueURL(i *issue) string {
	return v.api + "/repos/" + i.repository.fullName() + "/issues/" + itoa(int64(i.number))
}

// htmlURL is the issue's page.
func (v view) htmlURL(i *issue) string {
	kind := "/issues/"
	if i.pull != nil {
		kind = "/pull/"
	}
	return v.web + "/" + i.repository.fullName() + kind + itoa(int64(i.number))
}

func (v view) issue(i *issue) object {
	url := v.issueURL(i)
	o := object{
		"id": i.id, "node_id": nodeID("Issue", i.id), "number": i.number, "title": i.title, "body": optional(i.body),
		"state": i.state, "state_reason": optional(i.stateReason), "locked": i.locked, "active_lock_reason": optional(i.lockReason),
		"user": v.user(i.author), "labels": render(i.labels, v.label), "assignee": nil, "assignees": []object{}, "milestone": nil,
		"comments": len(i.comments), "created_at": stamp(i.created), "updated_at": stamp(i.updated), "closed_at": stamp(i.closed),
		"author_association": v.association(i.repository, i.author), "performed_via_github_app": v.via(i.via),
		"reactions": v.rollup(i.reactions, url), "type": nil,
		"sub_issues_summary":         object{"total": 0, "completed": 0, "percent_completed": 0},
		"issue_dependencies_summary": object{"blocked_by": 0, "total_blocked_by": 0, "blocking": 0, "total_blocking": 0},
		"url":                        url, "repository_url": v.api + "/repos/" + i.repository.fullName(), "labels_url": url + "/labels{/name}",
		"comments_url": url + "/comments", "events_url": url + "/events", "timeline_url": url + "/timeline", "html_url": v.htmlURL(i),
	}
	if p := i.pull; p != nil {
		o["draft"] = p.draft
		o["node_id"] = nodeID("PullRequest", i.id)
		o["pull_request"] = object{
			"url":      v.api + "/repos/" + i.repository.fullName() + "/pulls/" + itoa(int64(i.number)),
			"html_url": v.htmlURL(i), "diff_url": v.htmlURL(i) + ".diff", "patch_url": v.htmlURL(i) + ".patch",
			"merged_at": stamp(p.mergedAt),
		}
	}
	return o
}

// issueFull also says who closed it, as only the single issue does.
func (v view) issueFull(i *issue) object {
	return with(v.issue(i), object{"closed_by": v.user(i.closedBy)})
}

// issueEvent sends what happened to an issue, or to a pull request.
func (s *Server) issueEvent(i *issue, action string, by *account, fields object) {
	if i.pull != nil {
		s.pullEvent(i, action, by, fields)
		return
	}
	s.emit(event{name: "issues", action: action, repository: i.repository, sender: by,
		fields: with(fields, object{"issue": s.view().issue(i)})})
}

// issue finds {number} of the path: a transferred one redirects, a deleted one
// is gone.
func (c *call) issue() (*issue, error) {
	r, err := c.repository()
	if err != nil {
		return nil, err
	}
	i := r.issues[int(c.number("number"))]
	switch {
	case i == nil:
		return nil, errNotFound
	case i.deleted:
		return nil, errGone
	case i.movedTo != nil:
		return nil, c.moved(i.movedTo)
	}
	return i, nil
}

// moved redirects to where an issue was transferred to.
func (c *call) moved(to *issue) error {
	for to.movedTo != nil {
		to = to.movedTo
	}
	if !c.maySee(to.repository) {
		return errNotFound
	}
	_, rest, _ := strings.Cut(c.path, "/issues/"+c.vars["number"])
	status := 301
	if c.request.Method != "GET" {
		status = 307
	}
	return &problem{status: status, message: "Moved Permanently",
		location: c.locate("/repos/" + to.repository.fullName() + "/issues/" + itoa(int64(to.number)) + rest)}
}

func (c *call) getIssue() (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	return ok(c.issueFull(i))
}

func (c *call) listIssues() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	since, err := c.since()
	if err != nil {
		return reply{}, err
	}
	state := cmp.Or(c.query("state"), "open")
	labels := strings.FieldsFunc(c.query("labels"), func(r rune) bool { return r == ',' })
	all := seen(c.Server, r.sorted(), func(i *issue) time.Time { return i.created })
	all = slices.DeleteFunc(all, func(i *issue) bool {
		if state != "all" && i.state != state || i.updated.Before(since) {
			return true
		}
		if who := c.query("creator"); who != "" && !strings.EqualFold(who, i.author.login) {
			return true
		}
		return slices.ContainsFunc(labels, func(name string) bool { return i.labelNamed(strings.TrimSpace(name)) == nil })
	})
	sortIssues(all, c.query("sort"), c.query("direction"))
	return ok(render(page(c, all), c.view.issue))
}

// sortIssues orders by created (default), updated or comments, newest first
// unless the direction says asc.
func sortIssues(all []*issue, by, direction string) {
	slices.SortStableFunc(all, func(a, b *issue) int {
		order := 0
		switch by {
		case "updated":
			order = a.updated.Compare(b.updated)
		case "comments":
			order = cmp.Compare(len(a.comments), len(b.comments))
		}
		order = cmp.Or(order, a.created.Compare(b.created), cmp.Compare(a.number, b.number))
		if direction != "asc" {
			order = -order
		}
		return order
	})
}

func (c *call) postIssue() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.mayTalk(r, nil); err != nil {
		return reply{}, err
	}
	var in struct {
		Title, Body string
		Labels      []string
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := checkIssue(in.Title, in.Body); err != nil {
		return reply{}, err
	}
	i := c.newIssue(r, c.auth.account(), in.Title, in.Body)
	i.via = c.auth.application()
	var added []*label
	if c.require(r, app.PermissionTriage) == nil {
		if added, err = c.attachLabels(i, in.Labels, i.author); err != nil {
			delete(r.issues, i.number)
			return reply{}, err
		}
	}
	c.issueEvent(i, "opened", i.author, object{}) // with its labels, each of which is told once more
	c.labeled(i, added, i.author)
	return created(c.issueFull(i))
}

func checkIssue(title, body string) error {
	switch {
	case strings.TrimSpace(title) == "":
		return invalid("Issue", "title", "missing_field")
	case utf8.RuneCountInString(title) > 256:
		return tooLong("Issue", "title", 256)
	case utf8.RuneCountInString(body) > maxBodyText:
		return tooLong("Issue", "body", maxBodyText)
	}
	return nil
}

// newIssue makes an issue with the repository's next number.
func (s *Server) newIssue(r *repository, author *account, title, body string) *issue {
	r.lastNumber++
	i := &issue{id: s.id(), repository: r, number: r.lastNumber, author: author, title: title, body: body,
		state: "open", created: s.now(), updated: s.now()}
	r.issues[i.number] = i
	return i
}

func (c *call) patchIssue() (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	if err := c.changeIssue(i); err != nil {
		return reply{}, err
	}
	return ok(c.issueFull(i))
}

// changeIssue applies a PATCH: text, state and labels.
func (c *call) changeIssue(i *issue) error {
	var in struct {
		Title       *string
		Body        *string
		State       *string
		StateReason *string `json:"state_reason"`
		Labels      json.RawMessage
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	by := c.auth.account()
	if by != i.author {
		least := app.PermissionTriage
		if in.Title != nil || in.Body != nil {
			least = app.PermissionWrite
		}
		if err := c.require(i.repository, least); err != nil {
			return err
		}
	}
	title, body := i.title, i.body
	if in.Title != nil {
		title = *in.Title
	}
	if in.Body != nil {
		body = *in.Body
	}
	if err := checkIssue(title, body); err != nil {
		return err
	}
	if in.State != nil && *in.State != "open" && *in.State != "closed" {
		return invalid("Issue", "state", "invalid")
	}
	c.editIssue(i, title, body, by)
	if len(in.Labels) > 0 && !bytes.Equal(in.Labels, []byte("null")) {
		var names []string
		if err := json.Unmarshal(in.Labels, &names); err != nil {
			return invalid("Issue", "labels", "invalid")
		}
		if err := c.setLabels(i, names, by); err != nil {
			return err
		}
	}
	if in.State != nil && *in.State != i.state {
		reason := ""
		if in.StateReason != nil {
			reason = *in.StateReason
		}
		return c.setState(i, *in.State, reason, by)
	}
	return nil
}

func (s *Server) editIssue(i *issue, title, body string, by *account) {
	changes := object{}
	if title != i.title {
		changes["title"] = object{"from": i.title}
		s.happened(i, "renamed", by, object{"rename": object{"from": i.title, "to": title}})
	}
	if body != i.body {
		changes["body"] = object{"from": i.body}
	}
	if len(changes) == 0 {
		return
	}
	i.title, i.body, i.updated = title, body, s.now()
	s.issueEvent(i, "edited", by, object{"changes": changes})
}

// setState closes or reopens.
func (s *Server) setState(i *issue, state, reason string, by *account) error {
	if state == "open" && i.pull != nil && i.pull.merged {
		return unprocessable("Cannot reopen a merged pull request")
	}
	i.state, i.updated = state, s.now()
	if state == "closed" {
		i.closed, i.closedBy = s.now(), by
		if i.pull == nil {
			i.stateReason = cmp.Or(reason, "completed")
		}
		s.happened(i, "closed", by, nil)
		s.issueEvent(i, "closed", by, object{})
		return nil
	}
	i.closed, i.closedBy = time.Time{}, nil
	if i.pull == nil {
		i.stateReason = "reopened"
	}
	s.happened(i, "reopened", by, nil)
	s.issueEvent(i, "reopened", by, object{})
	return nil
}

func (c *call) lockIssue() (reply, error) {
	var in struct {
		LockReason string `json:"lock_reason"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	return c.setLock(true, in.LockReason)
}

func (c *call) unlockIssue() (reply, error) { return c.setLock(false, "") }

func (c *call) setLock(locked bool, reason string) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(i.repository, app.PermissionWrite); err != nil {
		return reply{}, err
	}
	action := "unlocked"
	if locked {
		action = "locked"
	}
	i.locked, i.lockReason, i.updated = locked, reason, c.now()
	c.happened(i, action, c.auth.account(), object{"lock_reason": optional(reason)})
	c.issueEvent(i, action, c.auth.account(), object{})
	return noContent()
}
