package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// A vote cannot go on with the electorate of a community that the repository left.
func TestARepositoryInVoteMovesToAnotherCommunity(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := neighbours(t, url, true)
		number := s.inVote()
		s.transfer()

		old := s.wants("acme", 1, rfc.Withdrawn)
		if old.Issue != number || old.Repository != moved {
			t.Errorf("acme's RFC-1 is shown at %s#%d", old.Repository, old.Issue)
		}
		const why = "state|voting|withdrawn|its repository moved to another account"
		if trail := s.trail("acme", 1); !slices.Contains(trail, why) {
			t.Errorf("the trail does not say why it ended: %q", trail)
		}
		s.wants("globex", 1, rfc.Open) // the law, as before
		if fresh := s.wants("globex", 2, rfc.Open); fresh.Issue != number || fresh.Repository != moved {
			t.Errorf("globex's RFC-2 is shown at %s#%d", fresh.Repository, fresh.Issue)
		}
		s.shows(moved, number, rfc.Open)

		before := commentWith(t, s.stage, moved, number, "<!-- agora:rfc 1 -->").Body
		s.contains(before, "**Withdrawn**: its repository moved to another account", "account acme", s.url+"/c/acme/rfcs/1")
		s.contains(commentWith(t, s.stage, moved, number, "<!-- agora:rfc 2 -->").Body, "**In discussion**", s.url+"/c/globex/rfcs/2")
		ballot := commentWith(t, s.stage, moved, number, "<!-- agora:ballot 1/1 -->")
		s.contains(ballot.Body, "no longer count")

		// What acme's people voted, and vote there still, counts for nothing in globex.
		_, err := s.sim.As("sam").React(moved, ballot.ID, "+1")
		s.ok(err)
		s.over(8 * day)
		s.shows(moved, number, rfc.Open)
		s.over(7 * day) // the discussion that began in globex is over
		s.shows(moved, number, rfc.Voting)
		commentWith(t, s.stage, moved, number, "<!-- agora:ballot 2/1 -->")
		if r, _ := s.of("globex", 2); r.Tally["approve"].Voters != 0 {
			t.Errorf("ballots of acme count in globex: %+v", r.Tally)
		}
		s.over(8 * day)
		if r, _ := s.of("globex", 2); r.State == "accepted" {
			t.Error("globex accepted what nobody there voted for")
		}
		s.wants("acme", 1, rfc.Withdrawn)
		if got := s.issueIn("acme/other", "kim", "The next"); got != 2 {
			t.Errorf("acme's next RFC is RFC-%d, want RFC-2", got)
		}
		nothingParked(t, s.stage)
	})
}

// What a community decided stays decided there; nothing of the new one shows in it.
func TestWhatWasDecidedStaysWithItsCommunity(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := neighbours(t, url, true)
		number := s.issue("kim", "Decided", "Text.", "rfc")
		s.accepted(number, 1, 7*day)
		s.transfer()
		s.pass(time.Hour)
		s.wants("acme", 1, rfc.Accepted)
		if trail := s.trail("acme", 1); !slices.Contains(trail, fmt.Sprintf("transferred|#%d||its repository moved to another account", number)) {
			t.Errorf("the trail does not say that it moved: %q", trail)
		}
		if answer := s.gate("repo=globex/rfcs&rfc=1"); answer.Passed {
			t.Errorf("globex's gate passes by what acme accepted: %+v", answer)
		}
		if _, found := s.of("globex", 2); found {
			t.Error("a closed issue became an RFC of globex")
		}

		s.ok(s.sim.As("gwen").EditTitle(moved, number, "A secret of globex"))
		s.pass(time.Hour)
		if r := s.wants("acme", 1, rfc.Accepted); r.Title != "Decided" {
			t.Errorf("acme sees what happens in globex: %q", r.Title)
		}
		paths := []string{"/api/v1/communities/acme/rfcs/1", "/api/v1/communities/acme/rfcs/1/audit", "/c/acme/rfcs/1"}
		s.ok(s.sim.As("gwen").SetPrivate(moved, true))
		for _, path := range paths {
			if got := s.fetch(path, nil); got != http.StatusNotFound {
				t.Errorf("%s answers %d while the repository is private, want 404", path, got)
			}
		}
	})
}

// No check turns green because a repository moves to where the same number means
// another RFC.
func TestNoCheckTurnsGreenByAMove(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := neighbours(t, url, true)
		s.passed("globex/law", 2)
		s.accepted(s.issue("kim", "Accepted in acme", "Text.", "rfc"), 1, 7*day)
		own := s.pull("kim", ghsim.NewPullRequest{Title: "RFC-2", Body: "Text."}, "rfc")
		ended := s.pull("kim", ghsim.NewPullRequest{Title: "RFC-3", Body: "Text."}, "rfc")
		s.done("kim", ended, "/rfc withdraw")
		s.ok(s.sim.As("maya").RemoveLabel(rfcs, ended, "rfc"))
		good := s.pull("kim", ghsim.NewPullRequest{Title: "Good", Body: "Implements: RFC-1"})
		waits := s.pull("kim", ghsim.NewPullRequest{Title: "Waits", Body: "Implements: RFC-2"})
		free := s.pull("kim", ghsim.NewPullRequest{Title: "Free", Body: "Text."})
		heads := map[int]string{}
		for _, n := range []int{own, ended, good, waits, free} {
			heads[n] = s.head(n)
		}
		expect := func(when string, want map[int]string) {
			t.Helper()
			for n, conclusion := range want {
				if got, run := s.check(heads[n]); got != conclusion {
					t.Errorf("%s the check of #%d is %q (%s), want %q", when, n, got, run.Output.Title, conclusion)
				}
			}
		}
		expect("before", map[int]string{own: "in_progress", ended: "failure", good: "success", waits: "in_progress", free: "success"})
		s.transfer()
		after := map[int]string{own: "in_progress", ended: "failure", good: "failure", waits: "failure", free: "success"}
		expect("after the move", after)
		for _, n := range []int{own, ended, good, waits, free} {
			if answer := s.gate(fmt.Sprintf("repo=globex/rfcs&pull=%d", n)); answer.Passed != (n == free) {
				t.Errorf("the gate says of #%d: %+v", n, answer)
			}
		}
		s.pass(2 * time.Hour)
		expect("later", after)
		for _, n := range []int{ended, waits} {
			if c := s.sayIn(moved, "gwen", n, `/rfc unlink "It is ours now."`); !s.reacted(c, "rocket") {
				t.Errorf("a steward does not free #%d: %s", n, s.replyTo(moved, n, c))
			}
		}
		expect("freed", map[int]string{ended: "success", good: "failure", waits: "success"})

		s.sim.TransferRepository(moved, "acme")
		s.settle()
		expect("back", map[int]string{own: "failure", ended: "failure", good: "success", waits: "failure", free: "success"})
	})
}

// The events of the move are lost: any later one says where the repository is.
func TestAMoveOfWhichAnyEventTells(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := neighbours(t, url, true)
		number := s.inVote()
		s.sim.DropWebhooks(everything)
		s.sim.TransferRepository(rfcs, "globex")
		s.settle()
		s.sim.DropWebhooks(nil)
		s.sayIn(moved, "hugo", number, "A word.")
		s.wants("acme", 1, rfc.Withdrawn)
		s.wants("globex", 2, rfc.Open)
		s.shows(moved, number, rfc.Open)
	})
}

// There is no event: a reading of the old account finds it gone, and where.
func TestAMoveOfWhichNoEventTells(t *testing.T) {
	t.Parallel()
	for name, private := range map[string]bool{"public": false, "private": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := neighbours(t, "", true)
			number := s.inVote()
			s.ok(s.sim.As("maya").SetPrivate(rfcs, private))
			s.sim.SetWebhookURL(s.app.ID, "")
			s.sim.TransferRepository(rfcs, "globex")
			s.sim.SetWebhookURL(s.app.ID, s.url+"/api/github/hook")
			s.pass(time.Hour)
			s.shows(moved, number, rfc.Open)
			s.over(8 * day)
			s.shows(moved, number, rfc.Open)
			if !private {
				s.wants("acme", 1, rfc.Withdrawn)
				s.wants("globex", 2, rfc.Open)
			}
		})
	}
}

// Where the App is not installed nothing is known of the repository, and nothing asked.
// Once it is, the vote of the old community has ended there too.
func TestARepositoryMovesToWhereTheAppIsNot(t *testing.T) {
	t.Parallel()
	for name, private := range map[string]bool{"public": false, "private": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				s := neighbours(t, url, false)
				number := s.inVote()
				s.ok(s.sim.As("maya").SetPrivate(rfcs, private))
				s.transfer()
				for range 2 {
					s.pass(time.Hour)
				}
				if _, found := s.of("acme", 1); found {
					t.Error("acme shows what nobody vouches for any more")
				}
				s.over(8 * day)
				s.sim.ResetCounters()
				for range 30 {
					s.pass(day)
				}
				if n := askedOf(s.stage); n > 0 {
					t.Errorf("%d requests in a month: %+v", n, s.sim.Requests())
				}
				s.shows(moved, number, rfc.Voting) // as it was left
				nothingParked(t, s.stage)

				s.sim.Install(s.app.ID, "globex")
				s.settle()
				s.pass(time.Minute)
				s.shows(moved, number, rfc.Open)
				if !private {
					s.wants("acme", 1, rfc.Withdrawn)
					s.wants("globex", 1, rfc.Open)
				}
				s.over(20 * day)
				if got := s.sim.Labels(moved, number); slices.Contains(got, "rfc/accepted") {
					t.Errorf("the old votes were counted: %v", got)
				}
			})
		})
	}
}

// Back in its community, an RFC is at its issue again, under its number, as it was left.
func TestARepositoryMovesAndComesBack(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := neighbours(t, url, true)
		number := s.inVote()
		decided := s.issue("kim", "Decided", "Text.", "rfc")
		s.done("maya", decided, "/rfc vote")
		s.react(decided, 2, 1, "+1", "maya", "lee", "noor", "sam")
		s.over(7 * day)
		s.is(decided, rfc.Accepted)
		again := s.issue("kim", "Still open", "Text.", "rfc")
		s.transfer()
		s.wants("acme", 3, rfc.Withdrawn)
		s.shows(moved, again, rfc.Open)

		s.sim.TransferRepository(moved, "acme")
		s.settle()
		s.pass(time.Minute)
		for n, state := range map[int]rfc.State{1: rfc.Accepted, 2: rfc.Accepted, 3: rfc.Withdrawn} {
			if r := s.wants("acme", n, state); r.Repository != rfcs || r.Issue != map[int]int{1: number, 2: decided, 3: again}[n] {
				t.Errorf("acme's RFC-%d is at %s#%d", n, r.Repository, r.Issue)
			}
		}
		s.is(again, rfc.Withdrawn)
		s.wants("globex", 2, rfc.Withdrawn)
		s.done("maya", again, `/rfc reopen "It came back."`)
		s.is(again, rfc.Draft)
		s.done("kim", again, "/rfc open")
		s.is(again, rfc.Open)
		s.wants("acme", 3, rfc.Open)
		s.wants("globex", 2, rfc.Withdrawn)
		nothingParked(t, s.stage)
	})
}

// An event that the old account sent may come when the repository is in the new one.
func TestAnEventFromBeforeAMoveIsLeftAlone(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := neighbours(t, url, true)
		number := s.issue("kim", "Moves", "Text.", "rfc")
		s.sim.DropWebhooks(func(event, _ string) bool { return event == "issue_comment" })
		s.say("lee", number, "/concern raise "+objection)
		late := lastDelivery(t, s.stage, "issue_comment", "created")
		s.sim.DropWebhooks(nil)
		s.transfer()
		gone := fmt.Sprintf(`{"action": "removed", "installation": {"id": %d, "account": {"id": %d, "login": "acme", "type": "Organization"}},
			"repositories_added": [], "repositories_removed": [{"id": %d, "name": "rfcs", "full_name": "acme/rfcs"}]}`, late.InstallationID, s.community(), late.RepositoryID)
		for event, payload := range map[string][]byte{"issue_comment": late.Payload, "installation_repositories": []byte(gone)} {
			if status := deliver(t, s.ctx, s.stage, event, "", payload); status != http.StatusOK {
				t.Fatalf("the late event is answered %d", status)
			}
		}
		s.settle()
		s.pass(time.Minute)
		s.wants("acme", 1, rfc.Withdrawn)
		if r := s.wants("globex", 2, rfc.Open); r.ConcernsOpen != 0 {
			t.Error("what was said in acme is a concern in globex")
		}
		s.shows(moved, number, rfc.Open)
	})
}

// The rules of the old community rule nothing in the new one, even where that has none
// that can be read.
func TestARepositoryLeavesTheRulesOfItsCommunity(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := neighbours(t, url, true)
		for owner, rules := range map[string]string{"acme": "rfc: { types: { capability_proposal: { voting: 1h } } }", "globex": "rfc: nonsense"} {
			s.sim.AddRepository(ghsim.NewRepository{Owner: owner, Name: ".github"})
			s.sim.As(map[string]string{"acme": "maya", "globex": "gwen"}[owner]).PutFile(owner+"/.github", ".github/agora.yml", "version: 1\n"+rules+"\n")
			s.settle()
		}
		number := s.issue("kim", "Moves", "Text.", "rfc")
		s.transfer()
		c := s.sayIn(moved, "gwen", number, "/rfc vote")
		s.contains(s.replyTo(moved, number, c), "agora.yml")
		s.shows(moved, number, rfc.Open)
		s.sim.As("gwen").PutFile("globex/.github", ".github/agora.yml", "version: 1\nrfc: { types: { capability_proposal: { voting: 3d } } }\n")
		s.settle()
		s.sayIn(moved, "gwen", number, "/rfc vote")
		if r := s.wants("globex", 2, rfc.Voting); r.Deadline.Sub(r.VotingOpenedAt) != 3*day {
			t.Errorf("the vote in globex lasts %s, want 3 days", r.Deadline.Sub(r.VotingOpenedAt))
		} else if s.wants("acme", 1, rfc.Withdrawn).PolicyVersion == r.PolicyVersion {
			t.Error("acme shows the rules of globex")
		}
	})
}
