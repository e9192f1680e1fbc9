package main

import (
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// What outside trials found, each as a story.

func TestAPublicCheckTellsNothingOfAPrivateRFC(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "secret", Private: true, Collaborators: map[string]string{"kim": "write"}})
	s.settle()
	secret, err := s.sim.As("kim").OpenIssue("acme/secret", "Top secret plan", "Nobody knows.", "rfc")
	s.ok(err)
	s.isIn("acme/secret", secret.Number, rfc.Open)

	number := s.pull("zoe", ghsim.NewPullRequest{Title: "Guess", Body: "Implements: RFC-1", Files: map[string]string{"a": "b"}})
	pull, _ := s.sim.Issue(rfcs, number)
	run := s.sim.CheckRuns(pull.Head.SHA)[0]
	if text := run.Output.Title + run.Output.Summary + run.DetailsURL; strings.Contains(text, "secret") || !strings.Contains(text, "cannot be found") {
		t.Errorf("the check says %q", text)
	}
	if run.Conclusion != "failure" {
		t.Errorf("the check is %q: what cannot be found is not accepted", run.Conclusion)
	}
}

// The page of a private repository's RFC answers as if it did not exist, and so nothing
// that Agora writes there leads to it.
func TestNothingLeadsToThePageOfAPrivateRFC(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	for _, private := range []bool{true, false} {
		repo := map[bool]string{true: "acme/vault", false: "acme/square"}[private]
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: strings.TrimPrefix(repo, "acme/"), Private: private, Collaborators: map[string]string{"kim": "write"}})
		s.settle()
		pull, err := s.sim.As("kim").OpenPullRequest(repo, ghsim.NewPullRequest{Title: "Plan", Files: map[string]string{"a": "b"}})
		s.ok(err)
		s.ok(s.sim.As("maya").AddLabels(repo, pull.Number, "rfc"))
		s.settle()
		s.sayIn(repo, "maya", pull.Number, "/rfc vote")
		s.sayIn(repo, "maya", pull.Number, "/vote approve")
		s.over(8 * day)
		s.isIn(repo, pull.Number, rfc.Postponed)
		var said []string
		for _, c := range s.sim.Comments(repo, pull.Number) {
			said = append(said, c.Body)
		}
		pull, _ = s.sim.Issue(repo, pull.Number)
		for _, run := range s.sim.CheckRuns(pull.Head.SHA) {
			said = append(said, run.DetailsURL, run.Output.Summary)
		}
		page := s.url + "/c/acme/rfcs/"
		if leads := strings.Contains(strings.Join(said, "\n"), page); leads == private {
			t.Errorf("%s, private %t, leads to its page: %t\n%s", repo, private, leads, strings.Join(said, "\n"))
		}
		if private {
			continue
		}
		if newest := s.sim.CheckRuns(pull.Head.SHA)[0]; !strings.HasPrefix(newest.DetailsURL, page) {
			t.Errorf("the check's details are at %q", newest.DetailsURL)
		}
	}
}

// A list said in one private repository is read by its readers, who are not those of
// every other.
func TestAListTellsNothingOfOtherPrivateRepositories(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		for _, name := range []string{"vault", "contractors"} {
			s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: name, Private: true, Collaborators: map[string]string{"kim": "write"}})
		}
		s.settle()
		s.issue("kim", "Weights", "Let them count.", "rfc")
		_, err := s.sim.As("kim").OpenIssue("acme/vault", "Merger with umbrella", "Nobody knows.", "rfc")
		s.ok(err)
		own, err := s.sim.As("kim").OpenIssue("acme/contractors", "Hours", "How they are counted.", "rfc")
		s.ok(err)
		list := s.replyTo("acme/contractors", own.Number, s.sayIn("acme/contractors", "kim", own.Number, "/rfc list"))
		s.contains(list, "Weights", "Hours")
		if strings.Contains(list, "umbrella") || strings.Contains(list, "vault") {
			t.Errorf("it tells of another private repository:\n%s", list)
		}
	})
}

// Who works on what is private is nobody's business outside of it, until they are seen in
// public.
func TestWhoWasSeenOnlyInPrivateIsNotNamedInPublic(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.sim.AddUser(ghsim.NewUser{Login: "undercover"})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "vault", Private: true, Collaborators: map[string]string{"undercover": "write", "kim": "write"}})
		s.settle()
		open := s.issue("kim", "Weights", "Let them count.", "rfc")
		secret, err := s.sim.As("undercover").OpenIssue("acme/vault", "Merger", "Nobody knows.", "rfc")
		s.ok(err)
		s.sayIn("acme/vault", "undercover", secret.Number, "I wrote this.")
		shown := func() string {
			return s.text("/api/v1/communities/acme/members?limit=100") + s.text("/api/v1/communities/acme/leaderboard") + s.text("/api/v1/communities/acme/leaderboard?by=reputation") +
				s.replyTo(rfcs, open, s.say("kim", open, "/community leaderboard")) + s.text("/api/v1/communities/acme/members/undercover")
		}
		if all := shown(); strings.Contains(all, "undercover") || !strings.Contains(all, "kim") {
			t.Errorf("the public learns of who works in private:\n%s", all)
		}
		s.refused("kim", open, "/member show @undercover", "is not a member here")
		s.refused("kim", open, "/member reputation @undercover", "is not a member here")
		s.contains(s.replyTo("acme/vault", secret.Number, s.sayIn("acme/vault", "kim", secret.Number, "/member show @undercover")), "undercover")

		s.say("undercover", open, "Now in public.")
		if n := strings.Count(shown(), `"undercover"`); n < 3 {
			t.Errorf("who took part in public is named %d times, want in all lists", n)
		}
		s.contains(s.replyTo(rfcs, open, s.say("kim", open, "/member show @undercover")), "undercover")
	})
}

// A repository taken from the App may become private without a word to it.
func TestWhatTheAppLostSightOfIsNotShown(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "lab", Collaborators: map[string]string{"kim": "write"}})
		s.settle()
		number := s.issue("kim", "Weights", "Let them count.", "rfc")
		s.done("rob", number, "/member join")
		lab, err := s.sim.As("kim").OpenIssue("acme/lab", "Merger with umbrella", "Nobody knows.", "rfc")
		s.ok(err)
		s.sayIn("acme/lab", "maya", lab.Number, "/rfc vote")
		s.isIn("acme/lab", lab.Number, rfc.Voting)
		for _, command := range []string{"/member inbox", "/rfc list", "/member show"} {
			s.contains(s.replyTo(rfcs, number, s.say("kim", number, command)), "RFC-2")
		}
		s.sim.RevokeRepositories(s.installation(), "lab")
		s.settle()
		s.ok(s.sim.As("maya").SetPrivate("acme/lab", true))
		s.settle()
		for _, command := range []string{"/member inbox", "/rfc list", "/member show"} {
			for _, who := range []string{"kim", "rob"} {
				if reply := s.replyTo(rfcs, number, s.say(who, number, command)); strings.Contains(reply, "umbrella") || strings.Contains(reply, "RFC-2") || strings.Contains(reply, "acme/lab") {
					t.Errorf("%s tells %s of it:\n%s", command, who, reply)
				}
			}
		}
		probe := s.pull("rob", ghsim.NewPullRequest{Title: "Guess", Body: "Implements: RFC-2"})
		if _, run := s.check(s.head(probe)); !strings.Contains(run.Output.Title, "cannot be found") {
			t.Errorf("the check says %q", run.Output.Title)
		}
	})
}

// What an acceptance supersedes is part of what is voted on: a line added to the
// description of a pull request during the vote changes no text, and supersedes nothing.
func TestWhatIsSupersededIsVotedOn(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		rule, other := s.issue("kim", "A good rule", "Text.", "rfc"), s.issue("kim", "Another", "Text.", "rfc")
		for n, number := range []int{rule, other} {
			s.accepted(number, n+1, 7*day)
		}
		pull := s.pull("sam", ghsim.NewPullRequest{Title: "A small thing", Body: "Supersedes: RFC-2"}, "rfc")
		s.done("maya", pull, "/rfc vote")
		s.contains(s.ballot(pull, 3, 1).Body, "Accepting it supersedes **RFC-2**.")
		s.react(pull, 3, 1, "+1", "maya", "lee", "noor", "sam", "kim")
		s.pass(7*day - time.Minute)
		s.ok(s.sim.As("sam").EditBody(rfcs, pull, "Supersedes: RFC-1"))
		s.over(time.Minute)
		s.is(pull, rfc.Accepted)
		s.is(rule, rfc.Accepted)
		s.is(other, rfc.Superseded)
	})
}

// Whoever rules one repository takes no RFC of another out of force.
func TestAnRFCSupersedesInItsOwnRepositoryOnly(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		rule := s.issue("kim", "A good rule", "Text.", "rfc")
		s.accepted(rule, 1, 7*day)
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "toys", Collaborators: map[string]string{"sam": "admin"}})
		s.settle()
		toy, err := s.sim.As("sam").OpenIssue("acme/toys", "A toy", "Supersedes: RFC-1", "rfc")
		s.ok(err)
		s.sayIn("acme/toys", "sam", toy.Number, "/rfc vote")
		for _, who := range []string{"maya", "lee", "noor", "sam", "kim"} {
			s.sayIn("acme/toys", who, toy.Number, "/vote approve")
		}
		s.over(7 * day)
		s.isIn("acme/toys", toy.Number, rfc.Accepted)
		s.is(rule, rfc.Accepted)
		s.done("maya", rule, "/rfc supersede by=RFC-2")
		s.is(rule, rfc.Superseded)
	})
}

func TestATamperedStatusIsPutRight(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weights", "Let them count.", "rfc")
	comment := commentWith(t, s.stage, rfcs, number, "<!-- agora:rfc 1 -->")
	s.ok(s.sim.As("maya").EditComment(rfcs, comment.ID, "<!-- agora:rfc 1 -->\nACCEPTED"))
	s.contains(s.sticky(number, 1), "— open\n", "**In discussion**")
	s.ok(s.sim.As("maya").DeleteComment(rfcs, comment.ID))
	s.contains(s.sticky(number, 1), "— open\n", "**In discussion**")
}

func TestADeletedBallotIsMadeAnewAndKeepsItsVotes(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weights", "Let them count.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee")
	s.pass(16 * time.Minute)
	s.ok(s.sim.As("maya").DeleteComment(rfcs, s.ballot(number, 1, 1).ID))
	s.react(number, 1, 1, "-1", "lee") // changes their mind on the new ballot
	s.react(number, 1, 1, "+1", "noor")
	s.pass(16 * time.Minute)
	for who, choice := range map[string]string{"maya": "approve", "lee": "reject", "noor": "approve"} {
		if got := s.counts(1, who); got != choice {
			t.Errorf("%s's ballot counts as %q, want %q", who, got, choice)
		}
	}
}

func TestACommandThatGitHubCannotAnswerHoldsUpNobody(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weights", "Let them count.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.sim.Fault(ghsim.Fault{PathPattern: "/repos/*/*/collaborators/*/permission", Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
	asked := s.say("zoe", number, `/rfc editorial "please"`)
	s.done("lee", number, "/vote approve")
	if got := s.counts(1, "lee"); got != "approve" {
		t.Errorf("lee's ballot counts as %q", got)
	}
	for range 10 {
		s.pass(20 * time.Minute)
	}
	if reply := s.replyTo(rfcs, number, asked); !strings.Contains(reply, "GitHub did not say") {
		t.Errorf("zoe is told %q", reply)
	}
}

func TestADeadlineThatMovesByItselfIsInTheTrail(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weights", "Let them count.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee")
	s.pass(6*24*time.Hour + 12*time.Hour)
	s.done("noor", number, "/vote approve") // first reaches the quorum, late
	var trail struct {
		Items []struct{ Kind, From, To, Reason string }
	}
	s.fetch("/api/v1/communities/acme/rfcs/1/audit?limit=100", &trail)
	for _, e := range trail.Items {
		if e.Kind == "deadline" && strings.Contains(e.Reason, "late") {
			return
		}
	}
	t.Errorf("no entry says that the deadline moved: %+v", trail.Items)
}
