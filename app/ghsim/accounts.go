package ghsim

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// The kinds of accounts, in GitHub's words.
const (
	kindUser         = "User"
	kindBot          = "Bot"
	kindOrganization = "Organization"
)

// account is a user, a bot or an organisation.
type account struct {
	id      int64
	login   string
	name    string
	email   string // as the profile shows it
	kind    string
	created time.Time
	deleted bool

	members map[int64]string // of an organisation: "admin" (owner) or "member"
	blocked map[int64]bool
	teams   []*team
}

// accountNamed finds an account by login, whatever the case.
func (s *Server) accountNamed(login string) *account {
	for _, a := range s.accounts {
		if !a.deleted && strings.EqualFold(a.login, login) {
			return a
		}
	}
	return nil
}

// mustAccount is for setting the world up, where a missing account is a
// mistake of the program.
func (s *Server) mustAccount(login string) *account {
	a := s.accountNamed(login)
	if a == nil {
		panic(fmt.Sprintf("ghsim: there is no account %q", login))
	}
	return a
}

// userPath escapes the brackets of a bot's login.
func userPath(login string) string {
	return strings.NewReplacer("[", "%5B", "]", "%5D").Replace(login)
}

// user renders an account as other objects show it; a deleted one is null.
func (v view) user(a *account) any {
	if a == nil || a.deleted {
		return nil
	}
	return v.simpleUser(a)
}

func (v view) simpleUser(a *account) object {
	url := v.api + "/users/" + userPath(a.login)
	html := v.web + "/" + userPath(a.login)
	if a.kind == kindBot {
		html = v.web + "/apps/" + strings.TrimSuffix(a.login, "[bot]")
	}
	return object{
		"login": a.login, "id": a.id, "node_id": nodeID(a.kind, a.id), "type": a.kind, "site_admin": false,
		"avatar_url": fmt.Sprintf("%s/avatars/u/%d?v=4", v.web, a.id), "gravatar_id": "",
		"url": url, "html_url": html, "followers_url": url + "/followers",
		"following_url": url + "/following{/other_user}", "gists_url": url + "/gists{/gist_id}",
		"starred_url": url + "/starred{/owner}{/repo}", "subscriptions_url": url + "/subscriptions",
		"organizations_url": url + "/orgs", "repos_url": url + "/repos",
		"events_url": url + "/events{/privacy}", "received_events_url": url + "/received_events",
		"user_view_type": "public",
	}
}

// profile is the whole page of a user.
func (v view) profile(a *account) object {
	repositories := 0
	for _, r := range v.repositories {
		if r.owner == a && !r.private {
			repositories++
		}
	}
	return with(v.simpleUser(a), object{
		"name": optional(a.name), "company": nil, "blog": "", "location": nil, "email": optional(a.email), "hireable": nil,
		"bio": nil, "twitter_username": nil, "public_repos": repositories, "public_gists": 0,
		"followers": 0, "following": 0, "created_at": stamp(a.created), "updated_at": stamp(a.created),
	})
}

// organizationSimple is how events and memberships show an organisation.
func (v view) organizationSimple(a *account) object {
	url := v.api + "/orgs/" + a.login
	return object{
		"login": a.login, "id": a.id, "node_id": nodeID(kindOrganization, a.id), "url": url,
		"repos_url": url + "/repos", "events_url": url + "/events", "hooks_url": url + "/hooks",
		"issues_url": url + "/issues", "members_url": url + "/members{/member}",
		"public_members_url": url + "/public_members{/member}",
		"avatar_url":         fmt.Sprintf("%s/avatars/u/%d?v=4", v.web, a.id), "description": nil,
	}
}

func (v view) organizationFull(a *account) object {
	repositories := 0
	for _, r := range v.repositories {
		if r.owner == a && !r.private {
			repositories++
		}
	}
	return with(v.organizationSimple(a), object{
		"name": cmp.Or(a.name, a.login), "has_organization_projects": true, "has_repository_projects": true,
		"public_repos": repositories, "public_gists": 0, "followers": 0, "following": 0,
		"html_url": v.web + "/" + a.login, "type": kindOrganization, "is_verified": false,
		"created_at": stamp(a.created), "updated_at": stamp(a.created), "archived_at": nil,
	})
}

func (c *call) getUser() (reply, error) {
	a := c.accountNamed(c.vars["login"])
	if a == nil {
		return reply{}, errNotFound
	}
	return ok(c.profile(a))
}

func (c *call) getUserByID() (reply, error) {
	a := c.accounts[c.number("id")]
	if a == nil || a.deleted {
		return reply{}, errNotFound
	}
	return ok(c.profile(a))
}

func (c *call) getAuthenticatedUser() (reply, error) {
	a := c.auth.account()
	if a == nil {
		return reply{}, errRequiresAuth
	}
	if c.auth.byApp() {
		return reply{}, errIntegration
	}
	return ok(c.profile(a))
}
