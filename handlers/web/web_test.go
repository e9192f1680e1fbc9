package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/handlers/web"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

func TestPageShowsTheNumbersOfTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.rfc(7, rfc.Voting, public)
	r.Concerns = []rfc.Concern{{Number: 1, Raiser: app.User{ID: 5, Login: "kim"}, Text: "<img src=x>", State: rfc.ConcernOpen, RaisedAt: opened}}
	w.voting(r)
	response := w.get("/c/acme/rfcs/7")
	body := text(t, response)
	if response.Code != 200 || !strings.HasPrefix(response.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s", response.Code, body)
	}
	for _, want := range []string{
		"RFC-7 · Title 7 &lt;b&gt;&amp;", "Would fail now", "quorum short by 1 voter, 1 open concern", "2026-10-12 18:00 UTC", "31.52", "11.00", "4.00", "74.12 %",
		"11 of 12 voters, 35.52 of 30.10 weight", "voter-14", "because &lt;script&gt;", "&lt;img src=x&gt;", "Rules, frozen at 9f3c2ab41d20", "labelled &lt;i&gt;",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if regexp.MustCompile(`(?i)<script|<img|style=|onerror`).MatchString(body) {
		t.Error("the page has something alive")
	}
}

// Instants of the trail are shown as all others are.
func TestThePageShowsInstantsOfTheTrailAsItShowsOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.rfc(7, rfc.Open, public)
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		return tx.AppendAudit(ctx, audit.Entry{Community: r.Community, Subject: r.Subject(), At: r.OpenedAt, Actor: 1, Kind: "extended",
			From: "2026-10-12T18:00:00Z", To: "2026-10-15T18:00:00Z"})
	})
	want := "extended: 2026-10-12 18:00 UTC → <strong>2026-10-15 18:00 UTC</strong>"
	if body := text(t, w.get("/c/acme/rfcs/7")); !strings.Contains(body, want) {
		t.Errorf("the page lacks %q", want)
	}
}

func TestThePageOfARejectionShowsWhatItTurnedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.rfc(7, rfc.Rejected, public)
	round := w.voting(r)
	for i := range 6 {
		w.change(func(ctx context.Context, tx rfc.Tx) error {
			_, err := tx.AddAct(ctx, &rfc.Act{RFC: r.ID, Round: 1, Voter: app.User{ID: int64(20 + i), Login: "late"}, Choice: rfc.Reject, Channel: rfc.ByComment,
				Source: int64(990 + i), At: round.Planned.Add(-time.Hour), Seen: now})
			return err
		})
	}
	round.ClosedAt, round.Outcome, round.Reasons = round.Planned.AddDate(0, 0, 3), rfc.OutcomeRejected, []string{"approval is under the line"}
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRound(ctx, round) })
	body := text(t, w.get("/c/acme/rfcs/7"))
	for _, want := range []string{"Quorum to reject</dt><dd>20 of 12 voters", "✅ reached", ", extended from <time", ": the outcome changed late."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	if got := w.json(200, "/api/v1/communities/acme/rfcs/7"); at(got, "quorum", "heads", "have") != 11.0 || at(got, "quorum", "met") != false {
		t.Errorf("the API shows another quorum than the one to pass: %v", got["quorum"])
	}
}

// What the status comment warns of, the page does too, in the same words and without
// the marks of Markdown.
func TestThePageWarnsOfWhatTheStatusCommentWarnsOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	warns := func(number int, want ...string) {
		t.Helper()
		var warnings []string
		body := text(t, w.get(fmt.Sprint("/c/acme/rfcs/", number)))
		for _, found := range regexp.MustCompile(`(?s)<p class="warning" role="note">(.*?)</p>`).FindAllStringSubmatch(body, -1) {
			warnings = append(warnings, html.UnescapeString(found[1]))
			if strings.ContainsAny(found[1], "<>`*") {
				t.Errorf("RFC-%d warns with something alive, or with marks: %s", number, found[1])
			}
		}
		if diff := cmp.Diff(want, warnings); diff != "" {
			t.Errorf("the warnings of RFC-%d (-want +got):\n%s", number, diff)
		}
	}
	w.rfc(1, rfc.Open, public)
	warns(1)
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		return tx.SavePolicy(ctx, community.PolicyRecord{Repository: public.ID, Broken: "line 1: no"})
	})
	warns(1, "Voting cannot open until the configuration, .github/agora.yml, is mended: it is broken, and no good one was ever read.")

	round := w.voting(w.rfc(2, rfc.Voting, public))
	warns(2)
	round.Heads, round.PolicyBroken = 0, "line 3: <b>@everyone</b>"
	round.TextChangedAt, round.ConfirmBy = opened.Add(time.Hour), opened.Add(72*time.Hour)
	round.Extensions = []rfc.Extension{{By: app.User{ID: 2, Login: "noor"}, At: opened.Add(time.Hour), For: 3 * config.Day, Why: "<i>holidays</i>"}}
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRound(ctx, round) })
	warns(2,
		`Nobody who counts towards the quorum had joined when voting opened, so this vote cannot pass. Everybody who should vote says /member join; then, once they have been members for 7d, a steward says /rfc restart "why", which freezes the electorate anew.`,
		`The configuration was broken when voting opened (line 3: <b>@everyone</b>), so this round follows the last good one. Once it is fixed, it applies from the next round on, or from /rfc restart "why".`,
		"The text changed on 2026-10-02 19:00 UTC, since voting opened. Ballots stay valid; unless a steward calls the change editorial, a vote that would pass is held again.",
		"2 stewards must confirm the result by 2026-10-05 18:00 UTC, else it is postponed (0 so far).",
		"Voting was extended from 2026-10-12 18:00 UTC to 2026-10-15 18:00 UTC: 3d by noor: <i>holidays</i>.",
	)

	r := w.rfc(3, rfc.Accepted, public)
	r.MergeRefused, r.Text.Hash = true, "other"
	w.voting(r)
	warns(3,
		"GitHub did not let Agora merge this as merge_on_accept: none says. It takes the App's permission Contents: write, accepted for this account, and rules of the branch that let the App merge. Until then, merge it by hand.",
		`The text changed after it was accepted: the acceptance holds for commit c0ffee only. A steward may call the change editorial with /rfc editorial "why".`,
	)
}

func TestPagesOfEveryState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, state := range rfc.States {
		r := w.rfc(i+1, state, public)
		if state != rfc.Draft && state != rfc.Open {
			w.voting(r)
		}
	}
	list := text(t, w.get("/c/ACME"))
	for i, state := range rfc.States {
		if !strings.Contains(list, strings.ReplaceAll(string(state), "-", " ")) {
			t.Errorf("the list lacks %s", state)
		}
		response := w.get("/c/acme/rfcs/" + string("123456789"[min(i, 8)]))
		if body := text(t, response); response.Code != 200 || !strings.Contains(body, "</html>") {
			t.Errorf("%s: %d", state, response.Code)
		}
	}
	if !strings.Contains(text(t, w.get("/")), "Agora") {
		t.Error("no landing page")
	}
	if response := w.get("/style.css"); response.Code != 200 || !strings.HasPrefix(response.Header().Get("Content-Type"), "text/css") {
		t.Error("no style sheet")
	}
}

func TestEveryAnswerIsLockedDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rfc(7, rfc.Open, public)
	for _, path := range []string{"/", "/c/acme/rfcs/7", "/api/v1/communities/acme/rfcs/7", "/healthz", "/nothing", "/api/nothing"} {
		header := w.get(path).Header()
		if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=31536000"} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	w.json(404, "/api/nothing")
	w.json(404, "/api/v1/communities/acme/nothing")
	if got := w.get("/nothing"); got.Code != 404 || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") {
		t.Errorf("/nothing: %d", got.Code)
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	t.Parallel()
	hooked := 0
	w := newWorld(t, func(o *web.Options) {
		o.Hook = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hooked++ })
	})
	for _, path := range []string{"/", "/api/v1/communities/acme/rfcs", "/healthz", "/c/acme"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			recorder := httptest.NewRecorder()
			w.handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, path, nil))
			if recorder.Code != http.StatusMethodNotAllowed || recorder.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d", method, path, recorder.Code)
			}
		}
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/", nil))
	if recorder.Code != 200 {
		t.Errorf("HEAD /: %d", recorder.Code)
	}
	w.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/github/hook", nil))
	if hooked != 1 {
		t.Error("the webhook is not mounted")
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, "/api/github/hook", nil))
		if recorder.Code != http.StatusMethodNotAllowed || recorder.Header().Get("Allow") != http.MethodPost || hooked != 1 {
			t.Errorf("%s of the webhook: %d, Allow: %q", method, recorder.Code, recorder.Header().Get("Allow"))
		}
	}
}

// The App's page may name a wrong path: whoever posts there is told the right one, and
// the log says it too, at most once a minute.
func TestAWebhookThatMissesItsPathIsToldTheWay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := newWorld(t, func(o *web.Options) { o.Clock = func() time.Time { return now } })
	var log bytes.Buffer
	ctx := zerolog.New(&log).WithContext(t.Context())
	post := func(path string, fromGitHub bool) {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(`{"zen": "hunter2"}`))
		if fromGitHub {
			r.Header.Set("X-GitHub-Event", "hunter2")
		}
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, r)
		if body := text(t, recorder); recorder.Code != http.StatusMethodNotAllowed || !strings.Contains(body, "webhooks go to /api/github/hook") {
			t.Errorf("POST %s: %d %s", path, recorder.Code, body)
		}
	}
	post("/", false)
	if log.Len() > 0 {
		t.Errorf("somebody's POST is logged: %s", &log)
	}
	for minute := 1; minute <= 2; minute++ {
		for _, path := range []string{"/", "/api/github/hooks", "/webhook", "/healthz"} {
			post(path, true)
		}
		if said := strings.Count(log.String(), "/api/github/hook"); said != minute || strings.Contains(log.String(), "hunter2") {
			t.Errorf("in %d minutes the log says: %s", minute, &log)
		}
		now = now.Add(time.Minute)
	}
}

// away are figures of a database that does not answer.
type away struct{}

var awayDesc = prometheus.NewDesc("agora_test_rows", "Rows.", nil, nil)

func (away) Describe(out chan<- *prometheus.Desc) { out <- awayDesc }

func (away) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.NewInvalidMetric(awayDesc, errors.New("postgres://agora:hunter2@db is down"))
}

func TestHealthReadinessAndMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "agora_test_total"}), away{})
	broken := errors.New("postgres://agora:hunter2@db is down")
	var err error
	handler := web.New(web.Options{Gatherer: registry, Ready: func(context.Context) error { return err }})
	ask := func(path string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return recorder
	}
	if ask("/healthz").Code != 200 || ask("/readyz").Code != 200 {
		t.Error("a good server is not healthy and ready")
	}
	metrics := ask("/metrics") // what the process counts is told while the database is away
	if body := text(t, metrics); metrics.Code != 200 || !strings.Contains(body, "agora_test_total 0") || strings.Contains(body, "hunter2") {
		t.Errorf("metrics: %d %s", metrics.Code, body)
	}
	err = broken
	response := ask("/readyz")
	if body := text(t, response); response.Code != http.StatusServiceUnavailable || strings.Contains(body, "hunter2") {
		t.Errorf("%d %s", response.Code, body)
	}
	if ask("/healthz").Code != 200 {
		t.Error("health depends on readiness")
	}
}

// failing tells nothing of members.
type failing func() error

func (f failing) Reputations(context.Context, int64, ...int64) (map[int64]int, error) {
	return nil, f()
}

func (f failing) Leaderboard(context.Context, community.Scope, community.LeaderboardOrder, int, int, int) ([]community.Place, error) {
	return nil, f()
}

func (f failing) Stats(context.Context, community.Scope) (community.Stats, error) {
	return community.Stats{}, f()
}

func (f failing) Engagement(context.Context, community.Scope, int64) (int, error) { return 0, f() }

func TestFailuresAreProblemsWithoutTheirCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.Options) {
		o.Members = failing(func() error { return errors.New("secret cause") })
	})
	w.member(1, "maya", false)
	if got := w.json(500, "/api/v1/communities/acme/members/maya"); got["status"] != 500.0 || got["detail"] != "Something went wrong." {
		t.Errorf("%v", got)
	}
	late := newWorld(t, func(o *web.Options) {
		o.Members = failing(func() error { return context.DeadlineExceeded })
	})
	late.member(1, "maya", false)
	late.json(503, "/api/v1/communities/acme/members/maya")
	if got := late.get("/api/v1/communities/acme/members/maya").Header().Get("Retry-After"); got != "10" {
		t.Errorf("Retry-After is %q", got)
	}
	panics := newWorld(t, func(o *web.Options) {
		o.Members = failing(func() error { panic("secret cause") })
	})
	panics.member(1, "maya", false)
	if got := panics.json(500, "/api/v1/communities/acme/members/maya"); got["detail"] != "Something went wrong." {
		t.Errorf("%v", got)
	}
}

// It passes by itself, so who asks is told to come back, and nothing of where the database is.
func TestWhileTheDatabaseCannotBeReachedReadersAreToldToComeBack(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url, store.Options{})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, store: s.RFC(), handler: web.New(web.Options{Store: s.RFC(), Members: standings{}})}
		for _, path := range []string{"/api/v1/communities/acme", "/c/acme", "/api/v1/gate?repo=acme/rfcs&rfc=1"} {
			response := w.get(path)
			body := text(t, response)
			if response.Code != http.StatusServiceUnavailable || response.Header().Get("Retry-After") != "10" || !strings.Contains(body, "The database cannot be reached. Try again later.") {
				t.Errorf("%s: %d with %v: %s", path, response.Code, response.Header(), body)
			}
			if strings.Contains(body, "sql") || strings.Contains(body, "transaction") {
				t.Errorf("%s tells the cause: %s", path, body)
			}
		}
	})
}
