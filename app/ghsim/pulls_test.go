package ghsim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app/ghsim"
)

func TestAPullRequestIsMergedOnlyWhenItCanBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.RequireChecks(repo, "main", "agora/rfc")
	p := must[ghsim.Issue](t)(w.As("dave").OpenPullRequest(repo, ghsim.NewPullRequest{Title: "RFC", Files: map[string]string{"rfcs/1.md": "one\n"}, Draft: true}))
	merge := func(sha string) int {
		_, res, _ := w.client.PullRequests.Merge(ctx, "acme", "widgets", p.Number, "", &github.PullRequestOptions{SHA: sha, MergeMethod: "merge"})
		return status(res)
	}
	check405 := func(why string) {
		t.Helper()
		if got := merge(""); got != 405 {
			t.Errorf("merging %s: %d", why, got)
		}
	}
	check405("a draft")
	w.As("dave").MarkReady(repo, p.Number)
	check405("without the required check")
	run, _, err := w.client.Checks.CreateCheckRun(ctx, "acme", "widgets", github.CreateCheckRunOptions{Name: "agora/rfc", HeadSHA: p.Head.SHA, Status: github.String("in_progress")})
	check(t, err)
	check405("with a check in progress")
	_, _, err = w.client.Checks.UpdateCheckRun(ctx, "acme", "widgets", run.GetID(), github.UpdateCheckRunOptions{Name: "agora/rfc", Conclusion: github.String("success")})
	check(t, err)
	w.SetConflict(repo, p.Number, true)
	check405("a conflict")
	w.SetConflict(repo, p.Number, false)
	if got := merge(strings.Repeat("0", 40)); got != 409 {
		t.Errorf("merging another commit: %d", got)
	}
	if err := w.As("dave").Merge(repo, p.Number); refused(err) != 403 {
		t.Errorf("merging by a stranger: %v", err)
	}
	if got := merge(p.Head.SHA); got != 200 {
		t.Errorf("merging: %d", got)
	}
	check405("twice")
	after, _ := w.Issue(repo, p.Number)
	if !after.Merged || after.State != "closed" || w.HeadSHA(repo, "main") != after.MergeCommitSHA {
		t.Errorf("after merging: %+v", after)
	}
	file, _, _, err := w.client.Repositories.GetContents(ctx, "acme", "widgets", "rfcs/1.md", nil)
	check(t, err)
	if text, _ := file.GetContent(); text != "one\n" {
		t.Errorf("the file on main says %q", text)
	}
	w.idle(t)
	var last *github.PullRequestEvent
	for _, h := range w.hooks.take() {
		if e, is := h.event.(*github.PullRequestEvent); is {
			last = e
		}
	}
	if last.GetAction() != "closed" || !last.GetPullRequest().GetMerged() || last.GetSender().GetLogin() != "agora[bot]" {
		t.Errorf("the last event is %v by %v", last.GetAction(), last.GetSender().GetLogin())
	}
}

func TestAStrangersPullRequestComesFromAFork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	p := must[ghsim.Issue](t)(w.As("dave").OpenPullRequest(repo, ghsim.NewPullRequest{Title: "From outside", Branch: "idea", Files: map[string]string{".github/agora.yml": "broken: [\n"}}))
	got, _, err := w.client.PullRequests.Get(ctx, "acme", "widgets", p.Number)
	check(t, err)
	if got.GetHead().GetLabel() != "dave:idea" || !got.GetHead().GetRepo().GetFork() || got.GetCommits() != 1 || got.GetChangedFiles() != 1 {
		t.Errorf("the pull request: %v", got)
	}
	files, _, err := w.client.PullRequests.ListFiles(ctx, "acme", "widgets", p.Number, nil)
	check(t, err)
	if files[0].GetFilename() != ".github/agora.yml" || files[0].GetStatus() != "modified" {
		t.Errorf("files: %v", files)
	}
	file, _, _, err := w.client.Repositories.GetContents(ctx, "acme", "widgets", ".github/agora.yml", &github.RepositoryContentGetOptions{Ref: p.Head.SHA})
	check(t, err)
	if text, _ := file.GetContent(); text != "broken: [\n" {
		t.Errorf("the file at the head: %q", text)
	}
	before := p.Head.SHA
	after := w.As("dave").PushToPull(repo, p.Number, map[string]string{"more.md": "more\n"})
	now, _ := w.Issue(repo, p.Number)
	if now.Head.SHA != after || after == before {
		t.Errorf("head %s after pushing %s", now.Head.SHA, after)
	}
	pulls, _, err := w.client.PullRequests.ListPullRequestsWithCommit(ctx, "acme", "widgets", after, nil)
	check(t, err)
	if len(pulls) != 1 || pulls[0].GetNumber() != p.Number {
		t.Errorf("pull requests of the commit: %v", pulls)
	}
	w.idle(t)
	for _, h := range w.hooks.take() {
		switch e := h.event.(type) {
		case *github.PushEvent:
			t.Error("the App heard of a push to a fork it is not installed on")
		case *github.PullRequestEvent:
			if e.GetAction() == "synchronize" && (e.GetBefore() != before || e.GetAfter() != after) {
				t.Errorf("synchronize from %s to %s", e.GetBefore(), e.GetAfter())
			}
		}
	}
}

func TestReviewsFollowGitHubsRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	p := must[ghsim.Issue](t)(w.As("dave").OpenPullRequest(repo, ghsim.NewPullRequest{Title: "Review me"}))
	for name, err := range map[string]error{
		"one's own":           second(w.As("dave").Review(repo, p.Number, ghsim.Approve, "")),
		"changes without why": second(w.As("bob").Review(repo, p.Number, ghsim.RequestChanges, "")),
		"an unknown event":    second(w.As("bob").Review(repo, p.Number, "BLESS", "x")),
	} {
		if refused(err) != 422 {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := must[ghsim.Review](t)(w.As("bob").Review(repo, p.Number, ghsim.RequestChanges, "not yet"))
	w.clock.Add(time.Minute)
	w.As("dave").PushToPull(repo, p.Number, map[string]string{"a": "b"})
	must[ghsim.Review](t)(w.As("bob").Review(repo, p.Number, ghsim.Approve, ""))
	if err := w.As("bob").DismissReview(repo, p.Number, r.ID, "mine"); refused(err) != 403 {
		t.Errorf("dismissal by triage: %v", err)
	}
	check(t, w.As("alice").DismissReview(repo, p.Number, r.ID, "settled"))
	list, _, err := w.client.PullRequests.ListReviews(ctx, "acme", "widgets", p.Number, nil)
	check(t, err)
	if len(list) != 2 || list[0].GetState() != "DISMISSED" || list[1].GetState() != "APPROVED" ||
		list[0].GetCommitID() != p.Head.SHA || list[1].GetCommitID() == p.Head.SHA || !list[1].GetSubmittedAt().After(list[0].GetSubmittedAt().Time) {
		t.Errorf("reviews: %v", list)
	}
	w.idle(t)
	var states []string
	for _, h := range w.hooks.take() {
		if e, is := h.event.(*github.PullRequestReviewEvent); is {
			states = append(states, e.GetAction()+" "+e.GetReview().GetState())
		}
	}
	if got := strings.Join(states, ", "); got != "submitted changes_requested, submitted approved, dismissed dismissed" {
		t.Errorf("events: %s", got)
	}
}

func TestCheckRunsBelongToTheirAppAndGoStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	head := w.HeadSHA(repo, "")
	make := func() *github.CheckRun {
		run, _, err := w.client.Checks.CreateCheckRun(ctx, "acme", "widgets", github.CreateCheckRunOptions{Name: "agora/rfc", HeadSHA: head, Status: github.String("in_progress"), ExternalID: github.String("7")})
		check(t, err)
		return run
	}
	old := make()
	w.clock.Add(14 * 24 * time.Hour)
	if got := w.CheckRuns(head)[0]; got.Status != "completed" || got.Conclusion != "stale" {
		t.Errorf("after 14 days: %+v", got)
	}
	fresh := make()
	list, _, err := w.client.Checks.ListCheckRunsForRef(ctx, "acme", "widgets", "main", &github.ListCheckRunsOptions{CheckName: github.String("agora/rfc")})
	check(t, err)
	if list.GetTotal() != 1 || list.CheckRuns[0].GetID() != fresh.GetID() || old.GetID() == fresh.GetID() {
		t.Errorf("the latest run: %v", list)
	}
	if _, res, _ := w.client.Checks.CreateCheckRun(ctx, "acme", "widgets", github.CreateCheckRunOptions{Name: "x", HeadSHA: strings.Repeat("1", 40)}); status(res) != 422 {
		t.Errorf("a check on no commit: %v", res)
	}
	if _, res, _ := w.client.Checks.UpdateCheckRun(ctx, "acme", "widgets", fresh.GetID(), github.UpdateCheckRunOptions{Name: "agora/rfc", Status: github.String("completed")}); status(res) != 422 {
		t.Errorf("completed without a conclusion: %v", res)
	}
	check(t, w.As("maya").RerequestCheckRun(repo, fresh.GetID()))
	w.idle(t)
	got := w.hooks.take()
	if e, is := got[len(got)-1].event.(*github.CheckRunEvent); !is || e.GetAction() != "rerequested" || e.GetCheckRun().GetExternalID() != "7" {
		t.Error("no check_run.rerequested")
	}
}

func TestAMergeGroupLeadsToItsPullRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	one := must[ghsim.Issue](t)(w.As("dave").OpenPullRequest(repo, ghsim.NewPullRequest{Title: "One"})).Number
	two := must[ghsim.Issue](t)(w.As("alice").OpenPullRequest(repo, ghsim.NewPullRequest{Title: "Two"})).Number
	head := w.As("alice").QueueMerge(repo, one, two)
	w.idle(t)
	got := w.hooks.take()
	e, is := got[len(got)-1].event.(*github.MergeGroupEvent)
	if !is || e.GetAction() != "checks_requested" || e.GetMergeGroup().GetHeadSHA() != head {
		t.Fatalf("the last event is %T", got[len(got)-1].event)
	}
	cmp, _, err := w.client.Repositories.CompareCommits(ctx, "acme", "widgets", e.GetMergeGroup().GetBaseSHA(), head, nil)
	check(t, err)
	found := map[int]bool{}
	for _, k := range cmp.Commits {
		pulls, _, err := w.client.PullRequests.ListPullRequestsWithCommit(ctx, "acme", "widgets", k.GetSHA(), nil)
		check(t, err)
		for _, p := range pulls {
			found[p.GetNumber()] = true
		}
	}
	if len(found) != 2 || !found[one] || !found[two] {
		t.Errorf("the group's pull requests: %v", found)
	}
	_, _, err = w.client.Checks.CreateCheckRun(ctx, "acme", "widgets", github.CreateCheckRunOptions{Name: "agora/rfc", HeadSHA: head, Conclusion: github.String("success")})
	check(t, err)
	if runs := w.CheckRuns(head); len(runs) != 1 || runs[0].Status != "completed" {
		t.Errorf("checks on the group: %v", runs)
	}
}
