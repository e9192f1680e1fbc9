package ghsim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

// repository is one repository with all that hangs on it.
type repository struct {
	id            int64
	owner         *account
	name          string
	private       bool
	archived      bool
	parent        *repository // of a fork
	defaultBranch string
	created       time.Time
	updated       time.Time
	pushed        time.Time
	collaborators map[int64]app.Permission
	branches      map[string]string // name → commit
	labels        []*label
	issues        map[int]*issue
	lastNumber    int
	required      map[string][]string // branch → checks that must be green to merge
}

func (r *repository) fullName() string { return r.owner.login + "/" + r.name }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// find looks a repository up by its full name; moved tells that it has another
// name now.
func (s *Server) find(fullName string) (r *repository, moved bool) {
	for _, r := range s.repositories {
		if strings.EqualFold(r.fullName(), fullName) {
			return r, false
		}
	}
	if r := s.repositories[s.formerNames[strings.ToLower(fullName)]]; r != nil {
		return r, true
	}
	return nil, false
}

// mustFind is for Go methods, where a wrong name is a mistake of the program.
func (s *Server) mustFind(fullName string) *repository {
	r, _ := s.find(fullName)
	if r == nil {
		panic("ghsim: there is no repository " + fullName)
	}
	return r
}

// permission is the highest permission a person has: by ownership, invitation,
// team, the organisation's base permission (read), or because anybody may read.
func (s *Server) permission(r *repository, who *account) app.Permission {
	if who == nil {
		return app.PermissionNone
	}
	best := r.collaborators[who.id]
	if r.owner == who || r.owner.members[who.id] == "admin" {
		return app.PermissionAdmin
	}
	if r.owner.members[who.id] != "" || !r.private {
		best = max(best, app.PermissionRead)
	}
	for _, t := range r.owner.teams {
		if t.members[who.id] != "" {
			best = max(best, t.repositories[r.id])
		}
	}
	return best
}

// association is what GitHub believes somebody to be in the repository.
func (s *Server) association(r *repository, who *account) string {
	switch {
	case who == nil:
		return "NONE"
	case r.owner == who:
		return "OWNER"
	case r.owner.members[who.id] != "":
		return "MEMBER"
	case r.collaborators[who.id] > app.PermissionNone:
		return "COLLABORATOR"
	}
	return "NONE"
}

// repository renders the full object of the REST API.
func (v view) repository(r *repository) object {
	api := v.api + "/repos/" + r.fullName()
	web := v.web + "/" + r.fullName()
	open := 0
	for _, i := range r.issues {
		if i.state == "open" {
			open++
		}
	}
	visibility := "public"
	if r.private {
		visibility = "private"
	}
	o := object{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(),
		"owner": v.simpleUser(r.owner), "private": r.private, "visibility": visibility, "description": nil,
		"fork": r.parent != nil, "archived": r.archived, "disabled": false, "is_template": false,
		"default_branch": r.defaultBranch, "topics": []string{}, "language": nil, "license": nil, "homepage": nil,
		"size": 1, "forks": 0, "forks_count": 0, "watchers": 0, "watchers_count": 0, "stargazers_count": 0,
		"open_issues": open, "open_issues_count": open, "network_count": 0, "subscribers_count": 0,
		"has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false, "has_downloads": true,
		"has_discussions": false, "allow_forking": true, "web_commit_signoff_required": false,
		"created_at": stamp(r.created), "updated_at": stamp(r.updated), "pushed_at": stamp(r.pushed),
		"url": api, "html_url": web, "git_url": "git://" + strings.TrimPrefix(web, "http://") + ".git",
		"ssh_url": "git@ghsim.test:" + r.fullName() + ".git", "clone_url": web + ".git", "svn_url": web, "mirror_url": nil,
	}
	for name, rest := range repositoryLinks {
		o[name] = api + rest
	}
	return o
}

// repositoryLinks are the links of a repository below its own address.
var repositoryLinks = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
	"comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
	"contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
	"downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
	"git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
	"issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
	"languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
	"releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}",
}

func (c *call) getRepository() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	return ok(c.view.repository(r))
}

// byID serves /repositories/{id} and everything under it: the request is the
// same as with the repository's present name.
func (c *call) byID() (reply, error) {
	r := c.repositories[c.number("id")]
	if r == nil || !c.maySee(r) {
		return reply{}, errNotFound
	}
	path := "/repos/" + r.fullName()
	if c.vars["rest"] != "" {
		path += "/" + c.vars["rest"]
	}
	return c.again(path)
}

func (c *call) listInstallationRepositories() (reply, error) {
	t := c.auth.token
	if t == nil || t.installation == nil {
		return reply{}, errIntegration
	}
	var all []*repository
	for _, r := range c.repositories {
		if t.reaches(r) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *repository) int { return int(a.id - b.id) })
	return ok(object{"total_count": len(all), "repository_selection": t.installation.selection(),
		"repositories": render(page(c, all), c.view.repository)})
}

// patchRepository renames, archives, hides and shows a repository.
func (c *call) patchRepository() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionAdmin); err != nil {
		return reply{}, err
	}
	var in struct {
		Name          *string
		Private       *bool
		Archived      *bool
		DefaultBranch *string `json:"default_branch"`
	}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	r.updated = c.now()
	change := func(action string, changes object) {
		fields := object{}
		if changes != nil {
			fields["changes"] = changes
		}
		c.emit(event{name: "repository", action: action, repository: r, sender: c.auth.account(), fields: fields})
	}
	if in.Name != nil && *in.Name != r.name {
		if other, moved := c.find(r.owner.login + "/" + *in.Name); other != nil && !moved {
			return reply{}, invalid("Repository", "name", "already_exists")
		}
		before := r.name
		c.formerNames[strings.ToLower(r.fullName())] = r.id
		r.name = *in.Name
		delete(c.formerNames, strings.ToLower(r.fullName()))
		change("renamed", object{"repository": object{"name": object{"from": before}}})
	}
	if in.DefaultBranch != nil && *in.DefaultBranch != r.defaultBranch {
		before := r.defaultBranch
		r.defaultBranch = *in.DefaultBranch
		change("edited", object{"default_branch": object{"from": before}})
	}
	if in.Private != nil && *in.Private != r.private {
		r.private = *in.Private
		change(map[bool]string{true: "privatized", false: "publicized"}[r.private], nil)
	}
	if in.Archived != nil && *in.Archived != r.archived {
		r.archived = *in.Archived
		change(map[bool]string{true: "archived", false: "unarchived"}[r.archived], nil)
	}
	return ok(c.view.repository(r))
}

func (c *call) deleteRepository() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionAdmin); err != nil {
		return reply{}, err
	}
	c.emit(event{name: "repository", action: "deleted", repository: r, sender: c.auth.account(), fields: object{}})
	delete(c.repositories, r.id)
	return noContent()
}
