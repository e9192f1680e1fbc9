package ghclient_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghclient"
)

func TestATokenServesManyRequests(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET /repos/acme/app/issues/8", 200, map[string]any{"number": 8})
	g := s.github(unbounded)
	for range 5 {
		_, err := g.Repo(acme()).Issue(ctx, 8)
		must(t, err)
	}
	if n := s.count("POST /app/installations/5/access_tokens"); n != 1 {
		t.Errorf("%d tokens for one installation", n)
	}
}

func TestARejectedTokenIsDroppedAndTheRequestRepeatedOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	valid := "token secret-2"
	s.HandleFunc("POST /repos/acme/app/issues/7/comments", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != valid {
			w.WriteHeader(http.StatusUnauthorized)
			answer(w, map[string]string{"message": "Bad credentials"})
			return
		}
		w.WriteHeader(http.StatusCreated)
		answer(w, map[string]any{"id": 1, "body": "hello", "user": user(3, "kim")})
	})
	repo := s.repo()
	made, err := repo.CreateComment(ctx, 7, "hello")
	must(t, err)
	if made.Body != "hello" || made.ByApp != appID || s.token() != valid {
		t.Errorf("made %+v with %s", made, s.token())
	}
	// A token refused again and again is an error, not a loop.
	s.reply("GET /repos/acme/app/issues/9", 401, map[string]string{"message": "Bad credentials"})
	_, err = repo.Issue(ctx, 9)
	wantCode(t, err, app.CodeForbidden)
	if n := s.count("GET /repos/acme/app/issues/9"); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestARenamedRepositoryIsFollowed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.HandleFunc("GET /repos/acme/app/issues/7", redirect(http.StatusMovedPermanently, "/repositories/9/issues/7"))
	s.reply("GET /repositories/9/issues/7", 200, map[string]any{"number": 7, "title": "Still here"})
	s.HandleFunc("POST /repos/acme/app/issues/7/comments", redirect(http.StatusTemporaryRedirect, "/repositories/9/issues/7/comments"))
	s.reply("GET /repositories/9", 200, map[string]any{"id": 9, "name": "renamed", "owner": user(1, "acme")})
	s.reply("POST /repos/acme/renamed/issues/7/comments", 201, map[string]any{"id": 1, "user": user(3, "kim")})
	repo := s.repo()
	issue, err := repo.Issue(ctx, 7)
	must(t, err)
	if issue.Title != "Still here" || issue.Ref != (app.IssueRef{Repository: 9, Number: 7}) {
		t.Errorf("read %+v", issue)
	}
	_, err = repo.CreateComment(ctx, 7, "hello")
	must(t, err)
	if n := s.count("POST /repositories/9/issues/7/comments"); n != 0 {
		t.Error("a write was redirected")
	}
	if repo.String() != "acme/renamed" {
		t.Errorf("the new name was not kept: %s", repo)
	}
}

// Anybody reads what is public: that it can be read says nothing of whose it is.
func TestARepositoryIsNotFollowedToAnotherOwner(t *testing.T) {
	t.Parallel()
	for name, location := range map[string]string{"by id": "/repositories/9", "by name": "/repos/globex/app"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.HandleFunc("GET /repos/acme/app/issues/7", redirect(http.StatusMovedPermanently, location+"/issues/7"))
			s.reply("GET "+location+"/issues/7", 200, map[string]any{"number": 7})
			s.HandleFunc("GET /repos/acme/app/issues", redirect(http.StatusMovedPermanently, location+"/issues"))
			s.reply("GET "+location+"/issues", 200, []map[string]any{})
			s.HandleFunc("POST /repos/acme/app/issues/7/comments", redirect(http.StatusTemporaryRedirect, location+"/issues/7/comments"))
			s.HandleFunc("GET /repos/acme/app", redirect(http.StatusMovedPermanently, "/repositories/9"))
			s.reply("GET /repositories/9", 200, map[string]any{"id": 9, "name": "app", "owner": user(2, "globex")})
			_, err := s.repo().Issue(ctx, 7)
			wantCode(t, err, app.CodeUninstalled)
			_, err = s.repo().IssuesSince(ctx, time.Time{})
			wantCode(t, err, app.CodeUninstalled)
			_, err = s.repo().CreateComment(ctx, 7, "hello")
			wantCode(t, err, app.CodeUninstalled)
			if wait, told := app.RetryDelay(err); !told || wait < time.Hour {
				t.Errorf("asked again in %s", wait)
			}
			repository, err := s.repo().Repository(ctx) // this is how it is found out
			must(t, err)
			if repository.FullName() != "globex/app" {
				t.Errorf("read %+v", repository)
			}
		})
	}
}

func TestATransferredIssueIsNotTakenForAnothersOwn(t *testing.T) {
	t.Parallel()
	for name, location := range map[string]string{
		"another repository": "/repositories/10/issues/7",
		"another number":     "/repositories/9/issues/8",
		"a name":             "/repos/other/app/issues/7",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.HandleFunc("GET /repos/acme/app/issues/7", redirect(http.StatusMovedPermanently, location))
			s.reply("GET "+location, 200, map[string]any{"number": 7})
			s.reply("GET /repositories/9", 200, map[string]any{"id": 9, "name": "app", "owner": user(1, "acme")})
			_, err := s.repo().Issue(ctx, 7)
			wantCode(t, err, app.CodeGone)
		})
	}
}

func TestATokenNeverLeavesTheAPIsHost(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere, with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	s := newServer(t)
	s.HandleFunc("GET /repos/acme/app/issues/7", redirect(http.StatusMovedPermanently, elsewhere.URL+"/repositories/9/issues/7"))
	s.reply("GET /repositories/9", 200, map[string]any{"id": 9, "name": "app", "owner": user(1, "acme")})
	_, err := s.repo().Issue(ctx, 7)
	wantCode(t, err, app.CodeGone)
}

func redirect(status int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(status)
		answer(w, map[string]string{"message": "Moved Permanently", "url": location})
	}
}

func TestANameTakenByAnotherRepositoryIsSeen(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET /repos/acme/app", 200, map[string]any{"id": 10, "name": "app", "owner": user(1, "acme")})
	s.reply("GET /repositories/9", 200, map[string]any{"id": 9, "name": "old-app", "owner": map[string]any{"id": 1, "login": "acme", "type": "Organization"}, "private": true})
	repository, err := s.repo().Repository(ctx)
	must(t, err)
	want := app.Repository{ID: 9, Owner: acme().Owner, Name: "old-app", Private: true, Installation: installation}
	if repository != want {
		t.Errorf("read %+v, want %+v", repository, want)
	}
}

func TestHostileNamesNeverReachAPath(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	repo := s.repo()
	for _, name := range []string{"", "..", "a/b", "../../app", "kim?x=1", "kim#", "kim\n", "%2e%2e", strings.Repeat("a", 101), "kím"} {
		_, err := repo.User(ctx, name)
		wantCode(t, err, app.CodeNotFound)
		permission, err := repo.Permission(ctx, name)
		if permission != app.PermissionNone || err != nil {
			t.Errorf("%q has %v, %v", name, permission, err)
		}
		_, err = repo.TeamMembers(ctx, "acme", name)
		wantCode(t, err, app.CodeNotFound)
		if is, err := repo.IsOrgOwner(ctx, "acme", name); is || err != nil {
			t.Errorf("%q is an owner: %v, %v", name, is, err)
		}
	}
	if len(s.asked) != 0 {
		t.Errorf("asked GitHub for %v", s.asked)
	}
}

func TestRequestsAreCountedByRoute(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.HandleFunc("GET /repos/acme/issues/issues/{number}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "4321")
		w.Header().Set("X-RateLimit-Reset", "99999999999")
		answer(w, map[string]any{"number": 7})
	})
	registry := prometheus.NewRegistry()
	repository := acme()
	repository.Name = "issues"
	repo := s.github(ghclient.Options{Metrics: registry}).Repo(repository)
	for n := range 3 {
		_, err := repo.Issue(ctx, n+1)
		must(t, err)
	}
	got := gathered(t, registry)
	for name, want := range map[string]float64{
		"agora_github_rate_remaining resource=core":                                                4321,
		"agora_github_requests_total method=GET route=repos/issues status=200":                     3,
		"agora_github_requests_total method=POST route=app/installations/access_tokens status=201": 1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if len(got) != 3 {
		t.Errorf("gathered %v", got)
	}
}

// gathered reads a registry's values by name and labels.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	must(t, err)
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += " " + label.GetName() + "=" + label.GetValue()
			}
			values[name] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return values
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestEachExchangeHasADeadline(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET /repos/acme/app/issues/8", 200, map[string]any{"number": 8})
	web, exchanges := &http.Transport{}, 0
	t.Cleanup(web.CloseIdleConnections)
	g, err := ghclient.New(settings(s.url), ghclient.Options{HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
		exchanges++
		if _, bounded := r.Context().Deadline(); !bounded {
			t.Errorf("%s may take for ever", r.URL.Path)
		}
		return web.RoundTrip(r)
	})})
	must(t, err)
	_, err = g.Repo(acme()).Issue(ctx, 8)
	must(t, err)
	if exchanges != 2 {
		t.Errorf("%d exchanges, want one for the token and one for the issue", exchanges)
	}
}
