package ghsim_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app/ghsim"
)

// people does at least once whatever people can do, each with its webhook.
func (w *world) people(t *testing.T) (issue, pull int) {
	t.Helper()
	maya, alice, dave := w.As("maya"), w.As("alice"), w.As("dave")
	check(t, maya.CreateLabel(repo, "rfc", "0e8a16", "An RFC"))
	check(t, maya.CreateLabel(repo, "old", "ffffff", ""))
	check(t, maya.RenameLabel(repo, "old", "older"))
	check(t, maya.DeleteLabel(repo, "older"))
	i := must[ghsim.Issue](t)(dave.OpenIssue(repo, "Weighted quorum", "text")).Number
	check(t, alice.AddLabels(repo, i, "rfc", "kind/new"))
	check(t, alice.RemoveLabel(repo, i, "kind/new"))
	check(t, dave.EditTitle(repo, i, "Weighted quorums"))
	check(t, dave.EditBody(repo, i, "more text"))
	m := must[ghsim.Comment](t)(w.As("bob").Comment(repo, i, "first")).ID
	check(t, w.As("bob").EditComment(repo, m, "second"))
	must[ghsim.Reaction](t)(dave.React(repo, m, "+1"))
	must[ghsim.Reaction](t)(dave.React(repo, m, "eyes"))
	check(t, dave.Unreact(repo, m, "eyes"))
	x := must[ghsim.Reaction](t)(alice.ReactToIssue(repo, i, "heart"))
	check(t, alice.UnreactToIssue(repo, i, x.ID))
	must[ghsim.Reaction](t)(alice.ReactToIssue(repo, i, "rocket"))
	gone := must[ghsim.Comment](t)(dave.Comment(repo, i, "oops")).ID
	check(t, dave.DeleteComment(repo, gone))
	check(t, alice.Lock(repo, i))
	check(t, alice.Unlock(repo, i))
	check(t, dave.Close(repo, i))
	check(t, dave.Reopen(repo, i))

	p := must[ghsim.Issue](t)(dave.OpenPullRequest(repo, ghsim.NewPullRequest{Title: "RFC: forks", Draft: true}))
	dave.MarkReady(repo, p.Number)
	dave.ConvertToDraft(repo, p.Number)
	dave.MarkReady(repo, p.Number)
	dave.PushToPull(repo, p.Number, map[string]string{"rfcs/forks.md": "more\n"})
	check(t, alice.AddLabels(repo, p.Number, "rfc"))
	check(t, alice.RemoveLabel(repo, p.Number, "rfc"))
	check(t, dave.EditTitle(repo, p.Number, "RFC: forks and branches"))
	w.clock.Add(time.Minute)
	r := must[ghsim.Review](t)(alice.Review(repo, p.Number, ghsim.RequestChanges, "not like this"))
	must[ghsim.Review](t)(w.As("bob").Review(repo, p.Number, ghsim.ReviewComment, "hm"))
	must[ghsim.Review](t)(w.As("carol").Review(repo, p.Number, ghsim.Approve, ""))
	check(t, maya.DismissReview(repo, p.Number, r.ID, "settled"))
	must[ghsim.Comment](t)(dave.Comment(repo, p.Number, "ping"))
	check(t, dave.Close(repo, p.Number))
	check(t, dave.Reopen(repo, p.Number))
	check(t, alice.Lock(repo, p.Number))
	check(t, alice.Unlock(repo, p.Number))
	q := must[ghsim.Issue](t)(alice.OpenPullRequest(repo, ghsim.NewPullRequest{Title: "Branch here", Branch: "here", Files: map[string]string{"docs/a.md": "b\n"}}))
	sha := alice.QueueMerge(repo, p.Number, q.Number)
	alice.LeaveQueue(repo, sha, "dequeued")
	check(t, alice.Merge(repo, q.Number))

	maya.PutFile(repo, ".github/agora.yml", "version: 1\nannounce: {}\n")
	check(t, maya.AddCollaborator(repo, "carol", "push"))
	check(t, maya.AddCollaborator(repo, "carol", "admin"))
	check(t, maya.RemoveCollaborator(repo, "carol"))
	check(t, maya.Block("acme", "dave"))
	check(t, maya.Unblock("acme", "dave"))
	check(t, maya.AddToTeam("acme", "stewards", "bob"))
	check(t, maya.RemoveFromTeam("acme", "stewards", "bob"))
	w.AddMember("acme", "carol", "member")
	w.RemoveMember("acme", "carol")
	other := must[ghsim.Issue](t)(dave.OpenIssue(repo, "To move", "")).Number
	must[ghsim.Comment](t)(dave.Comment(repo, other, "comes along"))
	dave.TransferIssue(repo, other, "acme/moved")
	dave.DeleteIssue(repo, must[ghsim.Issue](t)(dave.OpenIssue(repo, "To delete", "")).Number)
	check(t, maya.SetPrivate("acme/moved", true))
	check(t, maya.SetPrivate("acme/moved", false))
	check(t, maya.SetArchived("acme/moved", true))
	check(t, maya.SetArchived("acme/moved", false))
	check(t, maya.RenameRepository("acme/moved", "renamed"))
	check(t, maya.DeleteRepository("acme/renamed"))
	return i, p.Number
}

// machine does what an App does, and reads everything there is to read.
func (w *world) machine(t *testing.T, c, owner *github.Client, issue, pull int) {
	t.Helper()
	ctx := context.Background()
	const o, r = "acme", "widgets"
	since := w.clock.Now().Add(-time.Hour)
	did := func(_ any, _ *github.Response, err error) { t.Helper(); check(t, err) }
	done := func(_ *github.Response, err error) { t.Helper(); check(t, err) }

	m, _, err := c.Issues.CreateComment(ctx, o, r, issue, &github.IssueComment{Body: github.String("<!-- agora:rfc 1 -->")})
	check(t, err)
	did(c.Issues.EditComment(ctx, o, r, m.GetID(), &github.IssueComment{Body: github.String("edited")}))
	x, _, err := c.Reactions.CreateIssueCommentReaction(ctx, o, r, m.GetID(), "rocket")
	check(t, err)
	did(c.Reactions.CreateIssueCommentReaction(ctx, o, r, m.GetID(), "rocket"))
	did(c.Reactions.ListIssueCommentReactions(ctx, o, r, m.GetID(), nil))
	did(c.Issues.GetComment(ctx, o, r, m.GetID()))
	did(c.Issues.ListComments(ctx, o, r, issue, &github.IssueListCommentsOptions{Since: &since}))
	did(c.Issues.ListComments(ctx, o, r, 0, &github.IssueListCommentsOptions{Sort: github.String("updated"), Direction: github.String("desc")}))
	done(c.Reactions.DeleteIssueCommentReaction(ctx, o, r, m.GetID(), x.GetID()))
	y, _, err := c.Reactions.CreateIssueReaction(ctx, o, r, issue, "eyes")
	check(t, err)
	did(c.Reactions.ListIssueReactions(ctx, o, r, issue, nil))
	done(c.Reactions.DeleteIssueReaction(ctx, o, r, issue, y.GetID()))
	done(c.Issues.DeleteComment(ctx, o, r, m.GetID()))

	did(c.Issues.CreateLabel(ctx, o, r, &github.Label{Name: github.String("rfc/voting"), Color: github.String("1d76db"), Description: github.String("Voting")}))
	did(c.Issues.GetLabel(ctx, o, r, "rfc/voting"))
	did(c.Issues.EditLabel(ctx, o, r, "rfc/voting", &github.Label{Color: github.String("0e8a16")}))
	did(c.Issues.ListLabels(ctx, o, r, nil))
	did(c.Issues.AddLabelsToIssue(ctx, o, r, issue, []string{"rfc/voting"}))
	did(c.Issues.ListLabelsByIssue(ctx, o, r, issue, nil))
	done(c.Issues.RemoveLabelForIssue(ctx, o, r, issue, "rfc/voting"))
	did(c.Issues.ReplaceLabelsForIssue(ctx, o, r, issue, []string{"rfc", "rfc/voting"}))
	did(c.Issues.AddLabelsToIssue(ctx, o, r, pull, []string{"rfc/voting"}))

	did(c.Issues.Get(ctx, o, r, issue))
	did(c.Issues.Get(ctx, o, r, pull))
	did(c.Issues.ListByRepo(ctx, o, r, &github.IssueListByRepoOptions{State: "all", Labels: []string{"rfc"}, Sort: "updated", Direction: "asc"}))
	did(c.Issues.ListIssueEvents(ctx, o, r, issue, nil))
	did(c.Issues.ListIssueEvents(ctx, o, r, pull, nil))
	did(c.Issues.ListRepositoryEvents(ctx, o, r, nil))
	did(c.Issues.Edit(ctx, o, r, issue, &github.IssueRequest{State: github.String("closed"), StateReason: github.String("not_planned")}))
	did(c.Issues.Edit(ctx, o, r, issue, &github.IssueRequest{State: github.String("open")}))
	done(c.Issues.Lock(ctx, o, r, issue, &github.LockIssueOptions{LockReason: "resolved"}))
	done(c.Issues.Unlock(ctx, o, r, issue))
	did(c.Issues.Create(ctx, o, r, &github.IssueRequest{Title: github.String("By the App"), Labels: &[]string{"rfc"}}))

	p, _, err := c.PullRequests.Get(ctx, o, r, pull)
	check(t, err)
	head := p.GetHead().GetSHA()
	did(c.PullRequests.List(ctx, o, r, &github.PullRequestListOptions{State: "all"}))
	did(c.PullRequests.ListCommits(ctx, o, r, pull, nil))
	did(c.PullRequests.ListFiles(ctx, o, r, pull, nil))
	reviews, _, err := c.PullRequests.ListReviews(ctx, o, r, pull, nil)
	check(t, err)
	did(c.PullRequests.GetReview(ctx, o, r, pull, reviews[0].GetID()))
	did(c.PullRequests.CreateReview(ctx, o, r, pull, &github.PullRequestReviewRequest{Event: github.String("COMMENT"), Body: github.String("seen")}))
	did(c.PullRequests.DismissReview(ctx, o, r, pull, reviews[2].GetID(), &github.PullRequestReviewDismissalRequest{Message: github.String("late")}))
	did(c.PullRequests.Edit(ctx, o, r, pull, &github.PullRequest{Title: github.String("Another title")}))
	did(c.PullRequests.ListPullRequestsWithCommit(ctx, o, r, head, nil))

	k, _, err := c.Checks.CreateCheckRun(ctx, o, r, github.CreateCheckRunOptions{Name: "agora/rfc", HeadSHA: head, Status: github.String("in_progress"),
		Output: &github.CheckRunOutput{Title: github.String("Voting"), Summary: github.String("2 of 3")}})
	check(t, err)
	did(c.Checks.UpdateCheckRun(ctx, o, r, k.GetID(), github.UpdateCheckRunOptions{Name: "agora/rfc", Status: github.String("completed"), Conclusion: github.String("success")}))
	did(c.Checks.GetCheckRun(ctx, o, r, k.GetID()))
	did(c.Checks.ListCheckRunsForRef(ctx, o, r, head, &github.ListCheckRunsOptions{CheckName: github.String("agora/rfc"), AppID: &w.app.ID}))
	did(c.Checks.ListCheckSuitesForRef(ctx, o, r, head, nil))
	check(t, w.As("maya").RerequestCheckRun(repo, k.GetID()))

	did(c.Repositories.Get(ctx, o, r))
	did(c.Repositories.ListCollaborators(ctx, o, r, &github.ListCollaboratorsOptions{Permission: "push", Affiliation: "all"}))
	did(c.Repositories.GetPermissionLevel(ctx, o, r, "alice"))
	did(c.Repositories.GetPermissionLevel(ctx, o, r, "dave"))
	_, _, res, err := c.Repositories.GetContents(ctx, o, r, ".github/agora.yml", nil)
	done(res, err)
	_, _, res, err = c.Repositories.GetContents(ctx, o, r, "", &github.RepositoryContentGetOptions{Ref: "main"})
	done(res, err)
	_, _, res, err = c.Repositories.GetContents(ctx, o, r, "docs", nil)
	done(res, err)
	did(c.Repositories.GetBranch(ctx, o, r, "main", 3))
	did(c.Repositories.ListBranches(ctx, o, r, nil))
	did(c.Repositories.GetCommit(ctx, o, r, head, nil))
	did(c.Repositories.ListCommits(ctx, o, r, nil))
	did(c.Repositories.CompareCommits(ctx, o, r, "main", head, nil))
	did(c.Git.GetRef(ctx, o, r, "heads/main"))
	did(c.Apps.ListRepos(ctx, nil))

	did(c.Users.Get(ctx, "alice"))
	did(c.Users.Get(ctx, "agora[bot]"))
	u, _, err := c.Users.Get(ctx, "maya")
	check(t, err)
	did(c.Users.GetByID(ctx, u.GetID()))
	did(c.Organizations.Get(ctx, o))
	did(c.Organizations.ListMembers(ctx, o, &github.ListMembersOptions{Role: "admin"}))
	did(c.Organizations.GetOrgMembership(ctx, "alice", o))
	did(c.Teams.GetTeamBySlug(ctx, o, "stewards"))
	did(c.Teams.ListTeams(ctx, o, nil))
	did(c.Teams.ListTeamMembersBySlug(ctx, o, "stewards", nil))
	did(c.Teams.GetTeamMembershipBySlug(ctx, o, "stewards", "alice"))
	did(c.RateLimit.Get(ctx))

	did(owner.Apps.Get(ctx, ""))
	did(owner.Apps.ListInstallations(ctx, nil))
	did(owner.Apps.GetInstallation(ctx, w.installation))
	did(owner.Apps.FindRepositoryInstallation(ctx, o, r))
	did(owner.Apps.FindOrganizationInstallation(ctx, o))
	did(owner.Apps.FindUserInstallation(ctx, o))
	did(owner.Apps.CreateInstallationToken(ctx, w.installation, &github.InstallationTokenOptions{Repositories: []string{r}, Permissions: &github.InstallationPermissions{Issues: github.String("read")}}))
	w.idle(t)
	deliveries, _, err := owner.Apps.ListHookDeliveries(ctx, &github.ListCursorOptions{PerPage: 50})
	check(t, err)
	did(owner.Apps.GetHookDelivery(ctx, deliveries[0].GetID()))
	if _, res, err := owner.Apps.RedeliverHookDelivery(ctx, deliveries[0].GetID()); status(res) != http.StatusAccepted {
		t.Errorf("redelivery: %v", err)
	}
	did(c.PullRequests.Merge(ctx, o, r, pull, "", &github.PullRequestOptions{SHA: head, MergeMethod: "squash"}))
}

// prepare adds what the tour needs besides the usual world.
func (w *world) prepare(t *testing.T) {
	t.Helper()
	w.AddTeam(ghsim.NewTeam{Organization: "acme", Slug: "stewards", Name: "Stewards", Members: []string{"alice"}, Repositories: map[string]string{"widgets": "admin"}})
	w.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "moved"})
}

// household is what happens to installations.
func (w *world) household() {
	w.RevokeRepositories(w.installation, "secret")
	w.GrantRepositories(w.installation, "secret")
	w.SuspendInstallation(w.installation, true)
	w.SuspendInstallation(w.installation, false)
	w.TransferRepository("acme/secret", "maya")
	w.TransferRepository("maya/secret", "acme")
	w.GrantTeam("acme", "stewards", "widgets", "maintain")
	w.RemoveTeam("acme", "stewards")
	w.Uninstall(w.installation)
	w.Install(w.app.ID, "maya")
}

func TestEverythingPeopleAndTheAppDoSendsItsWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare(t)
	issue, pull := w.people(t)
	w.machine(t, w.client, w.owner, issue, pull)
	w.household()
	w.idle(t)
	seen := w.hooks.names()
	for _, want := range strings.Fields(`
		issues.opened issues.edited issues.labeled issues.unlabeled issues.closed issues.reopened issues.locked issues.unlocked
		issues.transferred issues.deleted issue_comment.created issue_comment.edited issue_comment.deleted
		pull_request.opened pull_request.ready_for_review pull_request.converted_to_draft pull_request.synchronize
		pull_request.labeled pull_request.unlabeled pull_request.edited pull_request.closed pull_request.reopened
		pull_request.locked pull_request.unlocked pull_request_review.submitted pull_request_review.dismissed
		label.created label.edited label.deleted push merge_group.checks_requested merge_group.destroyed
		check_run.created check_run.completed check_run.rerequested member.added member.edited member.removed
		membership.added membership.removed team.created team.added_to_repository team.deleted organization.member_added organization.member_removed
		org_block.blocked org_block.unblocked repository.created repository.privatized repository.publicized
		repository.archived repository.unarchived repository.renamed repository.deleted repository.transferred
		installation.deleted installation.created installation.suspend installation.unsuspend
		installation_repositories.added installation_repositories.removed`) {
		if !slices.Contains(seen, want) {
			t.Errorf("no webhook %s", want)
		}
	}
	for _, h := range w.hooks.take() {
		if h.header.Get("X-GitHub-Hook-Installation-Target-ID") != strconv.FormatInt(w.app.ID, 10) {
			t.Fatalf("headers of a webhook: %v", h.header)
		}
	}
}
