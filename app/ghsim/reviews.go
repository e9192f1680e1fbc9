package ghsim

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agora-rfc/agora/app"
)

// review is a review of a pull request.
type review struct {
	id        int64
	author    *account
	body      string
	state     string // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING
	commit    string
	submitted time.Time
}

func (v view) review(i *issue, w *review) object {
	html := v.htmlURL(i) + "#pullrequestreview-" + itoa(w.id)
	url := v.api + "/repos/" + i.repository.fullName() + "/pulls/" + itoa(int64(i.number))
	o := object{
		"id": w.id, "node_id": nodeID("PullRequestReview", w.id), "user": v.user(w.author), "body": w.body, "state": w.state,
		"html_url": html, "pull_request_url": url, "commit_id": w.commit, "author_association": v.association(i.repository, w.author),
		"_links": object{"html": object{"href": html}, "pull_request": object{"href": url}},
	}
	if !w.submitted.IsZero() {
		o["submitted_at"] = stamp(w.submitted)
	}
	return o
}

// reviewEvent sends the review, whose state events write in small letters.
func (s *Server) reviewEvent(i *issue, w *review, action string, by *account) {
	v := s.view()
	shown := with(v.review(i, w), object{"state": strings.ToLower(w.state), "body": optional(w.body), "updated_at": stamp(s.now())})
	s.emit(event{name: "pull_request_review", action: action, repository: i.repository, sender: by,
		fields: object{"review": shown, "pull_request": v.pullSimple(i)}})
}

func (c *call) listReviews() (reply, error) {
	i, err := c.pullRequest()
	if err != nil {
		return reply{}, err
	}
	all := seen(c.Server, i.pull.reviews, func(w *review) time.Time { return w.submitted })
	return ok(render(page(c, all), func(w *review) object { return c.view.review(i, w) }))
}

func (c *call) oneReview() (*issue, *review, error) {
	i, err := c.pullRequest()
	if err != nil {
		return nil, nil, err
	}
	id := c.number("review")
	for _, w := range i.pull.reviews {
		if w.id == id {
			return i, w, nil
		}
	}
	return nil, nil, errNotFound
}

func (c *call) getReview() (reply, error) {
	i, w, err := c.oneReview()
	if err != nil {
		return reply{}, err
	}
	return ok(c.view.review(i, w))
}

var reviewStates = map[string]string{"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED", "": "PENDING"}

func (c *call) postReview() (reply, error) {
	i, err := c.pullRequest()
	if err != nil {
		return reply{}, err
	}
	if err := c.mayTalk(i.repository, i); err != nil {
		return reply{}, err
	}
	var in struct {
		Body, Event string
		CommitID    string `json:"commit_id"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	state, known := reviewStates[in.Event]
	who := c.auth.account()
	switch {
	case !known:
		return reply{}, unprocessable("Unprocessable Entity: event is not valid")
	case who == i.author && (in.Event == "APPROVE" || in.Event == "REQUEST_CHANGES"):
		return reply{}, unprocessable("Unprocessable Entity: Can not approve or request changes on your own pull request")
	case in.Event != "APPROVE" && in.Event != "" && strings.TrimSpace(in.Body) == "":
		return reply{}, unprocessable("Unprocessable Entity: body is missing")
	case utf8.RuneCountInString(in.Body) > maxBodyText:
		return reply{}, unprocessable("Unprocessable Entity: body is too long")
	}
	if in.CommitID == "" {
		in.CommitID = i.pull.headSHA
	}
	w := &review{id: c.id(), author: who, body: in.Body, state: state, commit: in.CommitID}
	i.pull.reviews = append(i.pull.reviews, w)
	if state != "PENDING" {
		w.submitted = c.now()
		i.updated = c.now()
		c.reviewEvent(i, w, "submitted", who)
	}
	return ok(c.view.review(i, w))
}

func (c *call) dismissReview() (reply, error) {
	i, w, err := c.oneReview()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(i.repository, app.PermissionWrite); err != nil {
		return reply{}, err
	}
	var in struct{ Message string }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if w.state != "APPROVED" && w.state != "CHANGES_REQUESTED" {
		return reply{}, unprocessable("Can not dismiss a " + strings.ToLower(w.state) + " pull request review")
	}
	before := w.state
	w.state = "DISMISSED"
	c.happened(i, "review_dismissed", c.auth.account(), object{"dismissed_review": object{
		"state": strings.ToLower(before), "review_id": w.id, "dismissal_message": optional(in.Message)}})
	c.reviewEvent(i, w, "dismissed", c.auth.account())
	return ok(c.view.review(i, w))
}
