package web_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/handlers/web"
)

func TestGateOfAnRFC(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rfc(1, rfc.Accepted, public)
	w.rfc(2, rfc.Implemented, public)
	w.rfc(3, rfc.Rejected, public)
	w.rfc(4, rfc.ChangesRequested, public)
	w.rfc(5, rfc.Open, public)
	w.voting(w.rfc(7, rfc.Voting, public))
	for query, want := range map[string]map[string]any{
		"rfc=1":                     {"passed": true, "state": "accepted", "rfc": 1.0, "reason": "RFC-1 was accepted"},
		"rfc=2&require=accepted":    {"passed": true, "state": "implemented", "rfc": 2.0, "reason": "RFC-2 was implemented"},
		"rfc=3":                     {"passed": false, "state": "rejected", "rfc": 3.0, "reason": "RFC-3 was rejected"},
		"rfc=4":                     {"passed": false, "state": "changes-requested", "rfc": 4.0, "reason": "RFC-4 needs changes"},
		"rfc=5":                     {"passed": false, "state": "open", "rfc": 5.0, "reason": "RFC-5 is open for comment"},
		"rfc=7":                     {"passed": false, "state": "voting", "rfc": 7.0, "reason": "RFC-7 is voting: quorum not yet reached"},
		"rfc=1&require=implemented": {"passed": false, "state": "accepted", "rfc": 1.0, "reason": "RFC-1 was accepted, and is not implemented yet"},
		"rfc=2&require=implemented": {"passed": true, "state": "implemented", "rfc": 2.0, "reason": "RFC-2 was implemented"},
	} {
		got := w.json(200, "/api/v1/gate?repo=ACME/RFCs&"+query)
		want["url"] = publicURL + "/c/Acme/rfcs/" + query[4:5]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	w.json(404, "/api/v1/gate?repo=acme/rfcs&rfc=99")
	w.json(404, "/api/v1/gate?repo=acme/nothing&rfc=1")
	for _, query := range []string{"", "?repo=acme/rfcs", "?rfc=1", "?repo=acme&rfc=1", "?repo=acme/rfcs&rfc=0", "?repo=acme/rfcs&rfc=x", "?repo=acme/rfcs&rfc=1&pull=2", "?repo=acme/rfcs&rfc=1&require=voting"} {
		w.json(422, "/api/v1/gate"+query)
	}
}

func TestGateOfAPullRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rfc(1, rfc.Accepted, public)
	w.rfc(2, rfc.Rejected, public)
	w.rfc(8, rfc.Accepted, private)
	for number, bound := range map[int][]int{500: nil, 501: {1}, 502: {1, 2}, 503: {1, 99}, 504: {8}} {
		w.pull(rfc.Pull{Ref: app.IssueRef{Repository: public.ID, Number: number}, URL: "https://github.example/pull", Bound: bound})
	}
	// Pull request 401 is RFC-1 itself: only the commit that was voted on passes.
	w.pull(rfc.Pull{Ref: app.IssueRef{Repository: public.ID, Number: 401}, HeadSHA: "c0ffee"})
	for query, want := range map[string]map[string]any{
		"pull=500": {"passed": true, "state": "", "rfc": 0.0, "reason": "no RFC needed", "url": "https://github.example/pull"},
		"pull=501": {"passed": true, "state": "accepted", "rfc": 1.0, "reason": "RFC-1 was accepted", "url": publicURL + "/c/Acme/rfcs/1"},
		"pull=502": {"passed": false, "state": "rejected", "rfc": 2.0, "reason": "RFC-2 was rejected", "url": publicURL + "/c/Acme/rfcs/2"},
		"pull=503": {"passed": false, "state": "", "rfc": 99.0, "reason": "RFC-99 cannot be found", "url": "https://github.example/pull"},
		"pull=504": {"passed": false, "state": "", "rfc": 8.0, "reason": "RFC-8 cannot be found", "url": "https://github.example/pull"},
		"pull=401": {"passed": true, "state": "accepted", "rfc": 1.0, "reason": "RFC-1 was accepted", "url": publicURL + "/c/Acme/rfcs/1"},
	} {
		if diff := cmp.Diff(want, w.json(200, "/api/v1/gate?repo=acme/rfcs&"+query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	w.json(404, "/api/v1/gate?repo=acme/rfcs&pull=999")
	// A head that was pushed a moment ago is not the one that is known.
	pushed := strings.Repeat("d", 40)
	w.json(503, "/api/v1/gate?repo=acme/rfcs&pull=501&sha="+pushed)
	w.json(503, "/api/v1/gate?repo=acme/rfcs&pull=998&sha="+pushed) // nor a pull request opened a moment ago
	w.pull(rfc.Pull{Ref: app.IssueRef{Repository: public.ID, Number: 501}, HeadSHA: pushed, Bound: []int{1}})
	if got := w.json(200, "/api/v1/gate?repo=acme/rfcs&pull=501&sha="+pushed); got["passed"] != true {
		t.Errorf("the head that is known: %v", got)
	}
	w.pull(rfc.Pull{Ref: app.IssueRef{Repository: public.ID, Number: 401}, HeadSHA: "moved"})
	if got := w.json(200, "/api/v1/gate?repo=acme/rfcs&pull=401"); got["passed"] != false || got["reason"] != "RFC-1 was accepted at another commit" {
		t.Errorf("a moved head: %v", got)
	}
}

func TestGateOfAMergeGroupAsksForEveryPullRequestInIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rfc(1, rfc.Accepted, public)
	w.rfc(2, rfc.Open, public)
	w.rfc(3, rfc.Implemented, public)
	for number, bound := range map[int][]int{500: nil, 501: {1}, 502: {2}, 503: {3}} {
		w.pull(rfc.Pull{Ref: app.IssueRef{Repository: public.ID, Number: number}, Bound: bound})
	}
	head := func(digit string) string { return strings.Repeat(digit, 40) }
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		var errs error
		for _, group := range []rfc.CheckRecord{
			{HeadSHA: head("1"), MergeGroup: true, Pulls: []int{500, 501}},
			{HeadSHA: head("2"), MergeGroup: true, Pulls: []int{500, 502}},
			{HeadSHA: head("3"), MergeGroup: true, Unreadable: "Nobody knows."},
			{HeadSHA: head("4"), Pulls: []int{500}},
			{HeadSHA: head("6"), MergeGroup: true, Pulls: []int{501, 500}},
			{HeadSHA: head("7"), MergeGroup: true, Pulls: []int{501, 500, 503}},
			{HeadSHA: head("8"), MergeGroup: true, Pulls: []int{500}},
		} {
			group.Repository, group.Name = public.ID, rfc.CheckName
			errs = errors.Join(errs, tx.SaveCheck(ctx, group))
		}
		return errs
	})
	for digit, passed := range map[string]bool{"1": true, "2": false, "3": false} {
		if got := w.json(200, "/api/v1/gate?repo=acme/rfcs&head="+head(digit)); got["passed"] != passed {
			t.Errorf("the merge group %s: %v, want passed %v", digit, got, passed)
		}
	}
	for digit, reason := range map[string]string{
		"1": "RFC-1 was accepted", "6": "RFC-1 was accepted", "7": "RFC-1 was accepted; RFC-3 was implemented", "8": "no RFC needed",
	} {
		if got := w.json(200, "/api/v1/gate?repo=acme/rfcs&head="+head(digit)); got["reason"] != reason || got["passed"] != true {
			t.Errorf("the merge group %s: %v, want %q", digit, got, reason)
		}
	}
	w.json(503, "/api/v1/gate?repo=acme/rfcs&head="+head("4")) // no merge group
	w.json(503, "/api/v1/gate?repo=acme/rfcs&head="+head("5"))
	w.json(422, "/api/v1/gate?repo=acme/rfcs&head=main")
}

func TestGateOfAPrivateRepositoryNeedsItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rfc(8, rfc.Accepted, private)
	path := "/api/v1/gate?repo=acme/vault&rfc=8"
	for _, authorization := range []string{"", "Bearer nonsense", "Bearer repository-9", "Basic repository-10", "repository-10", "Bearer "} {
		w.json(404, path, "Authorization", authorization)
	}
	got := w.json(200, path, "Authorization", "bearer repository-10")
	if got["passed"] != true || got["url"] != "https://github.example/acme/rfcs/pull/408" {
		t.Errorf("%v", got)
	}
	response := w.get(path, "Authorization", "Bearer repository-10")
	if response.Header().Get("Vary") != "Authorization" || response.Header().Get("Cache-Control") != "private, no-cache" {
		t.Errorf("a shared cache may keep it: %v", response.Header())
	}
	// The token opens the gate and nothing else.
	w.json(404, "/api/v1/communities/acme/rfcs/8", "Authorization", "Bearer repository-10")
	w.json(503, path, "Authorization", "Bearer later")
	// Nor after the App was taken off the repository.
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.RemoveRepository(ctx, private.ID) })
	w.json(404, path, "Authorization", "Bearer repository-10")
}

func TestTheIssuerOfProofsIsThatOfTheGitHubInUse(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://github.com":       "https://token.actions.githubusercontent.com",
		"https://git.example.org":  "https://git.example.org/_services/token",
		"https://acme.ghe.com":     "https://token.actions.acme.ghe.com",
		"https://git.example.org/": "https://git.example.org/_services/token",
	} {
		if got := web.ActionsIssuer(address); got != want {
			t.Errorf("the issuer at %s is %s, want %s", address, got, want)
		}
	}
}
