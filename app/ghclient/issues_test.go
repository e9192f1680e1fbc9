package ghclient_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
)

func TestAnIssueTakesOneRequestAndAPullRequestTwo(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET /repos/acme/app/issues/7", 200, map[string]any{
		"number": 7, "title": "T", "body": nil, "html_url": "https://github.example/acme/app/issues/7", "state": "closed", "locked": true,
		"user": nil, "closed_by": user(2, "lee"), "labels": []any{map[string]any{"name": "RFC"}},
		"created_at": "2026-09-01T10:00:00Z", "updated_at": "2026-09-02T10:00:00+02:00",
	})
	s.reply("GET /repos/acme/app/issues/8", 200, map[string]any{"number": 8, "state": "open", "user": user(1, "kim"), "pull_request": map[string]any{"url": "x"}})
	s.reply("GET /repos/acme/app/pulls/8", 200, map[string]any{
		"number": 8, "draft": true, "merged": true, "merged_by": user(2, "lee"),
		"head": map[string]any{"sha": "abc"}, "base": map[string]any{"ref": "main"},
	})
	repo := s.repo()
	issue, err := repo.Issue(ctx, 7)
	must(t, err)
	want := app.Issue{
		Ref: app.IssueRef{Repository: 9, Number: 7}, Title: "T", URL: "https://github.example/acme/app/issues/7",
		Labels: []string{"RFC"}, Locked: true, ClosedBy: app.User{ID: 2, Login: "lee"},
		CreatedAt: time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 9, 2, 8, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, issue); diff != "" {
		t.Error(diff)
	}
	pull, err := repo.Issue(ctx, 8)
	must(t, err)
	if diff := cmp.Diff(&app.Pull{Draft: true, Merged: true, HeadSHA: "abc", BaseRef: "main", MergedBy: app.User{ID: 2, Login: "lee"}}, pull.Pull); diff != "" {
		t.Error(diff)
	}
	if s.count("GET /repos/acme/app/pulls/7") != 0 {
		t.Error("an issue was read as a pull request")
	}
}

func TestDeletedAccountsAreNobody(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET /repos/acme/app/issues/7/comments", 200, []any{
		map[string]any{"id": 1, "user": nil},
		map[string]any{"id": 2, "user": user(10137, "ghost")},
	})
	comments, err := s.repo().Comments(ctx, 7, time.Time{})
	must(t, err)
	for _, c := range comments {
		if !c.Author.Gone() {
			t.Errorf("comment %d is by %+v", c.ID, c.Author)
		}
	}
}

func TestOurOwnCommentsAreKnownByTheirAuthor(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	bot := map[string]any{"id": 50, "login": "agora-test[bot]", "type": "Bot"}
	s.HandleFunc("GET /repos/acme/app/issues/7/comments", func(w http.ResponseWriter, r *http.Request) {
		if since := r.URL.Query().Get("since"); since != "2026-09-01T10:00:00Z" {
			t.Errorf("asked since %q", since)
		}
		answer(w, []any{
			map[string]any{"id": 1, "user": bot, "performed_via_github_app": map[string]any{"id": appID}},
			map[string]any{"id": 2, "user": bot, "performed_via_github_app": nil},
			map[string]any{"id": 3, "user": map[string]any{"id": 51, "login": "other[bot]", "type": "Bot"}, "performed_via_github_app": map[string]any{"id": 12}},
			map[string]any{"id": 4, "user": map[string]any{"id": 52, "login": "third[bot]", "type": "Bot"}},
			map[string]any{"id": 5, "user": user(1, "kim"), "performed_via_github_app": map[string]any{"id": appID}},
		})
	})
	comments, err := s.repo().Comments(ctx, 7, time.Date(2026, 9, 1, 12, 0, 0, 0, time.FixedZone("", 7200)))
	must(t, err)
	got := map[int64]int64{}
	for _, c := range comments {
		got[c.ID] = c.ByApp
	}
	if diff := cmp.Diff(map[int64]int64{1: appID, 2: appID, 3: 12, 4: 0, 5: 0}, got); diff != "" {
		t.Error(diff)
	}
}

func TestListsAreReadToTheEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.HandleFunc("GET /repos/acme/app/issues", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("state") != "all" || q.Get("sort") != "created" || q.Get("direction") != "asc" || q.Get("per_page") != "100" {
			t.Errorf("asked for %s", r.URL.RawQuery)
		}
		page := 1
		_, _ = fmt.Sscan(q.Get("page"), &page)
		if page < 3 {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s/x?page=%d>; rel="next"`, r.Host, page+1))
		}
		item := map[string]any{"number": page, "state": "open", "user": user(1, "kim")}
		if page == 2 {
			item["pull_request"], item["draft"] = map[string]any{"url": "x"}, true
		}
		answer(w, []any{item})
	})
	issues, err := s.repo().IssuesSince(ctx, time.Time{})
	must(t, err)
	if len(issues) != 3 || issues[0].Pull != nil || issues[1].Pull == nil || !issues[1].Pull.Draft || issues[2].Ref.Number != 3 {
		t.Errorf("read %+v", issues)
	}
}

func TestAListWithoutEndIsAnError(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.HandleFunc("GET /repos/acme/app/issues/7/comments", func(w http.ResponseWriter, r *http.Request) {
		page := 1
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
		w.Header().Set("Link", fmt.Sprintf(`<http://%s/x?page=%d>; rel="next"`, r.Host, page+1))
		answer(w, []any{})
	})
	_, err := s.repo().Comments(ctx, 7, time.Time{})
	wantCode(t, err, app.CodeInvalid)
}

func TestWhatIsTakenAwayMayBeGone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	repo := s.repo()
	must(t, repo.DeleteComment(ctx, 3))
	must(t, repo.RemoveLabel(ctx, 7, "rfc/draft"))
	if n := s.count("DELETE /repos/acme/app/issues/7/labels/rfc/draft"); n != 1 {
		t.Errorf("asked for %v", s.asked)
	}
}

func TestLabelsWithSlashesAreOneSegment(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var asked string
	s.HandleFunc("DELETE /repos/acme/app/issues/7/labels/{label}", func(w http.ResponseWriter, r *http.Request) {
		asked = r.PathValue("label")
		answer(w, []any{})
	})
	must(t, s.repo().RemoveLabel(ctx, 7, "rfc/draft now?"))
	if asked != "rfc/draft now?" {
		t.Errorf("GitHub was asked for %q", asked)
	}
}

func TestMissingLabelsAreMade(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var made []string
	s.reply("GET /repos/acme/app/labels", 200, []any{map[string]any{"name": "RFC"}})
	s.HandleFunc("POST /repos/acme/app/labels", func(w http.ResponseWriter, r *http.Request) {
		var label map[string]string
		_ = json.NewDecoder(r.Body).Decode(&label)
		made = append(made, label["name"]+" "+label["color"]+" "+label["description"])
		if label["name"] == "rfc/draft" { // made by somebody else a moment ago
			w.WriteHeader(http.StatusUnprocessableEntity)
			answer(w, map[string]any{"message": "Validation Failed", "errors": []any{map[string]string{"resource": "Label", "code": "already_exists", "field": "name"}}})
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	repo := s.repo()
	must(t, repo.EnsureLabels(ctx, []app.LabelSpec{
		{Name: "rfc", Color: "ffffff"}, {Name: "rfc/draft", Color: "000000", Description: "d"}, {Name: "rfc/voting", Color: "0000ff"},
	}))
	if got := strings.Join(made, "|"); got != "rfc/draft 000000 d|rfc/voting 0000ff " {
		t.Errorf("made %q", got)
	}
}

func TestALabelThatIsNotAcceptedIsAnError(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET /repos/acme/app/labels", 200, []any{})
	s.reply("POST /repos/acme/app/labels", 422, map[string]any{"message": "Validation Failed", "errors": []any{map[string]string{"code": "invalid", "field": "color"}}})
	err := s.repo().EnsureLabels(ctx, []app.LabelSpec{{Name: "rfc", Color: "blue"}})
	wantCode(t, err, app.CodeInvalid)
	if !strings.Contains(err.Error(), "color invalid") {
		t.Errorf("%q does not say what is wrong", err)
	}
}

func TestWritesSayWhatTheyMean(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var got []string
	note := func(w http.ResponseWriter, r *http.Request) {
		var body any
		_ = json.NewDecoder(r.Body).Decode(&body)
		text, _ := json.Marshal(body)
		got = append(got, r.Method+" "+r.URL.Path+" "+string(text))
		if strings.HasSuffix(r.URL.Path, "/labels") {
			answer(w, []any{})
			return
		}
		answer(w, map[string]any{"id": 4, "user": user(1, "kim")})
	}
	s.HandleFunc("PATCH /repos/acme/app/", note)
	s.HandleFunc("POST /repos/acme/app/", note)
	repo := s.repo()
	must(t, repo.CloseIssue(ctx, 7, "not_planned"))
	must(t, repo.AddLabels(ctx, 7, []string{"rfc/voting"}))
	must(t, repo.AddLabels(ctx, 7, nil))
	must(t, repo.EditComment(ctx, 3, "<b>&"))
	want := []string{
		`PATCH /repos/acme/app/issues/7 {"state":"closed","state_reason":"not_planned"}`,
		`POST /repos/acme/app/issues/7/labels ["rfc/voting"]`,
		`PATCH /repos/acme/app/issues/comments/3 {"body":"\u003cb\u003e\u0026"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestIssueEventsTellWhoActed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	at := "2026-09-01T10:00:00Z"
	s.reply("GET /repos/acme/app/issues/7/events", 200, []any{
		map[string]any{"event": "labeled", "actor": user(1, "kim"), "label": map[string]string{"name": "rfc"}, "created_at": at},
		map[string]any{"event": "subscribed", "actor": user(1, "kim"), "created_at": at},
		map[string]any{"event": "closed", "actor": nil, "created_at": at},
		map[string]any{"event": "review_dismissed", "actor": user(1, "kim"), "created_at": at,
			"dismissed_review": map[string]any{"state": "changes_requested", "review_id": 5, "dismissal_message": nil}},
	})
	repo := s.repo()
	events, err := repo.IssueEvents(ctx, 7)
	must(t, err)
	when := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	kim := app.User{ID: 1, Login: "kim"}
	want := []app.IssueEvent{{Actor: kim, Event: "labeled", Label: "rfc", At: when}, {Event: "closed", At: when},
		{Actor: kim, Event: "review_dismissed", At: when, Review: 5, ReviewState: app.ReviewChangesRequested}}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
	_, err = repo.IssueEvents(ctx, 8)
	wantCode(t, err, app.CodeNotFound)
}
