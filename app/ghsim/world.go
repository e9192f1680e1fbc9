package ghsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

// The methods of this file set the world up. A world that cannot be (an unknown
// login, a name used twice) is a mistake of the calling program: they panic.

// NewUser describes a user to be made.
type NewUser struct {
	ID        int64 // chosen when 0
	Login     string
	Name      string
	Email     string // as the profile shows it
	Bot       bool
	CreatedAt time.Time // ten years ago when zero
}

// SetEmail makes a user's profile show an address, or none.
func (s *Server) SetEmail(login, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustAccount(login).email = email
}

// AddUser makes a user and returns the id.
func (s *Server) AddUser(u NewUser) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := kindUser
	if u.Bot {
		kind = kindBot
	}
	return s.addAccount(&account{id: u.ID, login: u.Login, name: u.Name, email: u.Email, kind: kind, created: u.CreatedAt}).id
}

// AddUsers makes users of whom only the login matters.
func (s *Server) AddUsers(logins ...string) {
	for _, login := range logins {
		s.AddUser(NewUser{Login: login})
	}
}

func (s *Server) addAccount(a *account) *account {
	if s.accountNamed(a.login) != nil || s.accounts[a.id] != nil {
		panic(fmt.Sprintf("ghsim: there is an account %q (%d) already", a.login, a.id))
	}
	if a.id == 0 {
		a.id = s.id()
	}
	if a.created.IsZero() {
		a.created = s.now().AddDate(-10, 0, 0)
	}
	a.members, a.blocked = map[int64]string{}, map[int64]bool{}
	s.accounts[a.id] = a
	return a
}

// NewOrganization describes an organisation to be made.
type NewOrganization struct {
	ID      int64 // chosen when 0
	Login   string
	Owners  []string
	Members []string
}

// AddOrganization makes an organisation of users that exist.
func (s *Server) AddOrganization(o NewOrganization) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.addAccount(&account{id: o.ID, login: o.Login, kind: kindOrganization})
	for _, login := range o.Members {
		a.members[s.mustAccount(login).id] = "member"
	}
	for _, login := range o.Owners {
		a.members[s.mustAccount(login).id] = "admin"
	}
	return a.id
}

// NewTeam describes a team to be made.
type NewTeam struct {
	Organization string
	Slug         string
	Name         string // the slug when empty
	Members      []string
	Repositories map[string]string // name within the organisation → permission
}

// AddTeam makes a team; its members become members of the organisation.
func (s *Server) AddTeam(n NewTeam) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.mustAccount(n.Organization)
	t := &team{id: s.id(), name: cmp.Or(n.Name, n.Slug), slug: n.Slug, organization: o, created: s.now(),
		members: map[int64]string{}, repositories: map[int64]app.Permission{}}
	for _, login := range n.Members {
		who := s.mustAccount(login)
		t.members[who.id] = "member"
		if o.members[who.id] == "" {
			o.members[who.id] = "member"
		}
	}
	for name, permission := range n.Repositories {
		t.repositories[s.mustFind(o.login+"/"+name).id] = app.ParsePermission(permission)
	}
	o.teams = append(o.teams, t)
	v := s.view()
	s.emit(event{name: "team", action: "created", organization: o, sender: s.ownerOf(o), fields: object{"team": v.team(t)}})
	return t.id
}

// mustTeam finds a team.
func (s *Server) mustTeam(organization, slug string) *team {
	for _, t := range s.mustAccount(organization).teams {
		if t.slug == slug {
			return t
		}
	}
	panic(fmt.Sprintf("ghsim: there is no team %s/%s", organization, slug))
}

// GrantTeam gives a team a permission on a repository of its organisation.
func (s *Server) GrantTeam(organization, slug, repository, permission string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.mustTeam(organization, slug)
	r := s.mustFind(t.organization.login + "/" + repository)
	t.repositories[r.id] = app.ParsePermission(permission)
	s.emit(event{name: "team", action: "added_to_repository", repository: r, sender: s.ownerOf(t.organization),
		fields: object{"team": s.view().team(t)}})
}

// RemoveTeam deletes a team.
func (s *Server) RemoveTeam(organization, slug string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.mustTeam(organization, slug)
	o := t.organization
	o.teams = slices.DeleteFunc(o.teams, func(other *team) bool { return other == t })
	s.emit(event{name: "team", action: "deleted", organization: o, sender: s.ownerOf(o), fields: object{"team": s.view().team(t)}})
}

// NewRepository describes a repository to be made.
type NewRepository struct {
	ID            int64 // chosen when 0
	Owner         string
	Name          string
	Private       bool
	DefaultBranch string            // main when empty
	CreatedAt     time.Time         // a year ago when zero
	Collaborators map[string]string // login → admin, maintain, write, triage or read
	Files         map[string]string // on the default branch, besides README.md
}

// AddRepository makes a repository with a first commit.
func (s *Server) AddRepository(n NewRepository) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := s.mustAccount(n.Owner)
	if r, moved := s.find(owner.login + "/" + n.Name); r != nil && !moved {
		panic("ghsim: there is a repository " + r.fullName() + " already")
	}
	r := s.newRepository(owner, n.Name)
	if n.ID != 0 {
		delete(s.repositories, r.id)
		r.id = n.ID
		s.repositories[r.id] = r
	}
	r.private, r.defaultBranch = n.Private, cmp.Or(n.DefaultBranch, "main")
	r.created = n.CreatedAt.UTC().Truncate(time.Second)
	if n.CreatedAt.IsZero() {
		r.created = s.now().AddDate(-1, 0, 0)
	}
	for login, permission := range n.Collaborators {
		r.collaborators[s.mustAccount(login).id] = app.ParsePermission(permission)
	}
	files := maps.Clone(n.Files)
	if files == nil {
		files = map[string]string{}
	}
	if _, has := files["README.md"]; !has {
		files["README.md"] = "# " + n.Name + "\n"
	}
	by := s.ownerOf(owner)
	r.branches[r.defaultBranch] = s.commit(by, "Initial commit", files).sha
	s.emit(event{name: "repository", action: "created", repository: r, sender: by, fields: object{}})
	for _, i := range s.installations {
		if i.all && i.covers(r) {
			s.repositoriesEvent(i, "added", []*repository{r})
		}
	}
	return r.id
}

func (s *Server) newRepository(owner *account, name string) *repository {
	now := s.now()
	r := &repository{id: s.id(), owner: owner, name: name, defaultBranch: "main", created: now, updated: now, pushed: now,
		collaborators: map[int64]app.Permission{}, branches: map[string]string{}, issues: map[int]*issue{}, required: map[string][]string{}}
	s.repositories[r.id] = r
	return r
}

// ownerOf is the person who stands for an account: the user, or the first owner
// of the organisation.
func (s *Server) ownerOf(a *account) *account {
	if owners := s.people(a.members, func(role string) bool { return role == "admin" }); len(owners) > 0 {
		return owners[0]
	}
	return a
}

// NewApp describes a GitHub App to be registered.
type NewApp struct {
	ID            int64 // chosen when 0
	Slug          string
	Name          string // the slug when empty
	Owner         string // login of the account that owns it; GitHub's own when empty
	WebhookSecret string
	Permissions   map[string]string // DefaultPermissions when nil
	Events        []string          // all that the simulator sends when nil
}

// App is what an App's owner needs to run it.
type App struct {
	ID            int64
	Slug          string
	ClientID      string
	PrivateKey    []byte // PEM
	WebhookSecret string
	Login         string // of its bot user, such as agora[bot]
	BotID         int64
}

// DefaultPermissions are those of an App that works with issues, pull requests
// and checks.
var DefaultPermissions = map[string]string{
	"checks": "write", "contents": "write", "issues": "write", "members": "read", "metadata": "read", "pull_requests": "write",
}

// Events are all events that the simulator sends besides installation and
// installation_repositories, which every App gets.
var Events = []string{
	"check_run", "issue_comment", "issues", "label", "member", "membership", "merge_group", "org_block", "organization",
	"pull_request", "pull_request_review", "push", "repository", "team",
}

// AddApp registers an App.
func (s *Server) AddApp(n NewApp) App {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.Owner == "" {
		n.Owner = "github"
		if s.accountNamed(n.Owner) == nil {
			s.addAccount(&account{login: n.Owner, kind: kindOrganization})
		}
	}
	if n.ID == 0 {
		n.ID = s.id()
	}
	a := &application{id: n.ID, slug: n.Slug, name: cmp.Or(n.Name, n.Slug), clientID: fmt.Sprintf("Iv23li%014d", n.ID),
		owner: s.mustAccount(n.Owner), key: appKey(), secret: n.WebhookSecret, created: s.now(),
		permissions: maps.Clone(n.Permissions), events: slices.Clone(n.Events)}
	if a.permissions == nil {
		a.permissions = maps.Clone(DefaultPermissions)
	}
	if a.events == nil {
		a.events = slices.Clone(Events)
	}
	a.bot = s.addAccount(&account{login: n.Slug + "[bot]", kind: kindBot, created: s.now()})
	s.apps[a.id] = a
	return App{ID: a.id, Slug: a.slug, ClientID: a.clientID, PrivateKey: a.privateKey(), WebhookSecret: a.secret, Login: a.bot.login, BotID: a.bot.id}
}

// RequireChecks makes checks a condition for merging into a branch.
func (s *Server) RequireChecks(repo, branch string, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustFind(repo).required[branch] = names
}

// SetConflict says whether a pull request conflicts with its base.
func (s *Server) SetConflict(repo string, number int, conflict bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustFind(repo).issues[number].pull.conflict = conflict
}

// RenameUser changes a login; the id stays.
func (s *Server) RenameUser(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustAccount(from).login = to
}

// DeleteUser deletes an account; what it wrote stays, by nobody (null), and its
// permissions go.
func (s *Server) DeleteUser(login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustAccount(login).deleted = true
}

// AddMember makes somebody a member ("member") or an owner ("admin") of an
// organisation.
func (s *Server) AddMember(organization, login, role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, who := s.mustAccount(organization), s.mustAccount(login)
	before := o.members[who.id]
	o.members[who.id] = role
	if before == "" {
		s.organizationEvent("member_added", o, who)
	}
}

// RemoveMember takes somebody out of an organisation and its teams.
func (s *Server) RemoveMember(organization, login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, who := s.mustAccount(organization), s.mustAccount(login)
	for _, t := range o.teams {
		delete(t.members, who.id)
	}
	s.organizationEvent("member_removed", o, who)
	delete(o.members, who.id)
}

func (s *Server) organizationEvent(action string, o, who *account) {
	membership := s.view().membership(o, who)
	delete(membership, "organization")
	s.emit(event{name: "organization", action: action, organization: o, sender: s.ownerOf(o), fields: object{"membership": membership}})
}

// TransferRepository gives a repository to another account.
func (s *Server) TransferRepository(repo, newOwner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.mustFind(repo)
	before := r.owner
	s.formerNames[strings.ToLower(r.fullName())] = r.id
	r.owner = s.mustAccount(newOwner)
	delete(s.formerNames, strings.ToLower(r.fullName()))
	from := object{"user": s.view().simpleUser(before)}
	if before.kind == kindOrganization {
		from = object{"organization": s.view().organizationSimple(before)}
	}
	s.emit(event{name: "repository", action: "transferred", repository: r, sender: s.ownerOf(r.owner),
		fields: object{"changes": object{"owner": object{"from": from}}}})
}
