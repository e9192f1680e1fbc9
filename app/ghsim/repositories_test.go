package ghsim_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app/ghsim"
)

func TestPermissionsAddUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.AddTeam(ghsim.NewTeam{Organization: "acme", Slug: "writers", Members: []string{"carol"}, Repositories: map[string]string{"widgets": "write", "secret": "triage"}})
	for _, c := range []struct{ repo, login, permission, role string }{
		{"widgets", "maya", "admin", "admin"},
		{"widgets", "alice", "write", "maintain"},
		{"widgets", "bob", "read", "triage"},
		{"widgets", "carol", "write", "write"},
		{"widgets", "dave", "read", "read"},
		{"secret", "maya", "admin", "admin"},
		{"secret", "alice", "read", "read"},
		{"secret", "carol", "read", "triage"},
		{"secret", "dave", "none", "none"},
		{"secret", "BOB", "none", "none"},
	} {
		got, _, err := w.client.Repositories.GetPermissionLevel(ctx, "acme", c.repo, c.login)
		check(t, err)
		if got.GetPermission() != c.permission || got.GetUser().GetPermissions()["maintain"] != (c.role == "maintain" || c.role == "admin") {
			t.Errorf("%s on %s: %v", c.login, c.repo, got)
		}
		if _, _, body := w.raw(t, "GET", "repos/acme/"+c.repo+"/collaborators/"+c.login+"/permission", w.token(t, nil), nil); !strings.Contains(body, `"role_name":"`+c.role+`"`) {
			t.Errorf("%s on %s: no role %s in %s", c.login, c.repo, c.role, body)
		}
	}
	if _, res, _ := w.client.Repositories.GetPermissionLevel(ctx, "acme", "widgets", "nobody"); status(res) != 404 {
		t.Error("somebody unknown has a permission")
	}
	list, _, err := w.client.Repositories.ListCollaborators(ctx, "acme", "widgets", &github.ListCollaboratorsOptions{Permission: "maintain"})
	check(t, err)
	if len(list) != 2 || list[0].GetLogin() != "maya" || list[1].GetLogin() != "alice" {
		t.Errorf("who may maintain: %v", list)
	}
	outside, _, err := w.client.Repositories.ListCollaborators(ctx, "acme", "widgets", &github.ListCollaboratorsOptions{Affiliation: "outside"})
	check(t, err)
	if len(outside) != 1 || outside[0].GetLogin() != "bob" {
		t.Errorf("outside collaborators: %v", outside)
	}
}

func TestARenamedRepositoryRedirectsFromItsOldName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Here", "")).Number
	check(t, w.As("maya").RenameRepository(repo, "gizmos"))
	got, _, err := w.client.Issues.Get(ctx, "acme", "widgets", i)
	check(t, err)
	if !strings.HasSuffix(got.GetRepositoryURL(), "acme/gizmos") {
		t.Errorf("the issue is in %s", got.GetRepositoryURL())
	}
	code, header, _ := w.raw(t, "GET", "repos/acme/widgets/issues?state=all", w.token(t, nil), nil)
	if code != http.StatusMovedPermanently || !strings.HasSuffix(header.Get("Location"), "/issues?state=all") {
		t.Errorf("%d to %s", code, header.Get("Location"))
	}
	_, _, err = w.client.Issues.CreateComment(ctx, "acme", "widgets", i, &github.IssueComment{Body: github.String("follows")})
	check(t, err)
	w.idle(t)
	for _, h := range w.hooks.take() {
		if e, is := h.event.(*github.RepositoryEvent); is && (e.GetAction() != "renamed" || e.GetChanges().GetRepo().GetName().GetFrom() != "widgets") {
			t.Errorf("the event says %s", h.payload)
		}
	}
	r, _, err := w.client.Repositories.Get(ctx, "acme", "gizmos")
	check(t, err)
	same, _, err := w.client.Repositories.GetByID(ctx, r.GetID())
	check(t, err)
	if same.GetFullName() != "acme/gizmos" {
		t.Errorf("by its id the repository is %s", same.GetFullName())
	}
	w.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "widgets"})
	if r, _, err := w.client.Repositories.Get(ctx, "acme", "widgets"); err != nil || r.GetFullName() != repo {
		t.Errorf("a new repository under the old name: %v %v", r, err)
	}
}

func TestContentsAreReadAtARef(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	before := w.HeadSHA(repo, "")
	w.As("maya").PutFile(repo, ".github/agora.yml", "version: 2\n")
	for ref, want := range map[string]string{"": "version: 2\n", "main": "version: 2\n", before: "version: 1\n"} {
		f, _, _, err := w.client.Repositories.GetContents(ctx, "acme", "widgets", ".github/agora.yml", &github.RepositoryContentGetOptions{Ref: ref})
		check(t, err)
		if text, err := f.GetContent(); err != nil || text != want {
			t.Errorf("at %q: %q %v", ref, text, err)
		}
	}
	_, dir, _, err := w.client.Repositories.GetContents(ctx, "acme", "widgets", "", nil)
	check(t, err)
	if len(dir) != 3 || dir[0].GetType() != "dir" || dir[1].GetName() != "README.md" {
		t.Errorf("the root: %v", dir)
	}
	if _, _, body := w.raw(t, "GET", "repos/acme/widgets/contents/docs/a.md", w.token(t, nil), map[string]string{"Accept": "application/vnd.github.raw+json"}); body != "a\n" {
		t.Errorf("raw: %q", body)
	}
	w.As("maya").PutFile(repo, "huge.yml", strings.Repeat("# huge\n", 200_000))
	huge, _, _, err := w.client.Repositories.GetContents(ctx, "acme", "widgets", "huge.yml", nil)
	check(t, err)
	if huge.GetEncoding() != "none" || huge.GetSize() != 1_400_000 {
		t.Errorf("a file over 1 MB: %s, %d bytes", huge.GetEncoding(), huge.GetSize())
	}
	if _, _, res, _ := w.client.Repositories.GetContents(ctx, "acme", "widgets", "none.md", nil); status(res) != 404 {
		t.Error("a missing file was found")
	}
	w.idle(t)
	for _, h := range w.hooks.take()[:1] {
		if e, is := h.event.(*github.PushEvent); is && (e.GetRef() != "refs/heads/main" || e.GetBefore() != before || e.Commits[0].Modified[0] != ".github/agora.yml") {
			t.Errorf("the push says %s", h.payload)
		}
	}
}

func TestAnInstallationOnSelectedRepositoriesHearsOfThoseAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.RevokeRepositories(w.installation, "secret")
	must[ghsim.Issue](t)(w.As("maya").OpenIssue("acme/secret", "Unheard", ""))
	must[ghsim.Issue](t)(w.As("maya").OpenIssue(repo, "Heard", ""))
	w.idle(t)
	got := w.hooks.take()
	if len(got) != 2 {
		t.Fatalf("%d webhooks, want the removal and one issue", len(got))
	}
	if e, is := got[0].event.(*github.InstallationRepositoriesEvent); !is || e.GetAction() != "removed" || e.RepositoriesRemoved[0].GetName() != "secret" {
		t.Errorf("first came %T", got[0].event)
	}
	list, _, err := w.client.Apps.ListRepos(context.Background(), nil)
	check(t, err)
	if list.GetTotalCount() != 1 || list.Repositories[0].GetFullName() != repo {
		t.Errorf("repositories: %v", list)
	}
}
