package ghsim

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

// pull is what an issue is besides when it is a pull request.
type pull struct {
	id       int64
	draft    bool
	head     *repository // where the branch is: the same repository or a fork
	headRef  string
	headSHA  string
	baseRef  string
	baseSHA  string
	conflict bool
	merged   bool
	mergedAt time.Time
	mergedBy *account
	mergeSHA string
	reviews  []*review
}

func (v view) side(r *repository, ref, sha string) object {
	return object{"label": r.owner.login + ":" + ref, "ref": ref, "sha": sha, "user": v.simpleUser(r.owner), "repo": v.repository(r)}
}

// pullSimple is a pull request as lists and review events show it.
func (v view) pullSimple(i *issue) object {
	p := i.pull
	api := v.api + "/repos/" + i.repository.fullName()
	url := api + "/pulls/" + itoa(int64(i.number))
	web := v.htmlURL(i)
	link := func(href string) object { return object{"href": href} }
	labels := render(i.labels, v.label)
	for n, l := range i.labels {
		labels[n]["description"] = l.description // never null here
	}
	return object{
		"id": p.id, "node_id": nodeID("PullRequest", i.id), "number": i.number, "state": i.state, "locked": i.locked,
		"active_lock_reason": optional(i.lockReason), "title": i.title, "body": optional(i.body), "user": v.user(i.author),
		"labels": labels, "milestone": nil, "assignee": nil, "assignees": []object{},
		"requested_reviewers": []object{}, "requested_teams": []object{}, "draft": p.draft, "auto_merge": nil,
		"created_at": stamp(i.created), "updated_at": stamp(i.updated), "closed_at": stamp(i.closed),
		"merged_at": stamp(p.mergedAt), "merge_commit_sha": optional(p.mergeSHA),
		"author_association": v.association(i.repository, i.author),
		"head":               v.side(p.head, p.headRef, p.headSHA), "base": v.side(i.repository, p.baseRef, p.baseSHA),
		"url": url, "html_url": web, "diff_url": web + ".diff", "patch_url": web + ".patch",
		"issue_url": v.issueURL(i), "commits_url": url + "/commits", "review_comments_url": url + "/comments",
		"review_comment_url": api + "/pulls/comments{/number}", "comments_url": v.issueURL(i) + "/comments",
		"statuses_url": api + "/statuses/" + p.headSHA,
		"_links": object{
			"self": link(url), "html": link(web), "issue": link(v.issueURL(i)), "comments": link(v.issueURL(i) + "/comments"),
			"review_comments": link(url + "/comments"), "review_comment": link(api + "/pulls/comments{/number}"),
			"commits": link(url + "/commits"), "statuses": link(api + "/statuses/" + p.headSHA),
		},
	}
}

// ghost is whom GitHub names as the author of a whole pull request whose author
// deleted the account; everywhere else it says null.
var ghost = &account{id: 10137, login: "ghost", kind: kindUser}

// pull is the whole pull request.
func (v view) pull(i *issue) object {
	p := i.pull
	files := v.pullFiles(i)
	added, removed := lines(files)
	state := "clean"
	switch {
	case p.conflict:
		state = "dirty"
	case p.draft:
		state = "draft"
	case v.missingCheck(i) != "":
		state = "blocked"
	}
	author := v.simpleUser(ghost)
	if !i.author.deleted {
		author = v.simpleUser(i.author)
	}
	return with(v.pullSimple(i), object{
		"user": author, "merged": p.merged, "mergeable": !p.conflict, "rebaseable": !p.conflict, "mergeable_state": state,
		"merged_by": v.user(p.mergedBy), "comments": len(i.comments), "review_comments": 0, "maintainer_can_modify": false,
		"commits": len(v.history(p.baseSHA, p.headSHA)), "additions": added, "deletions": removed, "changed_files": len(files),
	})
}

func (v view) pullFiles(i *issue) []object {
	before := v.mergeBase(i.pull.baseSHA, i.pull.headSHA)
	if before == nil {
		before = &commit{}
	}
	return v.difference(i.repository, before, v.commits[i.pull.headSHA])
}

func (s *Server) pullEvent(i *issue, action string, by *account, fields object) {
	s.emit(event{name: "pull_request", action: action, repository: i.repository, sender: by,
		fields: with(fields, object{"number": i.number, "pull_request": s.view().pull(i)})})
}

// pullRequest finds {number} of the path when it is a pull request.
func (c *call) pullRequest() (*issue, error) {
	i, err := c.issue()
	if err != nil {
		return nil, err
	}
	if i.pull == nil {
		return nil, errNotFound
	}
	return i, nil
}

func (c *call) getPull() (reply, error) {
	i, err := c.pullRequest()
	if err != nil {
		return reply{}, err
	}
	return ok(c.view.pull(i))
}

func (c *call) listPulls() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	state, head, base := cmp.Or(c.query("state"), "open"), c.query("head"), c.query("base")
	all := seen(c.Server, r.sorted(), func(i *issue) time.Time { return i.created })
	all = slices.DeleteFunc(all, func(i *issue) bool {
		p := i.pull
		return p == nil || state != "all" && i.state != state || base != "" && p.baseRef != base ||
			head != "" && !strings.EqualFold(head, p.head.owner.login+":"+p.headRef)
	})
	sortIssues(all, c.query("sort"), c.query("direction"))
	return ok(render(page(c, all), c.pullSimple))
}

func (c *call) postPull() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.mayTalk(r, nil); err != nil {
		return reply{}, err
	}
	var in struct {
		Title, Body, Head, Base string
		Draft                   bool
		Labels                  []string // of the page's form
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := checkIssue(in.Title, in.Body); err != nil {
		return reply{}, err
	}
	head, ref := r, in.Head
	if owner, branch, fork := strings.Cut(in.Head, ":"); fork {
		ref = branch
		if !strings.EqualFold(owner, r.owner.login) {
			head = c.forkOf(r, owner)
		}
	}
	if head == nil || head.branches[ref] == "" {
		return reply{}, invalid("PullRequest", "head", "invalid")
	}
	if r.branches[in.Base] == "" {
		return reply{}, invalid("PullRequest", "base", "invalid")
	}
	if len(c.history(r.branches[in.Base], head.branches[ref])) == 0 {
		return reply{}, unprocessable("No commits between " + in.Base + " and " + in.Head)
	}
	i := c.newIssue(r, c.auth.account(), in.Title, in.Body)
	i.via = c.auth.application()
	i.pull = &pull{id: c.id(), draft: in.Draft, head: head, headRef: ref, headSHA: head.branches[ref], baseRef: in.Base, baseSHA: r.branches[in.Base]}
	var added []*label
	if c.require(r, app.PermissionTriage) == nil {
		if added, err = c.attachLabels(i, in.Labels, i.author); err != nil {
			delete(r.issues, i.number)
			return reply{}, err
		}
	}
	c.pullEvent(i, "opened", i.author, object{})
	c.labeled(i, added, i.author)
	return created(c.view.pull(i))
}

// forkOf finds somebody's fork of a repository.
func (s *Server) forkOf(r *repository, owner string) *repository {
	for _, f := range s.repositories {
		if f.parent == r && strings.EqualFold(f.owner.login, owner) {
			return f
		}
	}
	return nil
}

func (c *call) patchPull() (reply, error) {
	i, err := c.pullRequest()
	if err != nil {
		return reply{}, err
	}
	if err := c.changeIssue(i); err != nil {
		return reply{}, err
	}
	return ok(c.view.pull(i))
}

func (c *call) listPullCommits() (reply, error) {
	i, err := c.pullRequest()
	if err != nil {
		return reply{}, err
	}
	all := c.history(i.pull.baseSHA, i.pull.headSHA)
	return ok(render(page(c, all), func(k *commit) object { return c.commitObject(i.repository, k) }))
}

func (c *call) listPullFiles() (reply, error) {
	i, err := c.pullRequest()
	if err != nil {
		return reply{}, err
	}
	return ok(page(c, c.pullFiles(i)))
}

// listCommitPulls lists the pull requests a commit belongs to.
func (c *call) listCommitPulls() (reply, error) {
	r, k, err := c.repositoryCommit("ref")
	if err != nil {
		return reply{}, err
	}
	all := slices.DeleteFunc(r.sorted(), func(i *issue) bool { return i.pull == nil || !c.contains(i.pull, k) })
	return ok(render(page(c, all), c.pullSimple))
}

func (s *Server) contains(p *pull, k *commit) bool {
	return p.mergeSHA == k.sha || p.headSHA == k.sha || slices.Contains(s.history(p.baseSHA, p.headSHA), k)
}

// missingCheck names a check that the base branch requires and the head has not
// passed.
func (s *Server) missingCheck(i *issue) string {
	for _, name := range i.repository.required[i.pull.baseRef] {
		if run := s.latestRun(i.repository, i.pull.headSHA, name); run == nil || run.status != "completed" ||
			!slices.Contains([]string{"success", "neutral", "skipped"}, run.conclusion) {
			return name
		}
	}
	return ""
}

func (c *call) mergePull() (reply, error) {
	i, err := c.pullRequest()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(i.repository, app.PermissionWrite); err != nil {
		return reply{}, err
	}
	var in struct {
		SHA           string
		MergeMethod   string `json:"merge_method"`
		CommitTitle   string `json:"commit_title"`
		CommitMessage string `json:"commit_message"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	p := i.pull
	missing := c.missingCheck(i)
	switch {
	case i.state != "open" || p.conflict:
		return reply{}, &problem{status: 405, message: "Pull Request is not mergeable"}
	case p.draft:
		return reply{}, &problem{status: 405, message: "Pull Request is still a draft"}
	case in.SHA != "" && in.SHA != p.headSHA:
		return reply{}, &problem{status: 409, message: "Head branch was modified. Review and try the merge again."}
	case missing != "":
		return reply{}, &problem{status: 405, message: `Required status check "` + missing + `" is expected.`}
	}
	title := cmp.Or(in.CommitTitle, "Merge pull request #"+itoa(int64(i.number))+" from "+p.head.owner.login+"/"+p.headRef)
	by := c.auth.account()
	k := c.mergeCommit(i, c.commits[i.repository.branches[p.baseRef]], strings.TrimSpace(title+"\n\n"+in.CommitMessage), by, in.MergeMethod)
	c.update(i.repository, p.baseRef, k, by)
	p.merged, p.mergedAt, p.mergedBy, p.mergeSHA = true, c.now(), by, k.sha
	c.happened(i, "merged", by, object{"commit_id": k.sha, "commit_url": c.Server.view().commitObject(i.repository, k)["url"]})
	if err := c.setState(i, "closed", "", by); err != nil {
		return reply{}, err
	}
	return ok(object{"sha": k.sha, "merged": true, "message": "Pull Request successfully merged"})
}

// mergeCommit lays the pull request's changes over the base; only the method
// "merge" (the default) keeps the head as a second parent.
func (s *Server) mergeCommit(i *issue, base *commit, message string, by *account, method string) *commit {
	before := s.mergeBase(base.sha, i.pull.headSHA)
	if before == nil {
		before = &commit{}
	}
	head := s.commits[i.pull.headSHA]
	changes := map[string]*string{}
	for path, text := range head.files {
		if old, had := before.files[path]; !had || old != text {
			changes[path] = &text
		}
	}
	for path := range before.files {
		if _, has := head.files[path]; !has {
			changes[path] = nil
		}
	}
	parents := []string{base.sha}
	if method == "" || method == "merge" {
		parents = append(parents, head.sha)
	}
	return s.commit(by, message, changed(base.files, changes), parents...)
}
