package ghclient_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
)

func TestPermissionTakesTheMostExactWord(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   app.Permission
		code   string
	}{
		"maintain is called write":    {200, `{"permission":"write","role_name":"maintain","user":{"permissions":{"admin":false,"maintain":true,"push":true,"triage":true,"pull":true}}}`, app.PermissionMaintain, ""},
		"triage is called read":       {200, `{"permission":"read","role_name":"triage","user":{"permissions":{"admin":false,"maintain":false,"push":false,"triage":true,"pull":true}}}`, app.PermissionTriage, ""},
		"a custom role":               {200, `{"permission":"write","role_name":"security lead","user":{"permissions":{"push":true,"triage":true,"pull":true}}}`, app.PermissionWrite, ""},
		"no map":                      {200, `{"permission":"write","role_name":"maintain","user":{"login":"kim"}}`, app.PermissionMaintain, ""},
		"no map and no known role":    {200, `{"permission":"admin","role_name":"chief","user":null}`, app.PermissionAdmin, ""},
		"a map that grants nothing":   {200, `{"permission":"read","role_name":"read","user":{"permissions":{"admin":false,"pull":false}}}`, app.PermissionNone, ""},
		"an answer that says nothing": {200, `{}`, app.PermissionNone, ""},
		"not found":                   {404, `{"message":"Not Found"}`, app.PermissionNone, ""},
		"broken":                      {500, `{}`, app.PermissionNone, app.CodeUnavailable},
		"refused":                     {403, `{}`, app.PermissionNone, app.CodeForbidden},
		"gone":                        {410, `{}`, app.PermissionNone, app.CodeGone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.HandleFunc("GET /repos/acme/app/collaborators/kim/permission", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			})
			got, err := s.repo().Permission(ctx, "kim")
			wantCode(t, err, test.code)
			if got != test.want {
				t.Errorf("permission %v, want %v", got, test.want)
			}
		})
	}
}

func TestPermissionIsAskedEveryTime(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.HandleFunc("GET /repos/acme/app/collaborators/kim/permission", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			t.Error("asked conditionally")
		}
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Cache-Control", "private, max-age=60")
		answer(w, map[string]string{"permission": "admin"})
	})
	repo := s.repo()
	for range 3 {
		_, err := repo.Permission(ctx, "kim")
		must(t, err)
	}
	if n := s.count("GET /repos/acme/app/collaborators/kim/permission"); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
}

func TestAPermissionIsThePersonsAndNotTheLogins(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	grant := func(id int64, login, permission string) {
		s.reply("GET /repos/acme/app/collaborators/"+login+"/permission", 200, map[string]any{
			"permission": permission, "role_name": permission,
			"user": map[string]any{"id": id, "login": login},
		})
	}
	grant(2, "kim", "admin") // somebody new took the login
	grant(1, "kim-renamed", "read")
	s.reply("GET /user/1", 200, user(1, "kim-renamed"))
	repo := s.repo()
	for who, want := range map[app.User]app.Permission{
		{ID: 1, Login: "kim"}: app.PermissionRead,
		{ID: 2, Login: "kim"}: app.PermissionAdmin,
		{ID: 3, Login: "kim"}: app.PermissionNone, // deleted: no such user any more
	} {
		got, err := repo.PermissionOf(ctx, who)
		must(t, err)
		if got != want {
			t.Errorf("user %d has %v, want %v", who.ID, got, want)
		}
	}
}

func TestCollaboratorsAreReadWhole(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.HandleFunc("GET /repos/acme/app/collaborators", func(w http.ResponseWriter, r *http.Request) {
		person := map[string]any{"id": 1, "login": "kim", "type": "User", "role_name": "write", "permissions": map[string]bool{"admin": false, "maintain": true, "push": true, "pull": true}}
		if r.URL.Query().Get("page") == "2" {
			person = map[string]any{"id": 2, "login": "lee", "type": "User", "role_name": "triage"}
		} else {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s/x?page=2>; rel="next", <http://%s/x?page=2>; rel="last"`, r.Host, r.Host))
		}
		answer(w, []any{person})
	})
	got, err := s.repo().Collaborators(ctx)
	must(t, err)
	want := []app.CollaboratorPermission{
		{User: app.User{ID: 1, Login: "kim"}, Permission: app.PermissionMaintain},
		{User: app.User{ID: 2, Login: "lee"}, Permission: app.PermissionTriage},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMemberships(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	owner := func(login string, status int, state, role string) {
		s.reply("GET /orgs/acme/memberships/"+login, status, map[string]any{"state": state, "role": role})
		s.reply("GET /orgs/acme/teams/stewards/memberships/"+login, status, map[string]any{"state": state, "role": role})
	}
	owner("owner", 200, "active", "admin")
	owner("member", 200, "active", "member")
	owner("invited", 200, "pending", "admin")
	owner("stranger", 404, "", "")
	owner("hidden", 403, "", "")
	repo := s.repo()
	for login, want := range map[string]struct {
		owner, member bool
		code          string
	}{
		"owner": {true, true, ""}, "member": {false, true, ""}, "invited": {false, false, ""},
		"stranger": {false, false, ""}, "hidden": {false, false, app.CodeForbidden},
	} {
		isOwner, err := repo.IsOrgOwner(ctx, "acme", login)
		wantCode(t, err, want.code)
		isMember, err := repo.IsTeamMember(ctx, "acme", "stewards", login)
		wantCode(t, err, want.code)
		if isOwner != want.owner || isMember != want.member {
			t.Errorf("%s: owner %v, member %v", login, isOwner, isMember)
		}
	}
	s.reply("GET /orgs/acme/teams/stewards/members", 200, []any{user(1, "kim"), user(2, "lee")})
	members, err := repo.TeamMembers(ctx, "acme", "stewards")
	must(t, err)
	if len(members) != 2 || members[1].ID != 2 {
		t.Errorf("members %+v", members)
	}
}

func TestUserShowsTheAccountsAge(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET /users/kim", 200, map[string]any{"id": 1, "login": "kim", "name": "Kim", "type": "User", "email": "kim@example.org", "created_at": "2020-02-03T04:05:06Z"})
	repo := s.repo()
	kim, err := repo.User(ctx, "kim")
	must(t, err)
	if kim.CreatedAt.Year() != 2020 || kim.Name != "Kim" {
		t.Errorf("read %+v", kim)
	}
	stored, err := json.Marshal(kim)
	must(t, err)
	if kim.Email != "kim@example.org" || strings.Contains(string(stored), "example.org") {
		t.Errorf("the address is %q, and is kept in %s", kim.Email, stored)
	}
	_, err = repo.User(ctx, "nobody")
	wantCode(t, err, app.CodeNotFound)
}
