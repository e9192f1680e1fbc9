package ghclient_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghclient"
)

func TestTheAppKnowsItself(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	g := s.github(unbounded)
	for range 3 {
		got, err := g.App(ctx)
		must(t, err)
		if want := (ghclient.AppIdentity{ID: appID, Slug: "agora-test", BotLogin: "agora-test[bot]"}); got != want {
			t.Errorf("is %+v", got)
		}
	}
	if n := s.count("GET /app"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestInstallations(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	org := map[string]any{"id": 1, "login": "acme", "type": "Organization"}
	s.reply("GET /app/installations", 200, []any{
		map[string]any{"id": 5, "account": org},
		map[string]any{"id": 6, "account": user(2, "kim"), "suspended_at": "2026-09-01T10:00:00Z"},
	})
	s.reply("GET /app/installations/5", 200, map[string]any{"id": 5, "account": org})
	s.reply("GET /installation/repositories", 200, map[string]any{"total_count": 1, "repositories": []any{
		map[string]any{"id": 9, "name": "app", "owner": org, "private": true, "archived": true, "default_branch": "main", "created_at": "2026-09-01T10:00:00Z"},
	}})
	g := s.github(unbounded)
	acmes := ghclient.Installation{ID: 5, Account: acme().Owner}
	all, err := g.Installations(ctx)
	must(t, err)
	if diff := cmp.Diff([]ghclient.Installation{acmes, {ID: 6, Account: app.Account{ID: 2, Login: "kim"}, Suspended: true}}, all); diff != "" {
		t.Error(diff)
	}
	one, err := g.Installation(ctx, 5)
	must(t, err)
	if one != acmes {
		t.Errorf("read %+v", one)
	}
	s.reply("GET /repos/acme/app/installation", 200, map[string]any{"id": 5, "account": org})
	if found, err := g.InstallationOf(ctx, "acme", "app"); err != nil || found != acmes {
		t.Errorf("found %+v, %v", found, err)
	}
	_, err = g.InstallationOf(ctx, "acme", "../..")
	wantCode(t, err, app.CodeNotFound)
	_, err = g.Installation(ctx, 7)
	wantCode(t, err, app.CodeNotFound)
	repositories, err := g.InstallationRepositories(ctx, 5)
	must(t, err)
	want := acme()
	want.Private, want.Archived, want.DefaultBranch, want.CreatedAt = true, true, "main", time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	if diff := cmp.Diff([]app.Repository{want}, repositories); diff != "" {
		t.Error(diff)
	}
}

func TestHookDeliveriesAreReadBackToAnInstant(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.HandleFunc("GET /app/hook/deliveries", func(w http.ResponseWriter, r *http.Request) {
		delivery := func(id int, at string, status int) map[string]any {
			return map[string]any{"id": id, "guid": "g", "delivered_at": at, "status_code": status, "event": "issues", "action": "opened", "installation_id": 5, "repository_id": 9}
		}
		if r.URL.Query().Get("cursor") == "" {
			w.Header().Set("Link", `<http://`+r.Host+`/app/hook/deliveries?cursor=v1_2>; rel="next"`)
			answer(w, []any{delivery(4, "2026-09-04T00:00:00Z", 200), delivery(3, "2026-09-03T00:00:00Z", 0)})
			return
		}
		w.Header().Set("Link", `<http://`+r.Host+`/app/hook/deliveries?cursor=v1_3>; rel="next"`)
		answer(w, []any{delivery(2, "2026-09-02T00:00:00Z", 500), delivery(1, "2026-09-01T00:00:00Z", 200)})
	})
	s.HandleFunc("POST /app/hook/deliveries/3/attempts", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		answer(w, map[string]any{})
	})
	g := s.github(unbounded)
	var found []app.HookDelivery
	must(t, g.HookDeliveries(ctx, time.Date(2026, 9, 2, 0, 0, 0, 0, time.UTC), func(page []app.HookDelivery) (bool, error) {
		found = append(found, page...)
		return true, nil
	}))
	if len(found) != 3 || found[0].StatusCode/100 != 2 || found[1].StatusCode/100 == 2 || found[2].ID != 2 || found[2].Installation != 5 || found[2].Repository != 9 {
		t.Errorf("found %+v", found)
	}
	must(t, g.Redeliver(ctx, 3))
	wantCode(t, g.Redeliver(ctx, 9), app.CodeNotFound)
}

// Asked for on the way to a comment, an App that is not found must not read as if the
// comment were not there.
func TestAnAppThatIsNotFoundIsNothingElseThatIsNotFound(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET 127.0.0.1/app", http.StatusNotFound, nil) // a host makes it the more precise route
	_, err := s.github(unbounded).App(ctx)
	if !app.Is(err, app.CodeUnavailable) {
		t.Errorf("%v, want it to be unavailable", err)
	}
}
