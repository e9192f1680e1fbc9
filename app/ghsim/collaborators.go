package ghsim

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/agora-rfc/agora/app"
)

// permissions is the map of what a permission includes, in GitHub's old words.
func permissions(p app.Permission) object {
	return object{
		"pull": p >= app.PermissionRead, "triage": p >= app.PermissionTriage, "push": p >= app.PermissionWrite,
		"maintain": p >= app.PermissionMaintain, "admin": p >= app.PermissionAdmin,
	}
}

func (v view) collaborator(r *repository, who *account) object {
	p := v.permission(r, who)
	return with(v.simpleUser(who), object{"permissions": permissions(p), "role_name": p.String()})
}

// collaboratorAccounts lists who has more than what everybody has. Outside
// collaborators are invited people who are no members of the organisation.
func (s *Server) collaboratorAccounts(r *repository, affiliation string) []*account {
	ids := map[int64]bool{}
	for id, p := range r.collaborators {
		if p > app.PermissionNone && (affiliation != "outside" || r.owner.members[id] == "") {
			ids[id] = true
		}
	}
	if affiliation != "outside" {
		if r.owner.kind == kindUser {
			ids[r.owner.id] = true
		}
		for _, t := range r.owner.teams {
			for id := range t.members {
				if t.repositories[r.id] > app.PermissionNone {
					ids[id] = true
				}
			}
		}
	}
	if affiliation == "" || affiliation == "all" {
		for id := range r.owner.members {
			ids[id] = true
		}
	}
	var out []*account
	for id := range ids {
		if a := s.accounts[id]; a != nil && !a.deleted {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *account) int { return cmp.Compare(a.id, b.id) })
	return out
}

func (c *call) listCollaborators() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionWrite); err != nil {
		return reply{}, err
	}
	all := c.collaboratorAccounts(r, c.query("affiliation"))
	if wanted := c.query("permission"); wanted != "" {
		least := app.ParsePermission(wanted)
		all = slices.DeleteFunc(all, func(a *account) bool { return c.permission(r, a) < least })
	}
	return ok(render(page(c, all), func(a *account) object { return c.collaborator(r, a) }))
}

// getPermission answers for anybody with an account: a stranger may read what is
// public, and has none in a private repository.
func (c *call) getPermission() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	who := c.accountNamed(c.vars["login"])
	if who == nil || who.kind == kindOrganization {
		return reply{}, &problem{status: http.StatusNotFound, message: c.vars["login"] + " is not a user"}
	}
	p := c.permission(r, who)
	return ok(object{"permission": oldPermission(p), "role_name": p.String(), "user": c.collaborator(r, who)})
}

// oldPermission is the permission in words that know neither maintain nor triage.
func oldPermission(p app.Permission) string {
	switch p {
	case app.PermissionMaintain:
		return "write"
	case app.PermissionTriage:
		return "read"
	}
	return p.String()
}

func (c *call) getCollaborator() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	who := c.accountNamed(c.vars["login"])
	if who == nil || !slices.Contains(c.collaboratorAccounts(r, "all"), who) {
		return reply{}, errNotFound
	}
	return noContent()
}

// putCollaborator gives a person a permission. GitHub would invite strangers
// first; here they accept at once, with the same member event.
func (c *call) putCollaborator() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionAdmin); err != nil {
		return reply{}, err
	}
	who := c.accountNamed(c.vars["login"])
	if who == nil {
		return reply{}, errNotFound
	}
	in := struct{ Permission string }{Permission: "push"}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	given := app.ParsePermission(in.Permission)
	if given == app.PermissionNone {
		return reply{}, invalid("Repository", "permission", "invalid")
	}
	before := r.collaborators[who.id]
	r.collaborators[who.id] = given
	switch {
	case before == app.PermissionNone:
		c.memberEvent("added", r, who, object{"permission": object{"to": oldPermission(given)}, "role_name": object{"to": given.String()}})
	case before != given:
		c.memberEvent("edited", r, who, object{"permission": object{"from": oldPermission(before), "to": oldPermission(given)}})
	}
	return noContent()
}

func (c *call) deleteCollaborator() (reply, error) {
	r, err := c.repository()
	if err != nil {
		return reply{}, err
	}
	if err := c.require(r, app.PermissionAdmin); err != nil {
		return reply{}, err
	}
	who := c.accountNamed(c.vars["login"])
	if who == nil {
		return reply{}, errNotFound
	}
	if r.collaborators[who.id] > app.PermissionNone {
		delete(r.collaborators, who.id)
		c.memberEvent("removed", r, who, nil)
	}
	return noContent()
}

func (c *call) memberEvent(action string, r *repository, who *account, changes object) {
	fields := object{"member": c.Server.view().simpleUser(who)}
	if changes != nil {
		fields["changes"] = changes
	}
	c.emit(event{name: "member", action: action, repository: r, sender: c.auth.account(), fields: fields})
}
