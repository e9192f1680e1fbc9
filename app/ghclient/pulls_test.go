package ghclient_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghclient"
)

func TestReviewsNotSubmittedAreLeftOut(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("GET /repos/acme/app/pulls/8/reviews", 200, []any{
		map[string]any{"id": 1, "state": "APPROVED", "user": user(1, "kim"), "commit_id": "abc", "submitted_at": "2026-09-01T10:00:00Z"},
		map[string]any{"id": 2, "state": "PENDING", "user": user(2, "lee")},
		map[string]any{"id": 3, "state": "dismissed", "user": nil},
	})
	reviews, err := s.repo().Reviews(ctx, 8)
	must(t, err)
	if len(reviews) != 2 || reviews[0].State != app.ReviewApproved || reviews[0].CommitID != "abc" ||
		reviews[1].State != app.ReviewDismissed || !reviews[1].Author.Gone() {
		t.Errorf("read %+v", reviews)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		code   string
	}{
		"merged":         {200, `{"merged":true,"sha":"def"}`, ""},
		"not merged":     {200, `{"merged":false,"message":"no"}`, app.CodeConflict},
		"not mergeable":  {405, `{"message":"Pull Request is not mergeable"}`, app.CodeConflict},
		"the head moved": {409, `{"message":"Head branch was modified"}`, app.CodeConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.HandleFunc("PUT /repos/acme/app/pulls/8/merge", func(w http.ResponseWriter, r *http.Request) {
				var asked map[string]string
				_ = json.NewDecoder(r.Body).Decode(&asked)
				if diff := cmp.Diff(map[string]string{"commit_title": "RFC-7", "merge_method": "squash", "sha": "abc"}, asked); diff != "" {
					t.Error(diff)
				}
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			})
			wantCode(t, s.repo().Merge(ctx, 8, "abc", "squash", "RFC-7"), test.code)
		})
	}
	s := newServer(t)
	wantCode(t, s.repo().Merge(ctx, 8, "", "squash", "RFC-7"), app.CodeInvalid)
}

func TestPullListsShowHeadsAndBases(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	pull := map[string]any{
		"number": 8, "title": "T", "body": "Implements: RFC-7", "state": "closed", "user": user(1, "kim"), "merged_at": "2026-09-01T10:00:00Z",
		"head": map[string]any{"sha": "abc"}, "base": map[string]any{"ref": "main"}, "labels": []any{map[string]any{"name": "rfc"}},
	}
	s.reply("GET /repos/acme/app/commits/abc/pulls", 200, []any{pull})
	s.reply("GET /repos/acme/app/pulls", 200, []any{pull})
	repo := s.repo()
	found, err := repo.PullsForCommit(ctx, "abc")
	must(t, err)
	open, err := repo.OpenPulls(ctx)
	must(t, err)
	want := []app.Issue{{
		Ref: app.IssueRef{Repository: 9, Number: 8}, Title: "T", Body: "Implements: RFC-7", Author: app.User{ID: 1, Login: "kim"},
		Labels: []string{"rfc"}, Pull: &app.Pull{Merged: true, HeadSHA: "abc", BaseRef: "main"},
	}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(found, open); diff != "" {
		t.Error(diff)
	}
	_, err = repo.PullsForCommit(ctx, "../../pulls")
	wantCode(t, err, app.CodeNotFound)
}

func TestChecks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	check := app.Check{
		Name: "agora/rfc", HeadSHA: "abc", Status: app.CheckCompleted, Conclusion: app.CheckSuccess,
		DetailsURL: "https://agora.example/7", Title: "RFC-7", Summary: "accepted", ExternalID: "7",
	}
	var sent []map[string]any
	note := func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		sent = append(sent, body)
		answer(w, map[string]any{"id": 12})
	}
	s.HandleFunc("POST /repos/acme/app/check-runs", note)
	s.HandleFunc("PATCH /repos/acme/app/check-runs/12", note)
	repo := s.repo()
	id, err := repo.CreateCheck(ctx, check)
	must(t, err)
	must(t, repo.UpdateCheck(ctx, id, app.Check{Name: "agora/rfc", HeadSHA: "abc", Status: app.CheckInProgress}))
	if id != 12 {
		t.Errorf("the check has the id %d", id)
	}
	want := []map[string]any{
		{
			"name": "agora/rfc", "head_sha": "abc", "status": "completed", "conclusion": "success", "details_url": "https://agora.example/7",
			"external_id": "7", "output": map[string]any{"title": "RFC-7", "summary": "accepted"},
		},
		{"name": "agora/rfc", "status": "in_progress"},
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, test := range map[string]struct {
		status int
		body   any
		want   string
		code   string
	}{
		"a file":       {200, map[string]any{"type": "file", "encoding": "base64", "size": 3, "content": encoded("a: 1") + "\n", "sha": "s"}, "a: 1", ""},
		"an empty one": {200, map[string]any{"type": "file", "encoding": "base64", "size": 0, "content": "", "sha": "s"}, "", ""},
		"without type": {200, map[string]any{"encoding": "base64", "content": encoded("a: 1"), "sha": "s"}, "a: 1", ""},
		"nothing":      {200, map[string]any{}, "", app.CodeInvalid},
		"missing":      {404, map[string]any{"message": "Not Found"}, "", app.CodeNotFound},
		"a folder":     {200, []any{map[string]any{"type": "file", "name": "x"}}, "", app.CodeInvalid},
		"a submodule":  {200, map[string]any{"type": "submodule", "submodule_git_url": "x"}, "", app.CodeInvalid},
		"a link":       {200, map[string]any{"type": "symlink", "target": "/etc/passwd"}, "", app.CodeInvalid},
		"too large":    {200, map[string]any{"type": "file", "encoding": "none", "size": 2 << 20, "content": ""}, "", app.CodeInvalid},
		"larger than said": {200, map[string]any{"type": "file", "encoding": "base64", "size": 1,
			"content": encoded(strings.Repeat("a", ghclient.MaxFile+1))}, "", app.CodeInvalid},
		"not base64": {200, map[string]any{"type": "file", "encoding": "base64", "size": 1, "content": "*"}, "", app.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.HandleFunc("GET /repos/acme/app/contents/.github/agora.yml", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("ref") != "main" {
					t.Errorf("asked for %s", r.URL.RawQuery)
				}
				w.WriteHeader(test.status)
				answer(w, test.body)
			})
			file, err := s.repo().File(ctx, ".github/agora.yml", "main")
			wantCode(t, err, test.code)
			if string(file.Content) != test.want || (test.code == "" && file.SHA != "s") {
				t.Errorf("read %q at %q", file.Content, file.SHA)
			}
		})
	}
	_, err := newServer(t).repo().File(ctx, "../../secrets", "")
	wantCode(t, err, app.CodeInvalid)
}
