package ghsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Actor is a person at work: most methods are HTTP requests with the person's
// token; what GitHub offers on its pages only is done directly.
// Repositories are named owner/name.
type Actor struct {
	server *Server
	login  string
	token  string
}

// As lets somebody act.
func (s *Server) As(login string) *Actor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Actor{server: s, login: login, token: s.userToken(s.mustAccount(login))}
}

// StatusError is a refusal by the simulated GitHub.
type StatusError struct {
	Status  int
	Message string
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Message) }

// keepMethod follows redirects; Go keeps method and body for 307.
func keepMethod(r *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return http.ErrUseLastResponse
	}
	r.Header.Set("Authorization", via[0].Header.Get("Authorization"))
	return nil
}

// do makes one request below /repos/ or, with a leading slash, at the root.
func (a *Actor) do(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	if path[0] != '/' {
		path = "/repos/" + path
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, a.server.URL()+"/api/v3"+path, body)
	if err != nil {
		return fmt.Errorf("%s acting: %w", a.login, err)
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("User-Agent", a.login)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := a.server.client.Do(r)
	if err != nil {
		return fmt.Errorf("%s acting: %w", a.login, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s reading the answer: %w", a.login, err)
	}
	if res.StatusCode >= 300 {
		var problem struct{ Message string }
		_ = json.Unmarshal(b, &problem)
		return fmt.Errorf("%s at %s %s: %w", a.login, method, path, &StatusError{res.StatusCode, problem.Message})
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, out)
}

func issuePath(repo string, number int) string { return fmt.Sprintf("%s/issues/%d", repo, number) }
func pullPath(repo string, number int) string  { return fmt.Sprintf("%s/pulls/%d", repo, number) }

func commentPath(repo string, id int64) string { return fmt.Sprintf("%s/issues/comments/%d", repo, id) }

// OpenIssue opens an issue; labels stick only when the person may set them.
func (a *Actor) OpenIssue(repo, title, body string, labels ...string) (out Issue, err error) {
	return out, a.do(http.MethodPost, repo+"/issues", object{"title": title, "body": body, "labels": append([]string{}, labels...)}, &out)
}

// Comment writes a comment.
func (a *Actor) Comment(repo string, number int, body string) (out Comment, err error) {
	return out, a.do(http.MethodPost, issuePath(repo, number)+"/comments", object{"body": body}, &out)
}

// EditComment changes a comment.
func (a *Actor) EditComment(repo string, id int64, body string) error {
	return a.do(http.MethodPatch, commentPath(repo, id), object{"body": body}, nil)
}

// DeleteComment deletes a comment.
func (a *Actor) DeleteComment(repo string, id int64) error {
	return a.do(http.MethodDelete, commentPath(repo, id), nil, nil)
}

// React reacts to a comment with "+1", "-1", "confused", "eyes", …
func (a *Actor) React(repo string, commentID int64, content string) (out Reaction, err error) {
	return out, a.do(http.MethodPost, commentPath(repo, commentID)+"/reactions", object{"content": content}, &out)
}

// Unreact takes the person's own reaction back.
func (a *Actor) Unreact(repo string, commentID int64, content string) error {
	for _, x := range a.server.CommentReactions(commentID) {
		if x.User != nil && x.User.Login == a.login && x.Content == content {
			return a.do(http.MethodDelete, fmt.Sprintf("%s/reactions/%d", commentPath(repo, commentID), x.ID), nil, nil)
		}
	}
	return &StatusError{http.StatusNotFound, "no such reaction"}
}

// ReactToIssue reacts to the issue itself.
func (a *Actor) ReactToIssue(repo string, number int, content string) (out Reaction, err error) {
	return out, a.do(http.MethodPost, issuePath(repo, number)+"/reactions", object{"content": content}, &out)
}

// UnreactToIssue takes a reaction to the issue itself back.
func (a *Actor) UnreactToIssue(repo string, number int, id int64) error {
	return a.do(http.MethodDelete, fmt.Sprintf("%s/reactions/%d", issuePath(repo, number), id), nil, nil)
}

// The events of a review, in GitHub's words.
const (
	Approve        = "APPROVE"
	RequestChanges = "REQUEST_CHANGES"
	ReviewComment  = "COMMENT"
)

// Review reviews a pull request.
func (a *Actor) Review(repo string, number int, event, body string) (out Review, err error) {
	return out, a.do(http.MethodPost, pullPath(repo, number)+"/reviews", object{"event": event, "body": body}, &out)
}

// DismissReview dismisses somebody's review.
func (a *Actor) DismissReview(repo string, number int, id int64, message string) error {
	return a.do(http.MethodPut, fmt.Sprintf("%s/reviews/%d/dismissals", pullPath(repo, number), id), object{"message": message}, nil)
}

// AddLabels puts labels on an issue or pull request.
func (a *Actor) AddLabels(repo string, number int, labels ...string) error {
	return a.do(http.MethodPost, issuePath(repo, number)+"/labels", object{"labels": labels}, nil)
}

// RemoveLabel takes a label off.
func (a *Actor) RemoveLabel(repo string, number int, label string) error {
	return a.do(http.MethodDelete, issuePath(repo, number)+"/labels/"+url.PathEscape(label), nil, nil)
}

// CreateLabel makes a label in the repository.
func (a *Actor) CreateLabel(repo, name, color, description string) error {
	return a.do(http.MethodPost, repo+"/labels", object{"name": name, "color": color, "description": description}, nil)
}

// RenameLabel changes a label's name.
func (a *Actor) RenameLabel(repo, from, to string) error {
	return a.do(http.MethodPatch, repo+"/labels/"+url.PathEscape(from), object{"new_name": to}, nil)
}

// DeleteLabel deletes a label of the repository.
func (a *Actor) DeleteLabel(repo, name string) error {
	return a.do(http.MethodDelete, repo+"/labels/"+url.PathEscape(name), nil, nil)
}

// Close closes an issue or pull request.
func (a *Actor) Close(repo string, number int) error {
	return a.do(http.MethodPatch, issuePath(repo, number), object{"state": "closed"}, nil)
}

// Reopen opens it again.
func (a *Actor) Reopen(repo string, number int) error {
	return a.do(http.MethodPatch, issuePath(repo, number), object{"state": "open"}, nil)
}

// EditTitle changes the title.
func (a *Actor) EditTitle(repo string, number int, title string) error {
	return a.do(http.MethodPatch, issuePath(repo, number), object{"title": title}, nil)
}

// EditBody changes the text.
func (a *Actor) EditBody(repo string, number int, body string) error {
	return a.do(http.MethodPatch, issuePath(repo, number), object{"body": body}, nil)
}

// Merge merges a pull request.
func (a *Actor) Merge(repo string, number int) error {
	return a.do(http.MethodPut, pullPath(repo, number)+"/merge", object{}, nil)
}

// Lock locks the conversation.
func (a *Actor) Lock(repo string, number int) error {
	return a.do(http.MethodPut, issuePath(repo, number)+"/lock", nil, nil)
}

// Unlock unlocks the conversation.
func (a *Actor) Unlock(repo string, number int) error {
	return a.do(http.MethodDelete, issuePath(repo, number)+"/lock", nil, nil)
}

// RenameRepository gives a repository another name; the old one redirects.
func (a *Actor) RenameRepository(repo, name string) error {
	return a.do(http.MethodPatch, repo, object{"name": name}, nil)
}

// SetPrivate hides a repository, or shows it.
func (a *Actor) SetPrivate(repo string, private bool) error {
	return a.do(http.MethodPatch, repo, object{"private": private}, nil)
}

// SetArchived archives a repository, or brings it back.
func (a *Actor) SetArchived(repo string, archived bool) error {
	return a.do(http.MethodPatch, repo, object{"archived": archived}, nil)
}

// DeleteRepository deletes a repository for good.
func (a *Actor) DeleteRepository(repo string) error { return a.do(http.MethodDelete, repo, nil, nil) }

// AddCollaborator gives somebody a permission: admin, maintain, push, triage, pull.
func (a *Actor) AddCollaborator(repo, login, permission string) error {
	return a.do(http.MethodPut, repo+"/collaborators/"+login, object{"permission": permission}, nil)
}

// RemoveCollaborator takes it away.
func (a *Actor) RemoveCollaborator(repo, login string) error {
	return a.do(http.MethodDelete, repo+"/collaborators/"+login, nil, nil)
}

// Block blocks somebody in an organisation.
func (a *Actor) Block(organization, login string) error {
	return a.do(http.MethodPut, "/orgs/"+organization+"/blocks/"+login, nil, nil)
}

// Unblock ends it.
func (a *Actor) Unblock(organization, login string) error {
	return a.do(http.MethodDelete, "/orgs/"+organization+"/blocks/"+login, nil, nil)
}

// AddToTeam adds somebody to a team.
func (a *Actor) AddToTeam(organization, team, login string) error {
	return a.do(http.MethodPut, "/orgs/"+organization+"/teams/"+team+"/memberships/"+login, object{"role": "member"}, nil)
}

// RemoveFromTeam takes somebody out of a team.
func (a *Actor) RemoveFromTeam(organization, team, login string) error {
	return a.do(http.MethodDelete, "/orgs/"+organization+"/teams/"+team+"/memberships/"+login, nil, nil)
}

// RerequestCheckRun asks for a check to run again.
func (a *Actor) RerequestCheckRun(repo string, id int64) error {
	return a.do(http.MethodPost, fmt.Sprintf("%s/check-runs/%d/rerequest", repo, id), nil, nil)
}
