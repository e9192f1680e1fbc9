package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

func TestTheCheckOfAnRFCPullRequestInEveryState(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.pull("kim", ghsim.NewPullRequest{Title: "A draft", Draft: true}, "rfc")
		s.checkIs(number, "in_progress")
		s.sim.As("kim").MarkReady(rfcs, number)
		s.settle()
		s.checkIs(number, "in_progress")
		s.done("maya", number, "/rfc vote")
		s.checkIs(number, "in_progress")
		_, run := s.check(s.head(number))
		s.contains(run.Output.Title, "RFC-1 is voting", "quorum not yet reached")
		s.react(number, 1, 1, "+1", "maya", "lee", "noor")
		s.over(7 * day)
		s.is(number, rfc.Accepted)
		s.checkIs(number, "success")
		accepted := s.head(number)

		// The head moves: the acceptance holds for the commit that was voted on only.
		s.sim.As("kim").PushToPull(rfcs, number, map[string]string{"typo.md": "mended"})
		s.settle()
		s.checkIs(number, "action_required")
		if got, _ := s.check(accepted); got != "success" {
			t.Errorf("the check of the commit that was voted on is %s, want success", got)
		}
		s.refused("kim", number, `/rfc editorial "a typo"`, "only a steward")
		s.refused("maya", number, `/rfc implement by=#9`, "changed since")
		s.done("maya", number, `/rfc editorial "a typo"`)
		s.checkIs(number, "success")
		build := s.pull("lee", ghsim.NewPullRequest{Title: "Do it"})
		s.ok(s.sim.As("lee").Merge(rfcs, build))
		s.done("maya", number, fmt.Sprintf("/rfc implement by=#%d", build))
		s.is(number, rfc.Implemented)
		s.checkIs(number, "success")
		s.issue("kim", "A successor", "Text.", "rfc")
		s.done("maya", number, "/rfc supersede by=RFC-2")
		s.checkIs(number, "failure")
	})
}

func TestAnRFCPullRequestIsNeverGreenBeforeItIsAccepted(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	for range 5 {
		number := s.pull("maya", ghsim.NewPullRequest{Title: "Labelled from the start", Labels: []string{"rfc"}})
		s.checkIs(number, "in_progress")
		for _, run := range s.sim.CheckRuns(s.head(number)) {
			if run.Conclusion == "success" {
				t.Fatalf("a check of #%d was green: %s", number, run.Output.Title)
			}
		}
	}
}

// A commit wears one check, however many pull requests share it: all must pass.
func TestACommitSharedByPullRequestsAnswersForAllOfThem(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	plain := s.pull("kim", ghsim.NewPullRequest{Title: "Looks harmless"})
	s.settle()
	s.checkIs(plain, "success")
	number := s.pull("kim", ghsim.NewPullRequest{Title: "The RFC", Commit: s.head(plain)}, "rfc")
	s.settle()
	if s.head(number) != s.head(plain) {
		t.Fatal("the two do not share their head")
	}
	s.checkIs(number, "in_progress")
	s.accepted(number, 1, 7*day)
	s.checkIs(number, "success")
}

// A merge group follows what its pull requests come to name.
func TestAMergeGroupIsCheckedAgainWhenAPullRequestInItNamesAnRFC(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.issue("kim", "The RFC", "Text.", "rfc")
	number := s.pull("lee", ghsim.NewPullRequest{Title: "Plain"})
	group := s.sim.As("lee").QueueMerge(rfcs, number)
	s.settle()
	if got, _ := s.check(group); got != "success" {
		t.Errorf("the group is %q, want success", got)
	}
	s.ok(s.sim.As("lee").EditBody(rfcs, number, "Implements: RFC-1"))
	if got, _ := s.check(group); got != "in_progress" {
		t.Errorf("the group is %q after its pull request named an RFC in discussion, want in_progress", got)
	}
}

func TestAnAcceptanceHoldsForTheTextThatWasVotedOn(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "An RFC", "The text.", "rfc")
	s.accepted(number, 1, 7*day)
	implements := s.pull("lee", ghsim.NewPullRequest{Title: "It", Body: "Implements: RFC-1"})
	s.checkIs(implements, "success")
	gate := func() (answer struct {
		Passed bool
		Reason string
	}) {
		s.fetch("/api/v1/gate?repo=acme/rfcs&rfc=1", &answer)
		return answer
	}
	if got := gate(); !got.Passed {
		t.Errorf("the gate is shut: %s", got.Reason)
	}
	s.ok(s.sim.As("kim").EditBody(rfcs, number, "Another text, which nobody voted on."))
	s.checkIs(implements, "action_required")
	if got := gate(); got.Passed || !strings.Contains(got.Reason, "changed since") {
		t.Errorf("the gate passes a text that nobody voted on: %+v", got)
	}
	s.done("maya", number, `/rfc editorial "the same in other words"`)
	s.checkIs(implements, "success")
	if got := gate(); !got.Passed {
		t.Errorf("the gate is shut: %s", got.Reason)
	}
}

func TestTheCheckOfAnRFCPullRequestThatIsNotAccepted(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	rejected := s.pull("kim", ghsim.NewPullRequest{Title: "Rejected"}, "rfc")
	postponed := s.pull("kim", ghsim.NewPullRequest{Title: "Postponed"}, "rfc")
	changes := s.pull("kim", ghsim.NewPullRequest{Title: "Changes requested"}, "rfc")
	withdrawn := s.pull("kim", ghsim.NewPullRequest{Title: "Withdrawn"}, "rfc")
	closed := s.pull("kim", ghsim.NewPullRequest{Title: "Closed"}, "rfc")
	for _, number := range []int{rejected, postponed, changes} {
		s.done("maya", number, "/rfc vote")
	}
	s.react(rejected, 1, 1, "-1", "maya", "lee", "noor")
	s.react(changes, 3, 1, "+1", "maya", "lee", "noor")
	_, err := s.sim.As("sam").Review(rfcs, changes, ghsim.RequestChanges, "The migration path is not described at all.")
	s.ok(err)
	s.over(7 * day)
	s.is(rejected, rfc.Rejected)
	s.checkIs(rejected, "failure")
	if !s.isOpen(rejected) {
		t.Error("Agora closed a pull request; it closes issues only")
	}
	s.is(postponed, rfc.Postponed)
	s.checkIs(postponed, "failure")
	s.is(changes, rfc.ChangesRequested)
	s.checkIs(changes, "action_required")
	s.sim.As("kim").PushToPull(rfcs, changes, map[string]string{"migration.md": "described"})
	s.settle()
	s.is(changes, rfc.Open) // the author's push is the change
	s.checkIs(changes, "in_progress")
	s.done("kim", withdrawn, "/rfc withdraw")
	s.checkIs(withdrawn, "failure")
	// Closing, and opening again, never makes a check green.
	s.ok(s.sim.As("kim").Close(rfcs, closed))
	s.checkIs(closed, "failure")
	s.ok(s.sim.As("kim").Reopen(rfcs, closed))
	s.checkIs(closed, "failure")
	s.ok(s.sim.As("kim").RemoveLabel(rfcs, closed, "rfc"))
	s.checkIs(closed, "failure")
}

func TestTheCheckOfAPullRequestThatImplements(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	first := s.issue("kim", "First", "Text.", "rfc")
	second := s.issue("kim", "Second", "Text.", "rfc")
	none := s.pull("lee", ghsim.NewPullRequest{Title: "Nothing to do with it", Body: "Just a fix."})
	s.checkIs(none, "success")
	_, run := s.check(s.head(none))
	s.contains(run.Output.Title, "no RFC needed")
	one := s.pull("lee", ghsim.NewPullRequest{Title: "One", Body: "Implements: RFC-1"})
	both := s.pull("lee", ghsim.NewPullRequest{Title: "Both", Body: "Implements: RFC-1\nImplements: RFC-2"})
	unknown := s.pull("lee", ghsim.NewPullRequest{Title: "Unknown", Body: "Implements: RFC-99"})
	s.checkIs(one, "in_progress")
	s.checkIs(both, "in_progress")
	s.checkIs(unknown, "failure")

	s.done("maya", first, "/rfc vote")
	s.react(first, 1, 1, "+1", "maya", "lee", "noor")
	s.over(7 * day)
	s.checkIs(one, "success")
	s.checkIs(both, "in_progress") // all of them must pass
	s.done("maya", second, "/rfc withdraw")
	s.checkIs(both, "failure")

	// Who named one stays bound, whatever the text says later, until unlinked.
	s.ok(s.sim.As("lee").EditBody(rfcs, both, "Implements: RFC-1"))
	s.checkIs(both, "failure")
	s.sim.As("lee").PushToPull(rfcs, both, map[string]string{"more.md": "more"})
	s.settle()
	s.checkIs(both, "failure")
	s.ok(s.sim.As("lee").Close(rfcs, both))
	s.ok(s.sim.As("lee").Reopen(rfcs, both))
	s.checkIs(both, "failure")
	s.refused("lee", both, `/rfc unlink "wrong number"`, "only a steward")
	s.done("maya", both, `/rfc unlink "wrong number"`)
	s.checkIs(both, "success")
	s.refused("maya", both, `/rfc unlink "again"`, "bound to no RFC")
	// Naming one binds it again.
	s.ok(s.sim.As("lee").EditBody(rfcs, both, "Fixed.\n\nImplements: RFC-2"))
	s.checkIs(both, "failure")

	// A fix of an innocent pull request binds it from then on.
	s.ok(s.sim.As("lee").EditBody(rfcs, none, "Implements: RFC-2"))
	s.checkIs(none, "failure")
}

func TestMergeQueues(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "The RFC", "Text.", "rfc")
		bound := s.pull("lee", ghsim.NewPullRequest{Title: "Bound", Body: "Implements: RFC-1"})
		free := s.pull("lee", ghsim.NewPullRequest{Title: "Free"})
		alone := s.sim.As("lee").QueueMerge(rfcs, free)
		s.settle()
		if got, _ := s.check(alone); got != "success" {
			t.Errorf("a merge group without an RFC is %q, want success", got)
		}
		together := s.sim.As("lee").QueueMerge(rfcs, bound, free)
		s.settle()
		if got, _ := s.check(together); got != "in_progress" {
			t.Errorf("a merge group with an RFC in discussion is %q, want in_progress", got)
		}
		s.sim.As("lee").LeaveQueue(rfcs, together, "dequeued")
		s.settle()
		if got, _ := s.check(together); got == "success" {
			t.Error("a merge group that was dequeued is green")
		}
		again := s.sim.As("lee").QueueMerge(rfcs, free, bound)
		s.settle()
		s.accepted(number, 1, 7*day)
		if got, _ := s.check(again); got != "success" {
			t.Errorf("a merge group whose RFC was accepted is %q, want success", got)
		}
	})
}

// The branch of a merge group names one of its pull requests; that one must not answer
// for the others, however long GitHub does not say which they are.
func TestAMergeGroupThatCannotBeReadIsNeverGreenByOneOfIt(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.issue("kim", "The RFC", "Text.", "rfc")
	bound := s.pull("lee", ghsim.NewPullRequest{Title: "Bound", Body: "Implements: RFC-1"})
	free := s.pull("lee", ghsim.NewPullRequest{Title: "Free"})
	for _, path := range []string{"/repos/*/*/compare/*", "/repos/*/*/commits/*/pulls"} {
		s.sim.Fault(ghsim.Fault{PathPattern: path, Status: http.StatusNotFound, Times: 2})
		fresh := s.sim.As("lee").QueueMerge(rfcs, bound, free)
		s.settle()
		if got, _ := s.check(fresh); got != "" {
			t.Errorf("%s: while GitHub does not know the commits yet the check is %q", path, got)
		}
		s.pass(5 * time.Second)
		s.pass(5 * time.Second)
		if got, _ := s.check(fresh); got != "in_progress" {
			t.Errorf("%s: ten seconds later the check is %q, want in_progress for the RFC in discussion", path, got)
		}

		s.sim.Fault(ghsim.Fault{PathPattern: path, Status: http.StatusNotFound})
		lost := s.sim.As("lee").QueueMerge(rfcs, bound, free)
		s.settle()
		for range 13 {
			if got, _ := s.check(lost); got == "success" {
				t.Fatalf("%s: the merge group is green by one of its pull requests", path)
			}
			s.pass(5 * time.Second)
		}
		got, run := s.check(lost)
		if got != "failure" || run.Output.Title != "The merge group cannot be read" {
			t.Errorf("%s: a minute later the check is %q (%s)", path, got, run.Output.Title)
		}
		s.sim.ClearFaults()
	}
}

func TestMergeQueueOfAnRFCPullRequest(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.pull("kim", ghsim.NewPullRequest{Title: "The RFC"}, "rfc")
	s.accepted(number, 1, 7*day)
	queued := s.sim.As("lee").QueueMerge(rfcs, number)
	s.settle()
	if got, _ := s.check(queued); got != "success" {
		t.Errorf("the merge group of an accepted RFC is %q, want success", got)
	}
	s.sim.As("kim").PushToPull(rfcs, number, map[string]string{"typo.md": "mended"})
	s.settle()
	queued = s.sim.As("lee").QueueMerge(rfcs, number)
	s.settle()
	if got, _ := s.check(queued); got != "action_required" {
		t.Errorf("the merge group of an RFC whose head moved is %q, want action_required", got)
	}
}

func TestChecksAreMadeAnewWhenAskedForAndBeforeTheyGrowStale(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.pull("kim", ghsim.NewPullRequest{Title: "The RFC"}, "rfc")
	_, first := s.check(s.head(number))
	s.ok(s.sim.As("kim").RerequestCheckRun(rfcs, first.ID))
	_, second := s.check(s.head(number))
	if second.ID == first.ID || second.Status != "in_progress" {
		t.Errorf("the check run was not made anew: %d is %s", second.ID, second.Status)
	}
	suite := fmt.Sprintf(`{"action": "rerequested", "check_suite": {"head_sha": %q}, "repository": {"id": %d}}`, s.head(number), lastDelivery(t, s.stage, "check_run", "rerequested").RepositoryID)
	if status := deliver(t, s.ctx, s.stage, "check_suite", "all-checks", []byte(suite)); status != http.StatusOK {
		t.Fatalf("the request to run all checks again is answered %d", status)
	}
	s.settle()
	_, all := s.check(s.head(number))
	if all.ID == second.ID || all.Status != "in_progress" {
		t.Errorf("the check run was not made anew with all checks: %d is %s", all.ID, all.Status)
	}
	s.pass(13*day + 1)
	s.pass(60e9)
	_, third := s.check(s.head(number))
	if third.ID == all.ID || third.Status != "in_progress" {
		t.Errorf("a check run of 13 days was not made anew: %d is %s", third.ID, third.Status)
	}
	// Votes alone do not edit the check.
	s.done("maya", number, "/rfc vote")
	s.sim.ResetCounters()
	s.react(number, 1, 1, "+1", "maya")
	s.pass(5 * 60e9)
	for _, r := range s.sim.Requests() {
		if r.Count > 0 && strings.Contains(r.Route, "check-runs") {
			t.Errorf("a vote that changed no verdict wrote a check: %+v", r)
		}
	}
}

// What GitHub was asked for and may have done counts as done: a check run made without an
// answer stands above the one that is known, and one finished without an answer is green.
func TestChecksWhoseAnswersAreLost(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.pull("kim", ghsim.NewPullRequest{Title: "The RFC"}, "rfc")
	s.sim.Fault(ghsim.Fault{Method: http.MethodPost, PathPattern: "/repos/acme/rfcs/check-runs", Times: 1, DropAfter: true})
	s.sim.Fault(ghsim.Fault{Method: http.MethodPost, PathPattern: "/repos/acme/rfcs/check-runs", DropBefore: true})
	s.pass(13*day + 1)
	s.pass(time.Minute)
	s.done("maya", number, "/rfc withdraw")
	s.sim.ClearFaults()
	s.pass(time.Hour)
	s.checkIs(number, "failure")

	one := s.issue("kim", "One", "Text.", "rfc")
	s.issue("kim", "Two", "Text.", "rfc")
	s.accepted(one, 2, 7*day)
	both := s.pull("lee", ghsim.NewPullRequest{Title: "Both", Body: "Implements: RFC-2\nImplements: RFC-3"})
	s.checkIs(both, "in_progress")
	s.sim.Fault(ghsim.Fault{Method: http.MethodPatch, PathPattern: "/repos/acme/rfcs/check-runs/*", DropAfter: true})
	s.done("maya", both, `/rfc unlink "wrong number"`)
	s.checkIs(both, "success")
	s.ok(s.sim.As("lee").EditBody(rfcs, both, "Neither."))
	s.ok(s.sim.As("lee").EditBody(rfcs, both, "Both.\n\nImplements: RFC-2\nImplements: RFC-3"))
	s.sim.ClearFaults()
	s.pass(time.Hour)
	s.checkIs(both, "in_progress")
}

// A comment edited without an answer does not count as what it said before: when that is
// to be said again, it is.
func TestACommentWhoseEditIsLostIsMadeTrueAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "The RFC", "Text.", "rfc")
	c := s.say("lee", number, "/vote approve")
	before := s.replyTo(rfcs, number, c)
	s.contains(before, "there is no vote now")
	s.sim.Fault(ghsim.Fault{Method: http.MethodPatch, PathPattern: "/repos/acme/rfcs/issues/comments/*", DropAfter: true})
	s.ok(s.sim.As("lee").EditComment(rfcs, c.ID, "/vote nonsense"))
	if now := s.replyTo(rfcs, number, c); now == before {
		t.Fatal("the reply was not edited")
	}
	s.ok(s.sim.As("lee").EditComment(rfcs, c.ID, "/vote approve"))
	s.sim.ClearFaults()
	s.pass(time.Hour)
	if after := s.replyTo(rfcs, number, c); after != before {
		t.Errorf("the reply stays\n%s\nwant\n%s", after, before)
	}
}

// A reaction given without an answer is taken back when it is no longer wanted.
func TestAReactionWhoseAnswerIsLostIsTakenBack(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "The RFC", "Text.", "rfc")
	s.sim.Fault(ghsim.Fault{Method: http.MethodPost, PathPattern: "/repos/acme/rfcs/issues/comments/*/reactions", DropAfter: true})
	c := s.say("lee", number, "/member jion")
	s.pass(time.Minute)
	if !s.reacted(c, "confused") {
		t.Fatal("the mistyped command is not answered")
	}
	s.ok(s.sim.As("lee").EditComment(rfcs, c.ID, "/member join"))
	s.sim.ClearFaults()
	s.pass(time.Hour)
	if !s.reacted(c, "rocket") || s.reacted(c, "confused") {
		t.Errorf("done, and the comment wears rocket=%t confused=%t", s.reacted(c, "rocket"), s.reacted(c, "confused"))
	}
}

// A pull request that was there before the App gets its check at the first reading.
func TestAPullRequestFromBeforeTheAppIsChecked(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddOrganization(ghsim.NewOrganization{Login: "beta", Owners: []string{"maya"}})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "beta", Name: "app", Collaborators: map[string]string{"lee": "write"}})
	pull, err := s.sim.As("lee").OpenPullRequest("beta/app", ghsim.NewPullRequest{Title: "It"})
	s.ok(err)
	s.pass(3 * day)
	s.sim.Install(s.app.ID, "beta")
	s.settle()
	s.pass(2 * time.Hour)
	if got, _ := s.check(pull.Head.SHA); got != "success" {
		t.Errorf("the check is %q, want success", got)
	}
}

// What a pull request named before it was edited binds it, also when that event comes
// after the edit's.
func TestWhatAPullRequestNamedBindsItHoweverLateThatIsHeard(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.issue("kim", "The RFC", "Text.", "rfc")
	number := s.pull("lee", ghsim.NewPullRequest{Title: "It"})
	s.checkIs(number, "success")
	s.sim.HoldWebhooks()
	must(t, s.sim.As("lee").EditBody(rfcs, number, "Implements: RFC-1"))
	s.clock.ahead.Add(int64(3 * time.Second))
	must(t, s.sim.As("lee").EditBody(rfcs, number, "It implements nothing."))
	s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 4}) // the second first
	s.pass(time.Minute)
	s.checkIs(number, "in_progress")
}

// A public RFC does not tell of a private repository that implements it.
func TestAPrivateImplementationIsNotNamed(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "vault", Private: true, Collaborators: map[string]string{"lee": "write"}})
	s.settle()
	number := s.issue("kim", "The RFC", "Text.", "rfc")
	s.accepted(number, 1, 7*day)
	pull, err := s.sim.As("lee").OpenPullRequest("acme/vault", ghsim.NewPullRequest{Title: "It", Body: "Implements: RFC-1"})
	s.ok(err)
	s.ok(s.sim.As("lee").Merge("acme/vault", pull.Number))
	s.is(number, rfc.Implemented)
	s.quiet()
	s.contains(s.sticky(number, 1), "by a merged pull request")
	for _, path := range []string{"/api/v1/communities/acme/rfcs/1", "/api/v1/communities/acme/rfcs/1/audit", "/c/acme/rfcs/1"} {
		if strings.Contains(s.text(path), "vault") {
			t.Errorf("%s names the private repository", path)
		}
	}
	for _, c := range s.sim.Comments(rfcs, number) {
		if strings.Contains(c.Body, "vault") {
			t.Errorf("a comment names the private repository: %s", c.Body)
		}
	}
}
