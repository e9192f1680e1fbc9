package ghclient_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghclient"
	"github.com/agora-rfc/agora/app/ghsim"
)

// world is the simulated GitHub with the App installed, seen by our client.
type world struct {
	*ghsim.Server
	g    *ghclient.GitHub
	repo *ghclient.RepoClient
	id   int64 // of the App
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := ghsim.Start(ghsim.Options{})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	s.AddUsers("maya", "kim", "lee")
	s.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}, Members: []string{"kim"}})
	s.AddTeam(ghsim.NewTeam{Organization: "acme", Slug: "stewards", Members: []string{"kim"}})
	s.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "widgets",
		Collaborators: map[string]string{"kim": "maintain", "lee": "triage"},
		Files:         map[string]string{".github/agora.yml": "version: 1\n"}})
	made := s.AddApp(ghsim.NewApp{Slug: "agora-test"})
	at := s.Install(made.ID, "acme")
	config := settings(s.APIURL())
	config.App.IntegrationID, config.App.PrivateKey = made.ID, string(made.PrivateKey)
	g, err := ghclient.New(config, ghclient.Options{WriteRate: rate.Inf, ContentRate: rate.Inf})
	must(t, err)
	t.Cleanup(g.Close)
	repositories, err := g.InstallationRepositories(ctx, at)
	must(t, err)
	if len(repositories) != 1 || repositories[0].FullName() != "acme/widgets" || !repositories[0].Owner.Organization {
		t.Fatalf("the installation reaches %+v", repositories)
	}
	return &world{Server: s, g: g, repo: g.Repo(repositories[0]), id: made.ID}
}

func TestTheAppsOwnIssuesAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.As("lee").OpenIssue("acme/widgets", "Somebody else's", "Mine.")
	must(t, err)
	before := time.Now().Add(-time.Minute)
	made, err := w.repo.CreateIssue(ctx, "Digest", "First.")
	must(t, err)
	must(t, w.repo.EditIssue(ctx, made.Ref.Number, "Second."))
	own, err := w.repo.OwnIssues(ctx, before)
	must(t, err)
	if len(own) != 1 || own[0].Ref != made.Ref || own[0].Title != "Digest" || own[0].Body != "Second." || len(own[0].Labels) != 0 || !own[0].Author.Bot {
		t.Errorf("the App's own issues: %+v", own)
	}
	wantCode(t, w.repo.EditIssue(ctx, 99, "x"), app.CodeNotFound)
}

func TestAnRFCsIssueAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	opened, err := w.As("lee").OpenIssue("acme/widgets", "Weighted quorum", "Let us.")
	must(t, err)
	must(t, w.repo.EnsureLabels(ctx, []app.LabelSpec{{Name: "rfc/voting", Color: "0000ff", Description: "Votes are cast"}}))
	must(t, w.repo.AddLabels(ctx, opened.Number, []string{"rfc/voting"}))
	issue, err := w.repo.Issue(ctx, opened.Number)
	must(t, err)
	if !issue.HasLabel("RFC/voting") || !issue.Open || issue.Author.Login != "lee" || issue.Pull != nil {
		t.Errorf("read %+v", issue)
	}
	ballot, err := w.repo.CreateComment(ctx, opened.Number, "The ballot")
	must(t, err)
	_, seen, err := w.repo.PollCommentReactions(ctx, ballot.ID)
	must(t, err)
	seen()
	_, err = w.As("kim").React("acme/widgets", ballot.ID, "+1")
	must(t, err)
	polled, seen, err := w.repo.PollCommentReactions(ctx, ballot.ID)
	must(t, err)
	if seen == nil || len(polled) != 1 || polled[0].Content != "+1" {
		t.Fatalf("polled %+v", polled)
	}
	seen()
	w.ExpireTokens()
	if _, seen, err = w.repo.PollCommentReactions(ctx, ballot.ID); err != nil || seen != nil {
		t.Errorf("a new token made an old answer new, or %v", err)
	}
	reactions, err := w.repo.CommentReactions(ctx, ballot.ID)
	must(t, err)
	if len(reactions) != 1 || reactions[0].User.Login != "kim" || reactions[0].CreatedAt.IsZero() {
		t.Errorf("reactions %+v", reactions)
	}
	rocket, err := w.repo.React(ctx, ballot.ID, "rocket")
	must(t, err)
	must(t, w.repo.Unreact(ctx, ballot.ID, rocket))
	must(t, w.repo.EditComment(ctx, ballot.ID, "The ballot, closed"))
	must(t, w.repo.RemoveLabel(ctx, opened.Number, "rfc/voting"))
	must(t, w.As("maya").Lock("acme/widgets", opened.Number))
	must(t, w.repo.CloseIssue(ctx, opened.Number, "completed"))
	comments, err := w.repo.Comments(ctx, opened.Number, time.Time{})
	must(t, err)
	if len(comments) != 1 || comments[0].Body != "The ballot, closed" {
		t.Errorf("comments %+v", comments)
	}
	events, err := w.repo.IssueEvents(ctx, opened.Number)
	must(t, err)
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Event)
	}
	if !slices.Equal(kinds, []string{"labeled", "unlabeled", "closed"}) {
		t.Errorf("events %v", kinds)
	}
	all, err := w.repo.IssuesSince(ctx, time.Time{})
	must(t, err)
	if len(all) != 1 || all[0].Open || !all[0].Locked {
		t.Errorf("issues %+v", all)
	}
}

func TestAnRFCsPullRequestAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	opened, err := w.As("kim").OpenPullRequest("acme/widgets", ghsim.NewPullRequest{Title: "RFC", Files: map[string]string{"rfc.md": "Let us."}})
	must(t, err)
	_, err = w.As("lee").Review("acme/widgets", opened.Number, "APPROVE", "yes")
	must(t, err)
	reviews, err := w.repo.Reviews(ctx, opened.Number)
	must(t, err)
	if len(reviews) != 1 || reviews[0].State != app.ReviewApproved || reviews[0].Author.Login != "lee" {
		t.Errorf("reviews %+v", reviews)
	}
	check := app.Check{Name: "agora/rfc", HeadSHA: opened.Head.SHA, Status: app.CheckInProgress, Title: "RFC-1", Summary: "voting"}
	run, err := w.repo.CreateCheck(ctx, check)
	must(t, err)
	check.Status, check.Conclusion, check.Summary = app.CheckCompleted, app.CheckSuccess, "accepted"
	must(t, w.repo.UpdateCheck(ctx, run, check))
	checks := w.CheckRuns(opened.Head.SHA)
	if len(checks) != 1 || checks[0].ID != run || checks[0].Conclusion != app.CheckSuccess || checks[0].Output.Summary != "accepted" {
		t.Errorf("checks %+v", checks)
	}
	for _, list := range []func() ([]app.Issue, error){
		func() ([]app.Issue, error) { return w.repo.OpenPulls(ctx) },
		func() ([]app.Issue, error) { return w.repo.PullsForCommit(ctx, opened.Head.SHA) },
	} {
		pulls, err := list()
		must(t, err)
		if len(pulls) != 1 || pulls[0].Pull.HeadSHA != opened.Head.SHA || pulls[0].Pull.BaseRef != "main" {
			t.Errorf("pulls %+v", pulls)
		}
	}
	wantCode(t, w.repo.Merge(ctx, opened.Number, "0123456789012345678901234567890123456789", "squash", "RFC-1"), app.CodeConflict)
	must(t, w.repo.Merge(ctx, opened.Number, opened.Head.SHA, "squash", "RFC-1"))
	merged, err := w.repo.Issue(ctx, opened.Number)
	must(t, err)
	if !merged.Pull.Merged || merged.Open {
		t.Errorf("merged %+v", merged)
	}
}

func TestPeopleAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for login, want := range map[string]app.Permission{
		"maya": app.PermissionAdmin, "kim": app.PermissionMaintain, "lee": app.PermissionTriage, "nobody": app.PermissionNone,
	} {
		got, err := w.repo.Permission(ctx, login)
		must(t, err)
		if got != want {
			t.Errorf("%s has %v, want %v", login, got, want)
		}
	}
	collaborators, err := w.repo.Collaborators(ctx)
	must(t, err)
	if len(collaborators) != 3 {
		t.Errorf("collaborators %+v", collaborators)
	}
	maya, err := w.repo.User(ctx, "MAYA")
	must(t, err)
	same, err := w.repo.UserByID(ctx, maya.ID)
	must(t, err)
	if same != maya || maya.CreatedAt.IsZero() {
		t.Errorf("%+v is not %+v", same, maya)
	}
	for login, want := range map[string][2]bool{"maya": {true, false}, "kim": {false, true}, "lee": {false, false}} {
		owner, err := w.repo.IsOrgOwner(ctx, "acme", login)
		must(t, err)
		steward, err := w.repo.IsTeamMember(ctx, "acme", "stewards", login)
		must(t, err)
		if owner != want[0] || steward != want[1] {
			t.Errorf("%s: owner %v, steward %v", login, owner, steward)
		}
	}
	members, err := w.repo.TeamMembers(ctx, "acme", "stewards")
	must(t, err)
	if len(members) != 1 || members[0].Login != "kim" {
		t.Errorf("members %+v", members)
	}
	file, err := w.repo.File(ctx, ".github/agora.yml", "main")
	must(t, err)
	if string(file.Content) != "version: 1\n" || file.SHA == "" {
		t.Errorf("read %q at %q", file.Content, file.SHA)
	}
	_, err = w.repo.File(ctx, ".github", "main")
	wantCode(t, err, app.CodeInvalid)
	_, err = w.repo.File(ctx, "no.yml", "")
	wantCode(t, err, app.CodeNotFound)
}

func TestWhatMovesAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	maya := w.As("maya")
	w.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "other"})
	var numbers []int
	for range 3 {
		opened, err := maya.OpenIssue("acme/widgets", "An idea", "")
		must(t, err)
		numbers = append(numbers, opened.Number)
	}
	maya.TransferIssue("acme/widgets", numbers[0], "acme/other")
	maya.DeleteIssue("acme/widgets", numbers[1])
	for _, number := range numbers[:2] {
		_, err := w.repo.Issue(ctx, number)
		wantCode(t, err, app.CodeGone)
	}
	must(t, maya.RenameRepository("acme/widgets", "gadgets"))
	_, err := w.repo.Issue(ctx, numbers[2])
	must(t, err)
	_, err = w.repo.CreateComment(ctx, numbers[2], "Still here")
	must(t, err)
	fresh, err := w.repo.Repository(ctx)
	must(t, err)
	if fresh.FullName() != "acme/gadgets" || w.repo.String() != "acme/gadgets" {
		t.Errorf("now %s, known as %s", fresh.FullName(), w.repo)
	}
	w.SuspendInstallation(fresh.Installation, true)
	found, err := w.g.Installation(ctx, fresh.Installation)
	must(t, err)
	if !found.Suspended || found.Account.Login != "acme" {
		t.Errorf("found %+v", found)
	}
	_, err = w.repo.Issue(ctx, numbers[2])
	wantCode(t, err, app.CodeStopped)
}

func TestFaultsAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	opened, err := w.As("lee").OpenIssue("acme/widgets", "An idea", "")
	must(t, err)
	// The comment is written although the answer is lost: it must be found again.
	w.Fault(ghsim.Fault{Method: http.MethodPost, PathPattern: "/repos/acme/widgets/issues/*/comments", Times: 1, DropAfter: true})
	_, err = w.repo.CreateComment(ctx, opened.Number, "once")
	wantCode(t, err, app.CodeUnavailable)
	comments, err := w.repo.Comments(ctx, opened.Number, time.Time{})
	must(t, err)
	if len(comments) != 1 || comments[0].ByApp != w.id {
		t.Errorf("comments %+v", comments)
	}
	w.Fault(ghsim.TooManyRequests(40*time.Second, 1))
	_, err = w.repo.Issue(ctx, opened.Number)
	wantCode(t, err, app.CodeUnavailable)
	if delay, _ := app.RetryDelay(err); delay != 40*time.Second {
		t.Errorf("to wait %v, want 40s", delay)
	}
}
