package main

import (
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// Whoever writes rules does not want the defaults: while the first ones are broken no
// vote opens, whether Agora was there before them or not.
func TestWhileTheFirstConfigurationIsBrokenNoRoundOpensByTheDefaults(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "By the defaults", "Text.", "rfc")
	voting := s.issue("kim", "Open already", "Text.", "rfc")
	s.done("maya", voting, "/rfc vote")
	s.configure(rfcs, "version: 1\nrfc:\n  min_supporters: many\n")
	s.refused("maya", number, "/rfc vote", "no good one was ever read")
	s.refused("maya", voting, `/rfc restart "fresh"`, "no good one was ever read")
	s.is(voting, rfc.Voting)
	s.over(14 * day)
	s.is(number, rfc.Open)
	s.contains(s.sticky(number, 1), "no good one was ever read")
	s.configure(rfcs, "version: 1\nrfc: { types: { capability_proposal: { voting: 2d } } }\n")
	s.done("maya", number, "/rfc vote")
	if r := s.rfc(1); r.Deadline.Sub(r.VotingOpenedAt) != 2*day {
		t.Errorf("the round lasts %s, want the 2 days of the mended rules", r.Deadline.Sub(r.VotingOpenedAt))
	}
	s.configure(rfcs, "version: [1\n")
	last := s.issue("kim", "By the last good ones", "Text.", "rfc")
	s.done("maya", last, "/rfc vote")
	s.contains(s.sticky(last, 3), "this round follows the last good one")
}

// A vote that is to be held again waits for rules, too.
func TestWhileTheFirstConfigurationIsBrokenNoVoteIsHeldAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	again, editorial := s.issue("kim", "Held again", "Text.", "rfc"), s.issue("kim", "Called editorial", "Text.", "rfc")
	for n, number := range []int{again, editorial} {
		s.done("maya", number, "/rfc vote")
		s.react(number, n+1, 1, "+1", "maya", "lee", "noor")
		s.ok(s.sim.As("kim").EditBody(rfcs, number, "Better text."))
	}
	s.configure(rfcs, "version: [1\n")
	s.over(7 * day)
	s.sim.ResetCounters()
	s.pass(time.Hour)
	s.is(again, rfc.Voting)
	if r := s.rfc(1); r.Round != 1 {
		t.Errorf("it votes in round %d, by rules that nobody wants", r.Round)
	}
	const waits = "The vote is to be held again, and could not be opened yet: the configuration of this repository is broken"
	s.contains(s.sticky(again, 1), waits)
	if counts, table := asked(s.stage); counts["GET /repos/{owner}/{repo}/issues/{number}"] > 10 {
		t.Errorf("while it waits, GitHub is asked over and over:\n%s", table)
	}
	s.done("maya", editorial, `/rfc editorial "a typo"`)
	s.is(editorial, rfc.Accepted)
	s.configure(rfcs, "version: 1\nrfc: { types: { capability_proposal: { voting: 2d } } }\n")
	s.pass(6 * time.Minute)
	s.is(again, rfc.Voting)
	if r := s.rfc(1); r.Round != 2 || r.Deadline.Sub(r.VotingOpenedAt) != 2*day {
		t.Errorf("round %d lasts %s, want round 2 and the 2 days of the mended rules", r.Round, r.Deadline.Sub(r.VotingOpenedAt))
	}
	if sticky := s.sticky(again, 1); strings.Contains(sticky, waits) || strings.Contains(sticky, "last good one") {
		t.Errorf("it warns of what is mended:\n%s", sticky)
	}
}

// While no vote can open, nothing says when one does; once it is mended, it does again.
func TestWhileTheFirstConfigurationIsBrokenNoDateOfVotingIsShown(t *testing.T) {
	t.Parallel()
	const date, mend = "voting opens **", "Voting cannot open until the configuration"
	s := newScene(t, staging{})
	number := s.issue("kim", "Open before it was broken", "Text.", "rfc")
	shows := func(number, rfc int, want, not string) {
		t.Helper()
		sticky := s.sticky(number, rfc)
		if strings.Count(sticky, want) != 1 || strings.Contains(sticky, not) {
			t.Errorf("want %q once and no %q in:\n%s", want, not, sticky)
		}
	}
	shows(number, 1, date, mend)
	s.configure(rfcs, "version: [1\n")
	shows(number, 1, mend, date)
	later := s.issue("kim", "Open after it was broken", "Text.", "rfc")
	shows(later, 2, mend, date)
	s.over(14 * day)
	s.is(number, rfc.Open)
	shows(number, 1, mend, "could not be opened")
	s.configure(rfcs, "version: 1\n")
	shows(later, 2, date, mend)
}

// Whether a vote can open is shown however it came to be known: of an owner's repository
// that the App is not on there are no events.
func TestAConfigurationThatIsBrokenAndMendedWithoutAnEventIsShown(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: ".github"})
		s.settle()
		s.sim.RevokeRepositories(s.installation(), ".github")
		s.settle()
		number := s.issue("kim", "By the defaults", "Text.", "rfc")
		other := s.issue("kim", "Decided upon by nobody", "Text.", "rfc")
		const date, mend = "voting opens **", "Voting cannot open until the configuration"
		shows := func(want, not string) {
			t.Helper()
			for n, issue := range []int{number, other} {
				sticky := s.sticky(issue, n+1)
				if s.contains(sticky, want); strings.Contains(sticky, not) {
					t.Errorf("it says %q:\n%s", not, sticky)
				}
			}
		}
		s.configure("acme/.github", "version: [1\n")
		shows(date, mend)
		s.refused("maya", number, "/rfc vote", "no good one was ever read")
		shows(mend, date)
		s.configure("acme/.github", "version: 1\n")
		shows(mend, date)
		s.pass(time.Hour + time.Minute)
		shows(date, mend)
	})
}

// What was not read yet is not called broken.
func TestWhereNoConfigurationCouldBeReadYetNoneIsCalledBroken(t *testing.T) {
	t.Parallel()
	const other = "acme/proposals"
	s := newScene(t, staging{})
	s.sim.Fault(ghsim.Fault{Method: "GET", PathPattern: "/repos/acme/proposals/contents/**", Status: 503})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "proposals"})
	s.settle()
	moved := s.sim.As("maya").TransferIssue(rfcs, s.issue("kim", "Moved", "Text.", "rfc"), other)
	s.settle()
	s.pass(10 * time.Second) // its comments are looked for once GitHub's lists are current,
	s.pass(10 * time.Second) // and what waited for them goes on
	sticky := commentWith(t, s.stage, other, moved.Number, "<!-- agora:rfc 1 -->").Body
	if s.contains(sticky, "voting opens **"); strings.Contains(sticky, "Voting cannot open") {
		t.Errorf("it calls broken what was not read:\n%s", sticky)
	}
}

func TestWhereNoGoodConfigurationWasReadNoRoundOpens(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "broken", Collaborators: map[string]string{"kim": "write"},
		Files: map[string]string{policyFile: "version: 1\nrfc: { no_such_key: 1 }\n"}})
	s.settle()
	i, err := s.sim.As("kim").OpenIssue("acme/broken", "No rules", "Text.", "rfc")
	s.ok(err)
	s.isIn("acme/broken", i.Number, rfc.Open)
	sticky := commentWith(t, s.stage, "acme/broken", i.Number, "<!-- agora:rfc 1 -->").Body
	if s.contains(sticky, "Voting cannot open until the configuration"); strings.Contains(sticky, "voting opens **") {
		t.Errorf("it says when voting opens, which it does not:\n%s", sticky)
	}
	c := s.sayIn("acme/broken", "maya", i.Number, "/rfc vote")
	if !s.reacted(c, "confused") {
		t.Error("a vote was opened without rules")
	}
	s.contains(s.replyTo("acme/broken", i.Number, c), "configuration", "broken", "line 2", "rfc.no")
	s.over(14 * day)
	s.isIn("acme/broken", i.Number, rfc.Open)
	s.contains(commentWith(t, s.stage, "acme/broken", i.Number, "<!-- agora:rfc 1 -->").Body, "broken")
	s.configure("acme/broken", "version: 1\n")
	s.pass(6 * time.Minute)
	s.isIn("acme/broken", i.Number, rfc.Voting)
}

// What opens no round needs no rules: while the first ones are broken that much goes on,
// and who else may do what is for the broken file to say.
func TestWhereNoGoodConfigurationWasReadWhatOpensNoRoundIsDone(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		const broken = "acme/broken"
		s := newScene(t, staging{databaseURL: url})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "broken", Collaborators: map[string]string{"kim": "write"},
			Files: map[string]string{policyFile: "version: 1\nrfc: { no_such_key: 1 }\nstewards: [lee]\n"}})
		s.settle()
		says := func(who string, number int, text string, done bool, words ...string) {
			t.Helper()
			c := s.sayIn(broken, who, number, text)
			reply := s.replyTo(broken, number, c)
			if s.reacted(c, "rocket") != done {
				t.Errorf("%s: %q was done: %t, want %t: %s", who, text, !done, done, reply)
			}
			s.contains(reply, words...)
		}
		open := func(title string) int {
			t.Helper()
			i, err := s.sim.As("kim").OpenIssue(broken, title, "Text.")
			s.ok(err)
			says("kim", i.Number, "/rfc open", true)
			return i.Number
		}
		const mend = "no good one was ever read"
		number, other := open("No rules"), open("No rules either")
		says("kim", number, "/rfc status", true, "is **open**")
		says("kim", number, "/rfc list", true, "No rules either")
		says("sam", number, "/concern raise "+objection, true)
		says("kim", number, `/concern address 1 "described now"`, true)
		says("maya", number, `/concern overrule 1 "it is described"`, false, mend) // how many stewards there are is not known
		says("sam", number, "/concern resolve 1", true)
		says("maya", number, "/concern uphold 1", false, mend)
		says("kim", number, "/rfc vote", false, mend)
		says("lee", number, "/rfc withdraw", false, mend, "line 2")
		says("kim", number, "/rfc withdraw", true)
		says("maya", number, `/rfc reopen "once more"`, true)
		says("maya", other, "/rfc withdraw", true)
		pull, err := s.sim.As("kim").OpenPullRequest(broken, ghsim.NewPullRequest{Title: "Do it", Body: "Implements: RFC-2"})
		s.ok(err)
		says("maya", pull.Number, `/rfc unlink "wrong number"`, true)

		// A vote that was moved here goes by the rules it was opened with.
		moving := s.issue("kim", "Moved", "Text.", "rfc")
		s.done("maya", moving, "/rfc vote")
		moved := s.sim.As("maya").TransferIssue(rfcs, moving, broken).Number
		s.settle()
		s.pass(10 * time.Second)
		s.pass(10 * time.Second)
		says("noor", moved, "/vote approve", true)
		says("maya", moved, `/rfc extend 1d "holidays"`, true)
		says("maya", moved, `/rfc restart "again"`, false, mend)
		s.ok(s.sim.As("kim").EditBody(broken, moved, "Better text."))
		says("maya", moved, `/rfc editorial "a typo"`, true)
	})
}
