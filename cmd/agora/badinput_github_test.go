package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// calls are the kinds of calls that Agora makes on GitHub in the life of an RFC.
var calls = []struct{ name, method, path string }{
	{"a token", http.MethodPost, "/app/installations/*/access_tokens"},
	{"the App", http.MethodGet, "/app"},
	{"the issue", http.MethodGet, "/repos/acme/rfcs/issues/*"},
	{"the pull request", http.MethodGet, "/repos/acme/rfcs/pulls/*"},
	{"comments", http.MethodGet, "/repos/acme/rfcs/issues/*/comments"},
	{"reviews", http.MethodGet, "/repos/acme/rfcs/pulls/*/reviews"},
	{"reactions", http.MethodGet, "/repos/acme/rfcs/issues/comments/*/reactions"},
	{"a ballot comment", http.MethodGet, "/repos/acme/rfcs/issues/comments/*"},
	{"files", http.MethodGet, "/repos/acme/rfcs/contents/**"},
	{"a permission", http.MethodGet, "/repos/acme/rfcs/collaborators/*/permission"},
	{"collaborators", http.MethodGet, "/repos/acme/rfcs/collaborators"},
	{"people", http.MethodGet, "/user/*"},
	{"a new comment", http.MethodPost, "/repos/acme/rfcs/issues/*/comments"},
	{"an edited comment", http.MethodPatch, "/repos/acme/rfcs/issues/comments/*"},
	{"a reaction", http.MethodPost, "/repos/acme/rfcs/issues/comments/*/reactions"},
	{"a label of the repository", http.MethodPost, "/repos/acme/rfcs/labels"},
	{"labels", http.MethodPost, "/repos/acme/rfcs/issues/*/labels"},
	{"a label taken off", http.MethodDelete, "/repos/acme/rfcs/issues/*/labels/*"},
	{"a check", http.MethodPost, "/repos/acme/rfcs/check-runs"},
	{"a changed check", http.MethodPatch, "/repos/acme/rfcs/check-runs/*"},
}

// until gives everything that is retried its turn, again and again, until what is
// waited for has happened.
func until(t *testing.T, ctx context.Context, s *stage, what string, happened func() bool) {
	t.Helper()
	for range 100 {
		if happened() {
			return
		}
		jump(t, ctx, s, 10*time.Minute)
	}
	t.Fatalf("%s did not happen in seventeen hours", what)
}

// has tells whether an issue has a comment with the text.
func has(s *stage, number int, text string) bool {
	return slices.ContainsFunc(s.sim.Comments(rfcs, number), func(c ghsim.Comment) bool { return strings.Contains(c.Body, text) })
}

func allComments(s *stage, number int) string {
	var all strings.Builder
	for _, c := range s.sim.Comments(rfcs, number) {
		all.WriteString(c.Body)
	}
	return all.String()
}

// checkOf is the conclusion of the newest check of a name on a commit.
func checkOf(s *stage, sha, name string) string {
	for _, c := range s.sim.CheckRuns(sha) {
		if c.Name == name {
			return c.Conclusion
		}
	}
	return ""
}

// wait lets hours pass in steps in which everything that is retried gets its turn.
func wait(t *testing.T, ctx context.Context, s *stage, hours int) {
	t.Helper()
	for range hours * 6 {
		jump(t, ctx, s, 10*time.Minute)
	}
}

// pullLife plays the life of an RFC that is a pull request, from its label to its
// decision, giving time to what fails, and checks everything that is to be seen.
func pullLife(t *testing.T, ctx context.Context, s *stage, fail func()) {
	t.Helper()
	fail()
	pull, err := s.sim.As("kim").OpenPullRequest(rfcs, ghsim.NewPullRequest{Title: "Weighted quorum",
		Files: map[string]string{"text.md": "Let weights count.", policyFile: "version: 1\n"}})
	must(t, err)
	must(t, s.sim.As("maya").AddLabels(rfcs, pull.Number, "rfc"))
	until(t, ctx, s, "the opening", func() bool { return has(s, pull.Number, "<!-- agora:rfc 1 -->") })
	fail()
	// While GitHub does not answer for the configuration, the reply is to try again.
	_, err = s.sim.As("maya").Comment(rfcs, pull.Number, "/rfc vote")
	must(t, err)
	again := 0
	until(t, ctx, s, "the vote", func() bool {
		if found := strings.Count(allComments(s, pull.Number), "Try again in a few minutes"); found > again {
			again = found
			_, err := s.sim.As("maya").Comment(rfcs, pull.Number, "/rfc vote")
			must(t, err)
		}
		return has(s, pull.Number, "<!-- agora:ballot 1/1 -->")
	})
	fail()
	ballot := commentWith(t, s, rfcs, pull.Number, "<!-- agora:ballot 1/1 -->")
	react(t, s, "maya", ballot, "+1")
	react(t, s, "noor", ballot, "+1")
	_, err = s.sim.As("lee").Review(rfcs, pull.Number, ghsim.Approve, "")
	must(t, err)
	sam, err := s.sim.As("sam").Comment(rfcs, pull.Number, "/vote abstain\n/vote abstian")
	must(t, err)
	until(t, ctx, s, "the answer", func() bool { return reactionsOf(s, sam.ID) != "" && len(repliesTo(s, pull.Number, sam)) > 0 })
	jump(t, ctx, s, 6*24*time.Hour)
	fail()
	jump(t, ctx, s, 24*time.Hour)
	until(t, ctx, s, "the decision", func() bool {
		return has(s, pull.Number, "<!-- agora:decision 1/1 -->") && slices.Contains(s.sim.Labels(rfcs, pull.Number), "rfc/accepted") &&
			checkOf(s, pull.Head.SHA, "agora/rfc") == "success"
	})
	wait(t, ctx, s, 1)

	for _, marker := range []string{"<!-- agora:rfc 1 -->", "<!-- agora:ballot 1/1 -->", "<!-- agora:decision 1/1 -->"} {
		commentWith(t, s, rfcs, pull.Number, marker)
	}
	if text := replyTo(t, s, pull.Number, sam); !strings.Contains(text, "did you mean `/vote abstain`?") {
		t.Errorf("the reply is %q", text)
	}
	if got := reactionsOf(s, sam.ID); got != "rocket confused" && got != "confused rocket" {
		t.Errorf("the command wears %q", got)
	}
	if got := s.sim.Labels(rfcs, pull.Number); !slices.Equal(got, []string{"rfc", "rfc/accepted"}) {
		t.Errorf("labels %v", got)
	}
	if got := theRFC(t, ctx, s); got.State != "accepted" || got.Tally["approve"].Voters != 3 || got.Tally["abstain"].Voters != 1 {
		t.Errorf("the RFC is %+v", got)
	}
	for _, name := range []string{"agora/rfc", "agora/config"} {
		if got := checkOf(s, pull.Head.SHA, name); got != "success" {
			t.Errorf("the check %s is %q", name, got)
		}
	}
}

// Each kind of call fails twice at each step of the story, with each way GitHub has
// to say "not now": nothing is lost, nothing said twice, and nobody pesters GitHub.
func TestWhatPassesByItselfIsWaitedForOnEveryKindOfCall(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]ghsim.Fault{
		"401":                        {Status: http.StatusUnauthorized},
		"403":                        {Status: http.StatusForbidden},
		"403 with a secondary limit": ghsim.SecondaryLimit(2*time.Minute, 0),
		"429":                        ghsim.TooManyRequests(2*time.Minute, 0),
		"502 of a proxy":             {Status: http.StatusBadGateway, Headers: map[string]string{"Content-Type": "text/html"}, Body: "<html>Bad <b>gateway</b>"},
		"503 with Retry-After":       {Status: http.StatusServiceUnavailable, Headers: map[string]string{"Retry-After": "90"}},
		"no answer":                  {DropBefore: true},
		"no answer after the effect": {DropAfter: true},
		"200 of half a document":     {Status: http.StatusOK, Body: `[{"id": 1, "body": "hal`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := playQuietly(t, staging{})
			s.sim.ResetCounters()
			pullLife(t, ctx, s, func() {
				s.sim.ClearFaults()
				for _, call := range calls {
					f := fault
					f.Method, f.PathPattern, f.Times = call.method, call.path, 2
					if f.Headers["Retry-After"] != "" {
						f.Times = 1 // each holds up everything
					}
					s.sim.Fault(f)
				}
			})
			var asked int
			for _, r := range s.sim.Requests() {
				if r.By == "app" {
					asked += r.Count
				}
			}
			if asked > 2_000 {
				t.Errorf("%d requests in one life", asked)
			}
		})
	}
}

// Retry-After is honoured to the second: not one request before it is over.
func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]ghsim.Fault{
		"403": ghsim.SecondaryLimit(20*time.Minute, 1),
		"429": ghsim.TooManyRequests(20*time.Minute, 1),
		"503": {Status: http.StatusServiceUnavailable, Times: 1, Headers: map[string]string{"Retry-After": strconv.Itoa(20 * 60)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := playQuietly(t, staging{})
			number := openRFC(t, ctx, s)
			s.sim.Fault(fault)
			s.sim.ResetCounters()
			c := writes(t, ctx, s, "maya", number, "/rfc vote")
			asked := requests(s)
			jump(t, ctx, s, 19*time.Minute)
			if now := requests(s); now != asked {
				t.Errorf("%d requests while GitHub had asked for a pause", now-asked)
			}
			jump(t, ctx, s, 2*time.Minute)
			jump(t, ctx, s, 20*time.Minute)
			if got := reactionsOf(s, c.ID); got != "rocket" && theRFC(t, ctx, s).State == "voting" {
				t.Errorf("the command wears %q", got)
			}
			if requests(s) == asked {
				t.Error("nothing was asked when the pause was over")
			}
		})
	}
}

// requests counts what Agora asked of GitHub, tokens left out.
func requests(s *stage) int {
	n := 0
	for _, r := range s.sim.Requests() {
		if r.By == "app" && !strings.Contains(r.Route, "access_tokens") {
			n += r.Count
		}
	}
	return n
}

// What GitHub refuses for long (an archived repository, a permission not granted, a
// comment it does not take) neither stops the vote nor makes Agora insist, and when
// it is over GitHub shows the result.
func TestARefusalThatLastsOnEveryKindOfWriteStopsNoVote(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404, 410, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s, ctx := play(t, staging{})
			number, ballot := openVote(t, ctx, s)
			for _, who := range []string{"maya", "lee", "noor"} {
				react(t, s, who, ballot, "+1")
			}
			jump(t, ctx, s, 4*time.Hour)
			for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodPut} {
				s.sim.Fault(ghsim.Fault{Method: method, PathPattern: "/repos/**", Status: status})
			}
			_, err := s.sim.As("sam").Comment(rfcs, number, "/vote approve\n/vote approv")
			must(t, err)
			settle(t, ctx, s)
			s.sim.ResetCounters()
			jump(t, ctx, s, votingTime)
			for range 12 {
				jump(t, ctx, s, time.Hour)
			}
			if got := theRFC(t, ctx, s); got.State != "accepted" || got.Tally["approve"].Voters != 4 {
				t.Errorf("the RFC is %+v, want accepted by 4", got)
			}
			if n := requests(s); n > 600 {
				t.Errorf("%d requests in twelve hours", n)
			}
			s.sim.ClearFaults()
			wait(t, ctx, s, 2)
			commentWith(t, s, rfcs, number, "<!-- agora:decision 1/1 -->")
			if got := s.sim.Labels(rfcs, number); !slices.Equal(got, []string{"rfc", "rfc/accepted"}) {
				t.Errorf("labels %v", got)
			}
		})
	}
}

// A permission that cannot be asked is neither granted nor refused: the command
// waits, whoever gave it.
func TestAPermissionThatCannotBeAskedIsNeitherGrantedNorRefused(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 502, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s, ctx := playQuietly(t, staging{})
			number := openRFC(t, ctx, s)
			s.sim.Fault(ghsim.Fault{PathPattern: "/repos/acme/rfcs/collaborators/*/permission", Status: status})
			steward, err := s.sim.As("maya").Comment(rfcs, number, "/rfc vote")
			must(t, err)
			settle(t, ctx, s)
			stranger, err := s.sim.As("zoe").Comment(rfcs, number, "/rfc withdraw")
			must(t, err)
			settle(t, ctx, s)
			wait(t, ctx, s, 1)
			for _, c := range []ghsim.Comment{steward, stranger} {
				if got := reactionsOf(s, c.ID); got != "" || replyTo(t, s, number, c) != "" {
					t.Errorf("%q was answered with %q before anybody knew who may", c.Body, got)
				}
			}
			if got := theRFC(t, ctx, s).State; got != "open" {
				t.Errorf("the RFC is %s", got)
			}
			s.sim.ClearFaults()
			wait(t, ctx, s, 1)
			if got := reactionsOf(s, steward.ID); got != "rocket" {
				t.Errorf("the steward's command wears %q once it is known", got)
			}
			if got := reactionsOf(s, stranger.ID); got != "confused" {
				t.Errorf("the stranger's command wears %q once it is known", got)
			}
		})
	}
}

// Tokens that GitHub takes back at any moment are made anew.
func TestExpiredTokensAreMadeAnew(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	pullLife(t, ctx, s, s.sim.ExpireTokens)
}
