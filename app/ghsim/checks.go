package ghsim

import (
	"cmp"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/agora-rfc/agora/app"
)

// maxCheckText is GitHub's limit for a check's summary and text, in characters.
const maxCheckText = 65535

// staleAfter is when GitHub gives up waiting for a check run to complete.
const staleAfter = 14 * 24 * time.Hour

// checkSuite holds one App's check runs on one commit.
type checkSuite struct {
	id         int64
	repository *repository
	sha        string
	app        *application
	created    time.Time
	updated    time.Time
}

// checkRun is one check on a commit.
type checkRun struct {
	id         int64
	suite      *checkSuite
	name       string
	externalID string
	detailsURL string
	status     string
	conclusion string
	started    time.Time
	completed  time.Time
	created    time.Time
	title      string
	summary    string
	text       string
}

// pullsOf are the open pull requests of the same repository with this head.
func (v view) pullsOf(r *repository, sha string) []object {
	out := []object{}
	for _, i := range r.sorted() {
		p := i.pull
		if p == nil || p.headSHA != sha || i.state != "open" || p.head != r {
			continue
		}
		side := func(ref, sha string) object {
			return object{"ref": ref, "sha": sha, "repo": object{"id": r.id, "name": r.name, "url": v.api + "/repos/" + r.fullName()}}
		}
		out = append(out, object{"id": p.id, "number": i.number, "url": v.api + "/repos/" + r.fullName() + "/pulls/" + itoa(int64(i.number)),
			"head": side(p.headRef, p.headSHA), "base": side(p.baseRef, p.baseSHA)})
	}
	return out
}

func (v view) checkRun(k *checkRun) object {
	r := k.suite.repository
	url := v.api + "/repos/" + r.fullName() + "/check-runs/" + itoa(k.id)
	status, conclusion := k.status, k.conclusion
	if status != "completed" && v.now().Sub(k.created) >= staleAfter {
		status, conclusion = "completed", "stale"
	}
	return object{
		"id": k.id, "node_id": nodeID("CheckRun", k.id), "head_sha": k.suite.sha, "name": k.name,
		"external_id": k.externalID, "url": url, "html_url": v.web + "/" + r.fullName() + "/runs/" + itoa(k.id),
		"details_url": cmp.Or(k.detailsURL, v.web), "status": status, "conclusion": optional(conclusion),
		"started_at": stamp(k.started), "completed_at": stamp(k.completed),
		"output": object{"title": optional(k.title), "summary": optional(k.summary), "text": optional(k.text),
			"annotations_count": 0, "annotations_url": url + "/annotations"},
		"check_suite": object{"id": k.suite.id}, "app": v.application(k.suite.app), "pull_requests": v.pullsOf(r, k.suite.sha),
	}
}

func (v view) checkSuite(u *checkSuite) object {
	status, conclusion, count := "completed", any("success"), 0
	for _, k := range v.checkRuns {
		if k.suite != u {
			continue
		}
		count++
		if k.status != "completed" {
			status, conclusion = k.status, nil
		} else if k.conclusion != "success" && conclusion != nil {
			conclusion = k.conclusion
		}
	}
	url := v.api + "/repos/" + u.repository.fullName() + "/check-suites/" + itoa(u.id)
	k := v.commits[u.sha]
	person := object{"name": k.author.login, "email": k.author.login + "@users.noreply.ghsim.test"}
	return object{
		"id": u.id, "node_id": nodeID("CheckSuite", u.id), "head_branch": optional(v.branchOf(u.repository, u.sha)), "head_sha": u.sha,
		"status": status, "conclusion": conclusion, "url": url, "before": optional(first(k.parents)), "after": u.sha,
		"pull_requests": v.pullsOf(u.repository, u.sha), "app": v.application(u.app), "repository": v.repository(u.repository),
		"created_at": stamp(u.created), "updated_at": stamp(u.updated), "latest_check_runs_count": count,
		"check_runs_url": url + "/check-runs", "rerequestable": true, "runs_rerequestable": true,
		"head_commit": object{"id": k.sha, "tree_id": k.treeSHA(), "message": k.message, "timestamp": stamp(k.at), "author": person, "committer": person},
	}
}

func (s *Server) branchOf(r *repository, sha string) string {
	for name, head := range r.branches {
		if head == sha {
			return name
		}
	}
	return ""
}

// checkEvent sends a check run with the short form of its suite.
func (s *Server) checkEvent(k *checkRun, action string, by *account) {
	v := s.view()
	suite := v.checkSuite(k.suite)
	for _, name := range []string{"latest_check_runs_count", "check_runs_url", "rerequestable", "runs_rerequestable", "head_commit", "repository"} {
		delete(suite, name)
	}
	s.emit(event{name: "check_run", action: action, repository: k.suite.repository, sender: by,
		fields: object{"check_run": with(v.checkRun(k), object{"check_suite": suite})}})
}

// checkInput is what POST and PATCH of a check run take.
type checkInput struct {
	Name        *string
	HeadSHA     string     `json:"head_sha"`
	DetailsURL  *string    `json:"details_url"`
	ExternalID  *string    `json:"external_id"`
	Status      *string    `json:"status"`
	Conclusion  *string    `json:"conclusion"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	Output      *struct {
		Title, Summary, Text *string
	}
}

func (in *checkInput) check() error {
	if in.Output != nil {
		for field, text := range map[string]*string{"summary": in.Output.Summary, "text": in.Output.Text} {
			if text != nil && utf8.RuneCountInString(*text) > maxCheckText {
				return tooLong("CheckRun", field, maxCheckText)
			}
		}
	}
	if in.Status != nil && !slices.Contains([]string{"queued", "in_progress", "completed"}, *in.Status) {
		return invalid("CheckRun", "status", "invalid")
	}
	if in.Status != nil && *in.Status == "completed" && in.Conclusion == nil {
		return invalid("CheckRun", "conclusion", "missing_field")
	}
	if in.Conclusion != nil && !slices.Contains([]string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}, *in.Conclusion) {
		return invalid("CheckRun", "conclusion", "invalid")
	}
	return nil
}

// apply changes the run; a conclusion completes it.
func (in *checkInput) apply(k *checkRun, now time.Time) {
	set := func(to, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&k.name, in.Name)
	set(&k.detailsURL, in.DetailsURL)
	set(&k.externalID, in.ExternalID)
	set(&k.status, in.Status)
	set(&k.conclusion, in.Conclusion)
	if in.Output != nil {
		set(&k.title, in.Output.Title)
		set(&k.summary, in.Output.Summary)
		set(&k.text, in.Output.Text)
	}
	if in.StartedAt != nil {
		k.started = in.StartedAt.UTC().Truncate(time.Second)
	}
	if in.Conclusion != nil {
		k.status = "completed"
		k.completed = now
	} else if k.status != "completed" {
		k.conclusion, k.completed = "", time.Time{}
	}
	if in.CompletedAt != nil {
		k.completed = in.CompletedAt.UTC().Truncate(time.Second)
	}
}

func (c *call) postCheckRun() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	maker := c.auth.application()
	if maker == nil {
		return reply{}, forbidden("You must authenticate via a GitHub App.")
	}
	var in checkInput
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if in.Name == nil || *in.Name == "" {
		return reply{}, invalid("CheckRun", "name", "missing_field")
	}
	if c.commits[in.HeadSHA] == nil {
		return reply{}, unprocessable("No commit found for SHA: " + in.HeadSHA)
	}
	if err := in.check(); err != nil {
		return reply{}, err
	}
	k := &checkRun{id: c.id(), suite: c.suiteFor(r, in.HeadSHA, maker), status: "queued", started: c.now(), created: c.now()}
	in.apply(k, c.now())
	c.checkRuns = append(c.checkRuns, k)
	c.checkEvent(k, "created", c.auth.account())
	if k.status == "completed" {
		c.checkEvent(k, "completed", c.auth.account())
	}
	return created(c.view.checkRun(k))
}

func (s *Server) suiteFor(r *repository, sha string, maker *application) *checkSuite {
	for _, u := range s.checkSuites {
		if u.repository == r && u.sha == sha && u.app == maker {
			u.updated = s.now()
			return u
		}
	}
	u := &checkSuite{id: s.id(), repository: r, sha: sha, app: maker, created: s.now(), updated: s.now()}
	s.checkSuites = append(s.checkSuites, u)
	return u
}

func (c *call) oneCheckRun() (*checkRun, error) {
	r, err := c.repository()
	if err != nil {
		return nil, err
	}
	id := c.number("id")
	for _, k := range c.checkRuns {
		if k.id == id && k.suite.repository == r {
			return k, nil
		}
	}
	return nil, errNotFound
}

func (c *call) getCheckRun() (reply, error) {
	k, err := c.oneCheckRun()
	if err != nil {
		return reply{}, err
	}
	return ok(c.view.checkRun(k))
}

func (c *call) patchCheckRun() (reply, error) {
	k, err := c.oneCheckRun()
	if err != nil {
		return reply{}, err
	}
	if c.auth.application() != k.suite.app {
		return reply{}, forbidden("Invalid app_id `" + itoa(k.suite.app.id) + "` - check run can only be modified by the GitHub App that created it.")
	}
	var in checkInput
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	if err := in.check(); err != nil {
		return reply{}, err
	}
	before := k.status
	in.apply(k, c.now())
	k.suite.updated = c.now()
	if before != "completed" && k.status == "completed" {
		c.checkEvent(k, "completed", c.auth.account())
	}
	return ok(c.view.checkRun(k))
}

// rerequestCheckRun asks the App to run again; only the event tells it.
func (c *call) rerequestCheckRun() (reply, error) {
	k, err := c.oneCheckRun()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(k.suite.repository, app.PermissionWrite); err != nil {
		return reply{}, err
	}
	c.checkEvent(k, "rerequested", c.auth.account())
	return reply{http.StatusCreated, object{}}, nil
}

// latestRun is the newest run of that name on a commit, nil when there is none.
func (s *Server) latestRun(r *repository, sha, name string) *checkRun {
	var latest *checkRun
	for _, k := range s.checkRuns {
		if k.suite.repository == r && k.suite.sha == sha && k.name == name && (latest == nil || k.id > latest.id) {
			latest = k
		}
	}
	return latest
}

func (c *call) listCheckRuns() (reply, error) {
	r, commit, err := c.repositoryCommit("ref")
	if err != nil {
		return reply{}, err
	}
	var all []*checkRun
	for _, k := range c.checkRuns {
		switch {
		case k.suite.repository != r || k.suite.sha != commit.sha,
			c.query("check_name") != "" && k.name != c.query("check_name"),
			c.query("app_id") != "" && itoa(k.suite.app.id) != c.query("app_id"),
			c.query("status") != "" && k.status != c.query("status"),
			cmp.Or(c.query("filter"), "latest") == "latest" && c.newer(k):
		default:
			all = append(all, k)
		}
	}
	all = seen(c.Server, all, func(k *checkRun) time.Time { return k.created })
	sortNewest(all, func(k *checkRun) int64 { return k.id })
	return ok(object{"total_count": len(all), "check_runs": render(page(c, all), c.view.checkRun)})
}

// newer reports whether the same App has made a later run of the name there.
func (s *Server) newer(k *checkRun) bool {
	return slices.ContainsFunc(s.checkRuns, func(other *checkRun) bool {
		return other.suite == k.suite && other.name == k.name && other.id > k.id
	})
}

func (c *call) listCheckSuites() (reply, error) {
	r, commit, err := c.repositoryCommit("ref")
	if err != nil {
		return reply{}, err
	}
	all := slices.DeleteFunc(slices.Clone(c.checkSuites), func(u *checkSuite) bool {
		return u.repository != r || u.sha != commit.sha || c.query("app_id") != "" && itoa(u.app.id) != c.query("app_id")
	})
	return ok(object{"total_count": len(all), "check_suites": render(page(c, all), c.view.checkSuite)})
}
