package ghsim

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/agora-rfc/agora/app"
)

// What people do on GitHub's pages, with git, or with GraphQL: no REST route
// exists for it.

// NewPullRequest describes a pull request to be opened.
type NewPullRequest struct {
	Title  string
	Body   string
	Branch string // a name is made up when empty
	Base   string // the default branch when empty
	Files  map[string]string
	Commit string // one that exists, to be the head; a new one is made when empty
	Draft  bool
	// Labels are chosen in the form of the pull request, as its page lets who may; the
	// API takes none.
	Labels []string
}

// OpenPullRequest pushes a branch, to the person's fork when the repository
// does not let them push, and opens a pull request from it.
func (a *Actor) OpenPullRequest(repo string, n NewPullRequest) (out Issue, err error) {
	head, base := a.prepareBranch(repo, &n)
	err = a.do(http.MethodPost, repo+"/pulls",
		object{"title": n.Title, "body": n.Body, "head": head, "base": base, "draft": n.Draft, "labels": n.Labels}, &out)
	return out, err
}

func (a *Actor) prepareBranch(repo string, n *NewPullRequest) (head, base string) {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	r, who := s.mustFind(repo), s.mustAccount(a.login)
	base = cmp.Or(n.Base, r.defaultBranch)
	n.Branch = cmp.Or(n.Branch, fmt.Sprintf("%s-patch-%d", a.login, s.id()))
	if len(n.Files) == 0 {
		n.Files = map[string]string{"rfcs/" + n.Branch + ".md": n.Title + "\n"}
	}
	target := r
	if s.permission(r, who) < app.PermissionWrite {
		if target = s.forkOf(r, a.login); target == nil {
			target = s.newRepository(who, r.name)
			target.parent, target.defaultBranch = r, r.defaultBranch
			target.branches[r.defaultBranch] = r.branches[r.defaultBranch]
		}
	}
	from := s.commits[r.branches[base]]
	if from == nil {
		panic("ghsim: there is no branch " + base + " in " + repo)
	}
	k := s.commits[n.Commit]
	if k == nil {
		k = s.commit(who, n.Title, changed(from.files, contents(n.Files)), from.sha)
	}
	s.update(target, n.Branch, k, who)
	return target.owner.login + ":" + n.Branch, base
}

// Push commits files to a branch, which is made when missing, and returns the
// commit. It needs no permission: it stands for whoever could.
func (a *Actor) Push(repo, branch, message string, files map[string]string) string {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	r, who := s.mustFind(repo), s.mustAccount(a.login)
	branch = cmp.Or(branch, r.defaultBranch)
	from := cmp.Or(r.branches[branch], r.branches[r.defaultBranch])
	k := s.commit(who, message, changed(s.commits[from].files, contents(files)), from)
	s.update(r, branch, k, who)
	return k.sha
}

// PutFile commits one file to the default branch.
func (a *Actor) PutFile(repo, path, content string) string {
	return a.Push(repo, "", "Update "+path, map[string]string{path: content})
}

// PushToPull pushes a commit to the head of a pull request.
func (a *Actor) PushToPull(repo string, number int, files map[string]string) string {
	s := a.server
	s.mu.Lock()
	p := s.mustIssue(repo, number).pull
	head, ref := p.head.fullName(), p.headRef
	s.mu.Unlock()
	return a.Push(head, ref, "Update", files)
}

// MarkReady makes a draft pull request ready for review.
func (a *Actor) MarkReady(repo string, number int) { a.setDraft(repo, number, false) }

// ConvertToDraft makes a pull request a draft.
func (a *Actor) ConvertToDraft(repo string, number int) { a.setDraft(repo, number, true) }

func (a *Actor) setDraft(repo string, number int, draft bool) {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	i, who := s.mustIssue(repo, number), s.mustAccount(a.login)
	if i.pull.draft == draft {
		return
	}
	i.pull.draft, i.updated = draft, s.now()
	action := "ready_for_review"
	if draft {
		action = "converted_to_draft"
	}
	s.happened(i, action, who, nil)
	s.pullEvent(i, action, who, object{})
}

// TransferIssue moves an issue, with comments and reactions, to another
// repository of the same owner; labels that it lacks are lost.
func (a *Actor) TransferIssue(repo string, number int, to string) Issue {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	old, target, who := s.mustIssue(repo, number), s.mustFind(to), s.mustAccount(a.login)
	if old.pull != nil || old.repository.owner != target.owner {
		panic("ghsim: only issues are transferred, and only between repositories of one owner")
	}
	i := s.newIssue(target, old.author, old.title, old.body)
	i.via, i.state, i.stateReason, i.created, i.locked = old.via, old.state, old.stateReason, old.created, old.locked
	i.closed, i.closedBy = old.closed, old.closedBy
	i.reactions, i.history = old.reactions, old.history
	for _, m := range old.comments {
		moved := *m
		moved.id, moved.issue = s.id(), i
		s.comments[moved.id] = &moved
		i.comments = append(i.comments, &moved)
		delete(s.comments, m.id)
	}
	for _, l := range old.labels {
		if same := target.labelNamed(l.name); same != nil {
			i.labels = append(i.labels, same)
		}
	}
	v := s.view()
	s.emit(event{name: "issues", action: "transferred", repository: old.repository, sender: who, fields: object{
		"issue": v.issue(old), "changes": object{"new_issue": v.issue(i), "new_repository": v.repository(target)}}})
	before := v.issue(old)
	old.movedTo, old.comments = i, nil
	s.happened(i, "transferred", who, nil)
	s.issueEvent(i, "opened", who, object{"changes": object{"old_issue": before, "old_repository": v.repository(old.repository)}})
	return snapshot[Issue](v.issue(i))
}

// DeleteIssue deletes an issue; its number answers 410 from then on.
func (a *Actor) DeleteIssue(repo string, number int) {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.mustIssue(repo, number)
	s.issueEvent(i, "deleted", s.mustAccount(a.login), object{})
	i.deleted = true
	for _, m := range i.comments {
		delete(s.comments, m.id)
	}
}

// QueueMerge puts pull requests into one merge group, asks for checks on it and
// returns its head commit.
func (a *Actor) QueueMerge(repo string, numbers ...int) string {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	r, who := s.mustFind(repo), s.mustAccount(a.login)
	var head *commit
	var base, branch string
	for _, number := range numbers {
		i := s.mustIssue(repo, number)
		if head == nil {
			base = i.pull.baseRef
			head = s.commits[r.branches[base]]
		}
		title := fmt.Sprintf("Merge pull request #%d from %s/%s", number, i.pull.head.owner.login, i.pull.headRef)
		head = s.mergeCommit(i, head, title, who, "merge")
		branch = fmt.Sprintf("gh-readonly-queue/%s/pr-%d-%s", base, number, r.branches[base])
	}
	r.branches[branch] = head.sha
	s.mergeGroupEvent(r, "checks_requested", branch, base, who, object{})
	return head.sha
}

// LeaveQueue destroys a merge group by its head commit; the reason is "merged",
// "invalidated" or "dequeued".
func (a *Actor) LeaveQueue(repo, sha, reason string) {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.mustFind(repo)
	branch := s.branchOf(r, sha)
	s.mergeGroupEvent(r, "destroyed", branch, r.defaultBranch, s.mustAccount(a.login), object{"reason": reason})
	delete(r.branches, branch)
}

func (s *Server) mergeGroupEvent(r *repository, action, branch, base string, by *account, fields object) {
	k := s.commits[r.branches[branch]]
	person := object{"name": k.author.login, "email": k.author.login + "@users.noreply.ghsim.test"}
	group := object{
		"head_sha": k.sha, "head_ref": "refs/heads/" + branch, "base_sha": r.branches[base], "base_ref": "refs/heads/" + base,
		"head_commit": object{"id": k.sha, "tree_id": k.treeSHA(), "message": k.message, "timestamp": stamp(k.at), "author": person, "committer": person},
	}
	s.emit(event{name: "merge_group", action: action, repository: r, sender: by, fields: with(fields, object{"merge_group": group})})
}
