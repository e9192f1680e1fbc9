package ghsim_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"
	"golang.org/x/sync/errgroup"

	"github.com/agora-rfc/agora/app/ghsim"
)

func TestFaultsStrikeTheAppAsOftenAsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Faulty", "")).Number
	say := func(text string) (*github.Response, error) {
		_, res, err := w.client.Issues.CreateComment(ctx, "acme", "widgets", i, &github.IssueComment{Body: github.String(text)})
		return res, err
	}
	comments := func() (out []string) {
		for _, m := range w.Comments(repo, i) {
			out = append(out, m.Body)
		}
		return out
	}
	path := "/repos/acme/widgets/issues/*/comments"

	w.Fault(ghsim.Fault{Method: "POST", PathPattern: path, Times: 1, DropBefore: true})
	if _, err := say("lost"); err == nil {
		t.Error("the dropped request succeeded")
	}
	w.Fault(ghsim.Fault{Method: "POST", PathPattern: path, Times: 1, DropAfter: true})
	if _, err := say("done, unheard"); err == nil {
		t.Error("the request without an answer succeeded")
	}
	w.Fault(ghsim.Fault{PathPattern: "/repos/**", Skip: 1, Times: 2, Status: http.StatusBadGateway})
	for n, want := range []int{201, 502, 502, 201} {
		if res, _ := say(fmt.Sprint(n)); status(res) != want {
			t.Errorf("request %d: got %d, want %d", n, status(res), want)
		}
	}
	must[ghsim.Comment](t)(w.As("bob").Comment(repo, i, "people are spared"))
	if got, want := comments(), []string{"done, unheard", "0", "3", "people are spared"}; !slices.Equal(got, want) {
		t.Errorf("comments are %q, want %q", got, want)
	}

	w.Fault(ghsim.TooManyRequests(7*time.Second, 0))
	if res, _ := say("x"); status(res) != 429 || res.Header.Get("Retry-After") != "7" {
		t.Errorf("429: got %v", res)
	}
	w.ClearFaults()
	w.Fault(ghsim.SecondaryLimit(time.Minute, 1))
	if res, _ := say("x"); status(res) != 403 || res.Header.Get("Retry-After") != "60" {
		t.Errorf("secondary limit: got %v", res)
	}
}

func TestListsMayLagBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.LagReads(10 * time.Second)
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Slow", "")).Number
	m, _, err := w.client.Issues.CreateComment(ctx, "acme", "widgets", i, &github.IssueComment{Body: github.String("x")})
	check(t, err)
	count := func() int {
		list, _, err := w.client.Issues.ListComments(ctx, "acme", "widgets", i, nil)
		check(t, err)
		return len(list)
	}
	if count() != 0 {
		t.Error("the list shows what was just written")
	}
	if _, _, err := w.client.Issues.GetComment(ctx, "acme", "widgets", m.GetID()); err != nil {
		t.Errorf("the comment itself: %v", err)
	}
	w.clock.Add(10 * time.Second)
	if count() != 1 {
		t.Error("the list has not caught up")
	}
}

func TestWebhooksAreHeldShuffledAndSentTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.HoldWebhooks()
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Held", "")).Number
	for n := range 9 {
		must[ghsim.Comment](t)(w.As("bob").Comment(repo, i, fmt.Sprint(n)))
	}
	w.idle(t)
	if got := w.hooks.take(); len(got) != 0 {
		t.Fatalf("%d webhooks came through", len(got))
	}
	w.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 7, Twice: true})
	w.idle(t)
	guids := map[string]int{}
	var bodies []string
	for _, h := range w.hooks.take() {
		guids[h.header.Get("X-GitHub-Delivery")]++
		if e, is := h.event.(*github.IssueCommentEvent); is {
			bodies = append(bodies, e.GetComment().GetBody())
		}
	}
	if len(guids) != 10 {
		t.Errorf("%d deliveries, want 10", len(guids))
	}
	for id, n := range guids {
		if n != 2 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if slices.IsSorted(bodies) {
		t.Error("the webhooks came in order")
	}
}

func TestALostWebhookIsFoundInTheLogAndDeliveredAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.DropWebhooks(func(event, _ string) bool { return event == "issues" })
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Lost", "")).Number
	w.hooks.mu.Lock()
	w.hooks.status = http.StatusInternalServerError
	w.hooks.mu.Unlock()
	must[ghsim.Comment](t)(w.As("bob").Comment(repo, i, "refused"))
	w.idle(t)
	w.hooks.mu.Lock()
	w.hooks.status = http.StatusOK
	w.hooks.mu.Unlock()
	first := w.hooks.take()
	if len(first) != 1 {
		t.Fatalf("%d webhooks arrived, want the comment's alone", len(first))
	}

	options := &github.ListCursorOptions{PerPage: 1}
	var failed []*github.HookDelivery
	for {
		list, res, err := w.owner.Apps.ListHookDeliveries(ctx, options)
		check(t, err)
		for _, d := range list {
			if d.GetStatus() != "OK" {
				failed = append(failed, d)
			}
		}
		if res.Cursor == "" {
			break
		}
		options.Cursor = res.Cursor
	}
	if len(failed) != 2 || failed[0].GetStatusCode() != 500 || failed[1].GetStatusCode() != 0 {
		t.Fatalf("failed deliveries: %v", failed)
	}
	for _, d := range failed {
		if _, res, err := w.owner.Apps.RedeliverHookDelivery(ctx, d.GetID()); status(res) != http.StatusAccepted {
			t.Fatalf("asking for redelivery: %v", err)
		}
	}
	w.idle(t)
	again := w.hooks.take()
	if len(again) != 2 || again[0].header.Get("X-GitHub-Delivery") != first[0].header.Get("X-GitHub-Delivery") {
		t.Errorf("redelivered: %d webhooks", len(again))
	}
	d, _, err := w.owner.Apps.GetHookDelivery(ctx, failed[1].GetID())
	check(t, err)
	w.clock.Add(4 * 24 * time.Hour)
	if list, _, err := w.owner.Apps.ListHookDeliveries(ctx, nil); err != nil || len(list) != 0 {
		t.Errorf("four days later the log has %d entries, %v", len(list), err)
	}
	if e, err := d.ParseRequestPayload(); err != nil || e.(*github.IssuesEvent).GetIssue().GetTitle() != "Lost" {
		t.Errorf("the payload in the log: %v", err)
	}
}

func TestManyPeopleActAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Crowded", "")).Number
	var crowd errgroup.Group
	for n := range 20 {
		login := fmt.Sprintf("voter%d", n)
		w.AddUsers(login)
		crowd.Go(func() error {
			m, err := w.As(login).Comment(repo, i, "/vote approve")
			if err != nil {
				return err
			}
			_, err = w.As(login).React(repo, m.ID, "+1")
			return err
		})
	}
	check(t, crowd.Wait())
	w.idle(t)
	if heard, said := len(w.hooks.take()), len(w.Comments(repo, i)); heard != 21 || said != 20 {
		t.Errorf("%d webhooks of %d comments", heard, said)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Counted", "")).Number
	w.ResetCounters()
	must[ghsim.Comment](t)(w.As("bob").Comment(repo, i, "x"))
	for range 2 {
		_, _, err := w.client.Issues.AddLabelsToIssue(ctx, "acme", "widgets", i, []string{"rfc"})
		check(t, err)
	}
	_, _, err := w.client.Issues.Get(ctx, "acme", "widgets", i)
	check(t, err)
	if w.Writes() != 2 || w.Reads() != 1 {
		t.Errorf("%d writes and %d reads, want 2 and 1: %v", w.Writes(), w.Reads(), w.Requests())
	}
	want := ghsim.RequestCount{Method: "POST", Route: "/repos/{owner}/{repo}/issues/{number}/comments", Status: 201, By: "user", Count: 1}
	if !slices.Contains(w.Requests(), want) {
		t.Errorf("no %v in %v", want, w.Requests())
	}
}
