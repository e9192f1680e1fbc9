package ghsim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app/ghsim"
)

// refused tells the status with which an actor was refused, 0 when not.
func refused(err error) int {
	var e *ghsim.StatusError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

func TestListsComeInPagesWithLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Long", "")).Number
	for n := range 25 {
		must[ghsim.Comment](t)(w.As("bob").Comment(repo, i, fmt.Sprint(n)))
	}
	options := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 10}}
	var bodies, want []string
	for n := range 25 {
		want = append(want, fmt.Sprint(n))
	}
	pages := 0
	for {
		list, res, err := w.client.Issues.ListComments(context.Background(), "acme", "widgets", i, options)
		check(t, err)
		for _, m := range list {
			bodies = append(bodies, m.GetBody())
		}
		if pages++; pages == 1 && res.LastPage != 3 {
			t.Errorf("the last page is said to be %d", res.LastPage)
		}
		if res.NextPage == 0 {
			break
		}
		options.Page = res.NextPage
	}
	if pages != 3 || !slices.Equal(bodies, want) {
		t.Errorf("%d pages with %q", pages, bodies)
	}
	code, _, body := w.raw(t, "GET", fmt.Sprintf("repos/acme/widgets/issues/%d/comments?per_page=1000&page=2", i), w.token(t, nil), nil)
	if code != 200 || body != "[]" {
		t.Errorf("beyond the end: %d %s", code, body)
	}
}

func TestReactionsHaveTheirTimeAndAreSummedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Ballot", "")).Number
	m := must[ghsim.Comment](t)(w.As("bob").Comment(repo, i, "vote here")).ID
	first := must[ghsim.Reaction](t)(w.As("alice").React(repo, m, "+1"))
	w.clock.Add(5e9)
	if again := must[ghsim.Reaction](t)(w.As("alice").React(repo, m, "+1")); again != first && again.ID != first.ID {
		t.Error("the same reaction was counted twice")
	}
	must[ghsim.Reaction](t)(w.As("bob").React(repo, m, "-1"))
	got, _, err := w.client.Issues.GetComment(ctx, "acme", "widgets", m)
	check(t, err)
	if r := got.GetReactions(); r.GetTotalCount() != 2 || r.GetPlusOne() != 1 || r.GetMinusOne() != 1 {
		t.Errorf("the summary is %v", r)
	}
	path := fmt.Sprintf("repos/acme/widgets/issues/comments/%d/reactions?content=%%2B1", m)
	if _, _, body := w.raw(t, "GET", path, w.token(t, nil), nil); !strings.Contains(body, `"created_at":"2026-10-01T12:00:00Z"`) || strings.Contains(body, `"-1"`) {
		t.Errorf("reactions +1: %s", body)
	}
	check(t, w.As("alice").Unreact(repo, m, "+1"))
	if left := w.CommentReactions(m); len(left) != 1 || left[0].User.Login != "bob" {
		t.Errorf("left: %v", left)
	}
	if _, err := w.As("alice").React(repo, m, "thumbsup"); refused(err) != 422 {
		t.Errorf("an unknown reaction: %v", err)
	}
	if _, err := w.client.Reactions.DeleteIssueCommentReaction(ctx, "acme", "widgets", m, w.CommentReactions(m)[0].ID); err == nil {
		t.Error("the App took back what a person said")
	}
}

func TestGitHubsLimitsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.As("alice")
	i := must[ghsim.Issue](t)(alice.OpenIssue(repo, "Limits", "")).Number
	long := strings.Repeat("ä", 65536)
	must[ghsim.Comment](t)(alice.Comment(repo, i, long))
	for name, err := range map[string]error{
		"comment":       second(alice.Comment(repo, i, long+"a")),
		"blank comment": second(alice.Comment(repo, i, " \n")),
		"issue":         second(alice.OpenIssue(repo, "x", long+"a")),
		"title":         second(alice.OpenIssue(repo, strings.Repeat("t", 257), "")),
		"label":         alice.CreateLabel(repo, strings.Repeat("l", 51), "ffffff", ""),
		"same label":    errors.Join(alice.CreateLabel(repo, "rfc", "ffffff", ""), alice.CreateLabel(repo, "RFC", "ffffff", "")),
		"colour":        alice.CreateLabel(repo, "c", "red", ""),
	} {
		if refused(err) != 422 {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := strings.Repeat("a", 65536)
	_, res, _ := w.client.Checks.CreateCheckRun(context.Background(), "acme", "widgets", github.CreateCheckRunOptions{Name: "c", HeadSHA: w.HeadSHA(repo, ""),
		Output: &github.CheckRunOutput{Title: github.String("t"), Summary: github.String("s"), Text: &text}})
	if status(res) != 422 {
		t.Errorf("check text: %v", res)
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhoMayDoWhatInAConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	maya, alice, bob, dave := w.As("maya"), w.As("alice"), w.As("bob"), w.As("dave")
	i := must[ghsim.Issue](t)(dave.OpenIssue(repo, "Mine", "", "rfc")).Number
	if len(w.Labels(repo, i)) != 0 {
		t.Error("a stranger set a label")
	}
	m := must[ghsim.Comment](t)(bob.Comment(repo, i, "x")).ID
	check(t, alice.EditComment(repo, m, "edited by a maintainer"))
	check(t, bob.AddLabels(repo, i, "rfc"))
	for name, err := range map[string]error{
		"label by a stranger":          dave.AddLabels(repo, i, "x"),
		"edit by a stranger":           dave.EditComment(repo, m, "y"),
		"delete by a stranger":         dave.DeleteComment(repo, m),
		"title by triage":              bob.EditTitle(repo, i, "z"),
		"lock by triage":               bob.Lock(repo, i),
		"archiving by a maintainer":    alice.SetArchived(repo, true),
		"reading somebody's secret":    second(dave.OpenIssue("acme/secret", "x", "")),
		"an issue that is not there":   second(dave.Comment(repo, 99, "x")),
		"blocking by a mere member":    alice.Block("acme", "dave"),
		"blocking of a member":         maya.Block("acme", "alice"),
		"merging what is no pull":      maya.Merge(repo, i),
		"reviewing what is no pull":    second(maya.Review(repo, i, ghsim.Approve, "")),
		"a team that does not exist":   maya.AddToTeam("acme", "nobody", "dave"),
		"a label that is not there":    alice.RemoveLabel(repo, i, "none"),
		"a reaction that is not there": dave.Unreact(repo, m, "+1"),
	} {
		if s := refused(err); s != 403 && s != 404 && s != 422 {
			t.Errorf("%s: %v", name, err)
		}
	}
	check(t, alice.Lock(repo, i))
	if _, err := dave.Comment(repo, i, "x"); refused(err) != 403 {
		t.Errorf("talking when locked: %v", err)
	}
	if _, err := dave.React(repo, m, "+1"); refused(err) != 403 {
		t.Errorf("reacting when locked: %v", err)
	}
	must[ghsim.Comment](t)(alice.Comment(repo, i, "I may"))
	check(t, alice.Unlock(repo, i))
	check(t, maya.Block("acme", "dave"))
	if _, err := dave.Comment(repo, i, "x"); refused(err) != 403 {
		t.Errorf("talking when blocked: %v", err)
	}
	check(t, maya.Unblock("acme", "dave"))
	check(t, maya.SetArchived(repo, true))
	if _, err := maya.Comment(repo, i, "x"); refused(err) != 403 {
		t.Errorf("talking in an archive: %v", err)
	}
	check(t, maya.SetArchived(repo, false))
	must[ghsim.Comment](t)(dave.Comment(repo, i, "back"))
}

func TestATransferredIssueRedirectsAndADeletedOneIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "gadgets"})
	dave := w.As("dave")
	i := must[ghsim.Issue](t)(dave.OpenIssue(repo, "Traveller", "")).Number
	m := must[ghsim.Comment](t)(dave.Comment(repo, i, "comes along")).ID
	moved := dave.TransferIssue(repo, i, "acme/gadgets")
	got, _, err := w.client.Issues.Get(ctx, "acme", "widgets", i)
	check(t, err)
	if got.GetNumber() != moved.Number || !strings.HasSuffix(got.GetRepositoryURL(), "acme/gadgets") {
		t.Errorf("the redirect leads to %v", got)
	}
	_, _, err = w.client.Issues.CreateComment(ctx, "acme", "widgets", i, &github.IssueComment{Body: github.String("follows")})
	check(t, err)
	if list := w.Comments("acme/gadgets", moved.Number); len(list) != 2 || list[0].Body != "comes along" || list[1].Body != "follows" {
		t.Errorf("comments at the new place: %v", list)
	}
	if _, res, _ := w.client.Issues.GetComment(ctx, "acme", "widgets", m); status(res) != 404 {
		t.Error("the comment is still at the old place")
	}
	gone := must[ghsim.Issue](t)(dave.OpenIssue(repo, "Gone", "")).Number
	dave.DeleteIssue(repo, gone)
	if _, res, _ := w.client.Issues.Get(ctx, "acme", "widgets", gone); status(res) != http.StatusGone {
		t.Errorf("the deleted issue: %v", res)
	}
	if _, there := w.Issue(repo, gone); there {
		t.Error("the deleted issue is there")
	}
	w.idle(t)
	for _, h := range w.hooks.take() {
		if e, is := h.event.(*github.IssuesEvent); is && e.GetAction() == "transferred" && !strings.Contains(string(h.payload), `"new_repository"`) {
			t.Errorf("the transfer does not say where to: %s", h.payload)
		}
	}
}

func TestADeletedAccountIsNull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	i := must[ghsim.Issue](t)(w.As("carol").OpenIssue(repo, "Orphan", "")).Number
	m := must[ghsim.Comment](t)(w.As("carol").Comment(repo, i, "x")).ID
	must[ghsim.Reaction](t)(w.As("carol").React(repo, m, "+1"))
	w.DeleteUser("carol")
	got, _, err := w.client.Issues.Get(ctx, "acme", "widgets", i)
	check(t, err)
	said, _, err := w.client.Issues.GetComment(ctx, "acme", "widgets", m)
	check(t, err)
	reactions, _, err := w.client.Reactions.ListIssueCommentReactions(ctx, "acme", "widgets", m, nil)
	check(t, err)
	if got.User != nil || said.User != nil || len(reactions) != 1 || reactions[0].User != nil {
		t.Errorf("the deleted account shows: %v %v %v", got.User, said.User, reactions)
	}
	if _, res, _ := w.client.Users.Get(ctx, "carol"); status(res) != 404 {
		t.Error("the account is still there")
	}
	w.RenameUser("bob", "robert")
	if u, _, err := w.client.Users.Get(ctx, "ROBERT"); err != nil || u.GetLogin() != "robert" {
		t.Errorf("the renamed account: %v %v", u, err)
	}
}

func TestTheAppsOwnWritesCarryItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Served", "")).Number
	m, _, err := w.client.Issues.CreateComment(ctx, "acme", "widgets", i, &github.IssueComment{Body: github.String("sticky")})
	check(t, err)
	w.idle(t)
	got := w.hooks.take()
	e := got[len(got)-1].event.(*github.IssueCommentEvent)
	if e.GetSender().GetLogin() != "agora[bot]" || e.GetSender().GetType() != "Bot" || m.GetUser().GetID() != w.app.BotID {
		t.Errorf("the webhook's sender is %v", e.GetSender())
	}
	if !strings.Contains(string(got[len(got)-1].payload), `"slug":"agora"`) {
		t.Error("the webhook does not say which App wrote the comment")
	}
}

func TestTheEventListTellsWhoChangedLabelsAndState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "History", "")).Number
	check(t, w.As("bob").AddLabels(repo, i, "rfc"))
	check(t, w.As("bob").RemoveLabel(repo, i, "rfc"))
	check(t, w.As("alice").Close(repo, i))
	check(t, w.As("dave").Reopen(repo, i))
	list, _, err := w.client.Issues.ListIssueEvents(context.Background(), "acme", "widgets", i, nil)
	check(t, err)
	var got []string
	for _, e := range list {
		got = append(got, e.GetActor().GetLogin()+" "+e.GetEvent()+" "+e.GetLabel().GetName())
	}
	if want := []string{"bob labeled rfc", "bob unlabeled rfc", "alice closed ", "dave reopened "}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

func TestAnIssueOpenedWithALabelIsToldTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	check(t, w.As("maya").CreateLabel(repo, "rfc", "0e8a16", ""))
	must[ghsim.Issue](t)(w.As("alice").OpenIssue(repo, "Labelled", "", "rfc"))
	w.idle(t)
	var got []string
	for _, h := range w.hooks.take() {
		if e, is := h.event.(*github.IssuesEvent); is {
			got = append(got, fmt.Sprint(e.GetAction(), len(e.GetIssue().Labels), e.GetLabel().GetName()))
		}
	}
	if want := []string{"opened1", "labeled1rfc"}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	if _, err := w.As("alice").OpenIssue(repo, "Bad label", "", strings.Repeat("l", 51)); refused(err) != 422 {
		t.Errorf("an issue with an impossible label: %v", err)
	}
	if _, there := w.Issue(repo, 2); there {
		t.Error("the refused issue is there")
	}
}
