package ghsim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

// team is a team of an organisation.
type team struct {
	id           int64
	name         string
	slug         string
	organization *account
	members      map[int64]string // "member" or "maintainer"
	repositories map[int64]app.Permission
	created      time.Time
}

func (v view) team(t *team) object {
	url := v.api + "/organizations/" + itoa(t.organization.id) + "/team/" + itoa(t.id)
	return object{
		"id": t.id, "node_id": nodeID("Team", t.id), "name": t.name, "slug": t.slug, "description": nil,
		"privacy": "closed", "notification_setting": "notifications_enabled", "permission": "pull",
		"type": "organization", "organization_id": t.organization.id,
		"url": url, "html_url": v.web + "/orgs/" + t.organization.login + "/teams/" + t.slug,
		"members_url": url + "/members{/member}", "repositories_url": url + "/repos", "parent": nil,
	}
}

func (v view) teamFull(t *team) object {
	return with(v.team(t), object{
		"members_count": len(t.members), "repos_count": len(t.repositories),
		"created_at": stamp(t.created), "updated_at": stamp(t.created),
		"organization": v.organizationFull(t.organization),
	})
}

// organization finds {org}; an installation elsewhere sees nothing of its inside.
func (c *call) organization() (*account, error) {
	o := c.accountNamed(c.vars["org"])
	if o == nil || o.kind != kindOrganization {
		return nil, errNotFound
	}
	return o, nil
}

// insider also asks that the caller belongs to the organisation.
func (c *call) insider() (*account, error) {
	o, err := c.organization()
	if err != nil {
		return nil, err
	}
	t := c.auth.token
	switch {
	case t == nil:
		return nil, errRequiresAuth
	case t.installation != nil && t.installation.account != o:
		return nil, errIntegration
	case t.installation == nil && o.members[t.user.id] == "":
		return nil, forbidden("You must be a member of " + o.login + ".")
	}
	return o, nil
}

func (c *call) getOrganization() (reply, error) {
	o, err := c.organization()
	if err != nil {
		return reply{}, err
	}
	return ok(c.organizationFull(o))
}

// people turns a set of ids into accounts, in the order of their ids.
func (s *Server) people(ids map[int64]string, wanted func(role string) bool) []*account {
	var out []*account
	for id, role := range ids {
		if a := s.accounts[id]; a != nil && !a.deleted && wanted(role) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *account) int { return int(a.id - b.id) })
	return out
}

func (c *call) listMembers() (reply, error) {
	o, err := c.insider()
	if err != nil {
		return reply{}, err
	}
	role := c.query("role")
	all := c.people(o.members, func(r string) bool { return role == "" || role == "all" || r == role })
	return ok(render(page(c, all), c.simpleUser))
}

func (v view) membership(o, member *account) object {
	return object{
		"url": v.api + "/orgs/" + o.login + "/memberships/" + member.login, "state": "active", "role": o.members[member.id],
		"organization_url": v.api + "/orgs/" + o.login, "organization": v.organizationSimple(o),
		"user": v.simpleUser(member), "direct_membership": true,
	}
}

func (c *call) getMembership() (reply, error) {
	o, err := c.insider()
	if err != nil {
		return reply{}, err
	}
	member := c.accountNamed(c.vars["login"])
	if member == nil || o.members[member.id] == "" {
		return reply{}, errNotFound
	}
	return ok(c.membership(o, member))
}

// teamNamed finds {team} of {org}.
func (c *call) teamNamed() (*team, error) {
	o, err := c.insider()
	if err != nil {
		return nil, err
	}
	for _, t := range o.teams {
		if strings.EqualFold(t.slug, c.vars["team"]) {
			return t, nil
		}
	}
	return nil, errNotFound
}

func (c *call) listTeams() (reply, error) {
	o, err := c.insider()
	if err != nil {
		return reply{}, err
	}
	return ok(render(page(c, o.teams), c.team))
}

func (c *call) getTeam() (reply, error) {
	t, err := c.teamNamed()
	if err != nil {
		return reply{}, err
	}
	return ok(c.teamFull(t))
}

func (c *call) listTeamMembers() (reply, error) {
	t, err := c.teamNamed()
	if err != nil {
		return reply{}, err
	}
	role := c.query("role")
	all := c.people(t.members, func(r string) bool { return role == "" || role == "all" || r == role })
	return ok(render(page(c, all), c.simpleUser))
}

func (c *call) getTeamMembership() (reply, error) {
	t, err := c.teamNamed()
	if err != nil {
		return reply{}, err
	}
	member := c.accountNamed(c.vars["login"])
	if member == nil || t.members[member.id] == "" {
		return reply{}, errNotFound
	}
	return ok(c.teamMembership(t, member))
}

func (v view) teamMembership(t *team, member *account) object {
	return object{"role": t.members[member.id], "state": "active",
		"url": v.api + "/organizations/" + itoa(t.organization.id) + "/team/" + itoa(t.id) + "/memberships/" + member.login}
}

// putTeamMembership adds a person to a team; an owner of the organisation may.
func (c *call) putTeamMembership() (reply, error) {
	t, member, err := c.teamAndPerson()
	if err != nil {
		return reply{}, err
	}
	in := struct{ Role string }{Role: "member"}
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	before := t.members[member.id]
	t.members[member.id] = in.Role
	if before == "" {
		c.membershipEvent("added", t, member)
	}
	return ok(c.teamMembership(t, member))
}

func (c *call) deleteTeamMembership() (reply, error) {
	t, member, err := c.teamAndPerson()
	if err != nil {
		return reply{}, err
	}
	if t.members[member.id] == "" {
		return reply{}, errNotFound
	}
	delete(t.members, member.id)
	c.membershipEvent("removed", t, member)
	return noContent()
}

func (c *call) teamAndPerson() (*team, *account, error) {
	t, err := c.teamNamed()
	if err != nil {
		return nil, nil, err
	}
	if t.organization.members[c.auth.account().id] != "admin" {
		return nil, nil, forbidden("You must be an owner of " + t.organization.login + ".")
	}
	member := c.accountNamed(c.vars["login"])
	if member == nil {
		return nil, nil, errNotFound
	}
	return t, member, nil
}

func (c *call) membershipEvent(action string, t *team, member *account) {
	v := c.view.Server.view()
	c.emit(event{name: "membership", action: action, organization: t.organization, sender: c.auth.account(), fields: object{
		"scope": "team", "member": v.simpleUser(member), "team": v.team(t)}})
}

// putBlock blocks a person in the organisation.
func (c *call) putBlock() (reply, error) {
	return c.block(true)
}

func (c *call) deleteBlock() (reply, error) {
	return c.block(false)
}

func (c *call) block(blocked bool) (reply, error) {
	o, err := c.insider()
	if err != nil {
		return reply{}, err
	}
	if o.members[c.auth.account().id] != "admin" {
		return reply{}, forbidden("You must be an owner of " + o.login + ".")
	}
	person := c.accountNamed(c.vars["login"])
	if person == nil {
		return reply{}, errNotFound
	}
	if o.members[person.id] != "" {
		return reply{}, unprocessable("You cannot block a member of the organization")
	}
	action := "blocked"
	if !blocked {
		action = "unblocked"
	}
	o.blocked[person.id] = blocked
	c.emit(event{name: "org_block", action: action, organization: o, sender: c.auth.account(),
		fields: object{"blocked_user": c.Server.view().simpleUser(person)}})
	return reply{status: http.StatusNoContent}, nil
}
