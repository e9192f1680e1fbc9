package main

import (
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

func TestTheNewestVoteOverAllChannelsCounts(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.pull("kim", ghsim.NewPullRequest{Title: "Votes"}, "rfc")
		s.done("maya", number, "/rfc vote")
		expect := func(who, want string) {
			t.Helper()
			if got := s.counts(1, who); got != want {
				t.Errorf("the vote of %s counts as %q, want %q", who, got, want)
			}
		}
		s.react(number, 1, 1, "+1", "lee")
		s.pass(15 * time.Minute)
		expect("lee", "approve")
		s.done("lee", number, "/vote reject")
		expect("lee", "reject")
		s.pass(2 * time.Second)
		review, err := s.sim.As("lee").Review(rfcs, number, ghsim.Approve, "Good after all.")
		s.ok(err)
		expect("lee", "approve")
		// Nobody silences a voter: a dismissal, a plain review and a new head change nothing.
		s.pass(2 * time.Second)
		s.ok(s.sim.As("maya").DismissReview(rfcs, number, review.ID, "I do not like it"))
		expect("lee", "approve")
		_, err = s.sim.As("lee").Review(rfcs, number, ghsim.ReviewComment, "A remark.")
		s.ok(err)
		expect("lee", "approve")
		s.sim.As("kim").PushToPull(rfcs, number, map[string]string{"more.md": "more"})
		s.settle()
		expect("lee", "approve")

		// A retraction over every channel; what was given before never revives.
		s.pass(2 * time.Second)
		s.done("lee", number, "/vote retract")
		expect("lee", "")
		s.pass(15 * time.Minute)
		expect("lee", "")
		s.done("lee", number, `/vote abstain "undecided"`)
		expect("lee", "abstain")

		// A reaction taken back retracts; two that contradict count as none.
		s.react(number, 1, 1, "+1", "noor")
		s.pass(15 * time.Minute)
		expect("noor", "approve")
		s.ok(s.sim.As("noor").Unreact(rfcs, s.ballot(number, 1, 1).ID, "+1"))
		s.pass(15 * time.Minute)
		expect("noor", "")
		s.react(number, 1, 1, "+1", "sam")
		s.pass(2 * time.Second)
		s.react(number, 1, 1, "-1", "sam")
		s.pass(15 * time.Minute)
		expect("sam", "")
		if all := s.ballots(1); !strings.Contains(strings.Join(choices(all, "sam"), " "), "conflicting") {
			t.Errorf("sam's reactions are %v, want conflicting", choices(all, "sam"))
		}
		s.done("sam", number, "/vote reject")
		expect("sam", "reject")
		// Reactions that are no vote, and on other comments, are none.
		s.react(number, 1, 1, "heart", "maya")
		s.pass(15 * time.Minute)
		expect("maya", "")
	})
}

func choices(all []cast, login string) (found []string) {
	for _, b := range all {
		if b.Voter.Login == login {
			found = append(found, b.Choice)
		}
	}
	return found
}

func TestWhoIsInTheElectorate(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "Votes", "Text.", "rfc")
		s.say("rob", number, "I take part.") // registered by it
		s.done("zoe", number, "/member join")
		s.pass(8 * day)
		s.sim.AddUser(ghsim.NewUser{Login: "young", CreatedAt: s.clock.now().Add(-29 * day)})
		s.say("young", number, "I am new on GitHub.")
		s.pass(day)
		s.sim.AddUsers("late")
		s.say("late", number, "I am new here.")
		s.pass(4 * day)
		s.done("maya", number, "/rfc vote")
		s.contains(s.ballot(number, 1, 1).Body, "**7 members** may vote", "of 6 regulars")
		for who, in := range map[string]bool{"rob": true, "zoe": true, "young": false, "late": false} {
			s.done(who, number, "/vote approve")
			if got := s.counts(1, who); (got == "approve") != in {
				t.Errorf("the vote of %s counts as %q, in the electorate: %t", who, got, in)
			}
		}
		var advisory []string
		for _, b := range s.ballots(1) {
			if strings.Contains(b.WhyNot, "advisory") && b.Weight == "0.00" {
				advisory = append(advisory, b.Voter.Login)
			}
		}
		if len(advisory) != 2 {
			t.Errorf("advisory are the votes of %v, want young's and late's", advisory)
		}
		// Frozen: whoever joins, leaves or rises now changes nothing in this round.
		s.done("lee", number, "/member leave")
		s.ok(s.sim.As("maya").AddCollaborator(rfcs, "late", "admin"))
		s.pass(day)
		s.contains(s.ballot(number, 1, 1).Body, "**7 members** may vote")
		if got := s.counts(1, "late"); got != "" {
			t.Errorf("an admin of today counts as %q in a round of yesterday", got)
		}
	})
}

func TestABlockedVotersBallotIsVoid(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Votes", "Text.", "rfc")
	s.done("rob", number, "/member join")
	s.pass(8 * day)
	s.done("maya", number, "/rfc vote")
	s.done("rob", number, "/vote approve")
	if got := s.counts(1, "rob"); got != "approve" {
		t.Fatalf("rob's vote counts as %q, want approve", got)
	}
	need := s.rfc(1).Quorum.Heads.Need
	s.ok(s.sim.As("maya").Block("acme", "rob"))
	if got := s.counts(1, "rob"); got != "" {
		t.Errorf("the vote of a blocked member counts as %q", got)
	}
	s.ok(s.sim.As("maya").Unblock("acme", "rob"))
	if got := s.counts(1, "rob"); got != "" {
		t.Errorf("unblocking brought the vote back as %q", got)
	}
	if now := s.rfc(1).Quorum.Heads.Need; now != need {
		t.Errorf("the quorum moved from %d to %d", need, now)
	}
}

func TestVotesInComments(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Votes", "Text.", "rfc")
	s.refused("lee", number, "/vote approve", "there is no vote now")
	s.done("maya", number, "/rfc vote")
	taken, err := s.sim.As("lee").Comment(rfcs, number, "/vote approve")
	s.ok(err)
	s.ok(s.sim.As("lee").EditComment(rfcs, taken.ID, "/vote reject"))
	if got := s.counts(1, "lee"); got != "approve" {
		t.Errorf("an edited vote counts as %q, want approve as it was", got)
	}
	s.contains(s.replyTo(rfcs, number, taken), "editing it changes nothing")
	s.ok(s.sim.As("lee").DeleteComment(rfcs, taken.ID))
	s.pass(15 * time.Minute)
	if got := s.counts(1, "lee"); got != "approve" {
		t.Errorf("a deleted vote counts as %q, want approve", got)
	}
	s.refused("sam", number, "/vote approve\n/vote reject", "two different ways")
	if got := s.counts(1, "sam"); got != "" {
		t.Errorf("contradicting votes count as %q", got)
	}
	// Somebody else's edit of a comment votes for nobody.
	words := s.say("noor", number, "Hm.")
	s.ok(s.sim.As("maya").EditComment(rfcs, words.ID, "/vote reject"))
	if got := s.counts(1, "noor"); got != "" {
		t.Errorf("noor votes %q by maya's edit", got)
	}
	// Nor by the edit of noor's that comes after it and leaves it there.
	s.ok(s.sim.As("noor").EditComment(rfcs, words.ID, "Hmm.\n\n/vote reject"))
	if got := s.counts(1, "noor"); got != "" {
		t.Errorf("noor votes %q by a line of maya's", got)
	}
	s.ok(s.sim.As("noor").EditComment(rfcs, words.ID, "Hmm.\n\n/vote approve"))
	if got := s.counts(1, "noor"); got != "approve" {
		t.Errorf("noor votes %q by a line of her own, want approve", got)
	}
	s.over(7 * day)
	s.is(number, rfc.Postponed)
	s.refused("noor", number, "/vote approve", "no vote now")
}

// Whether a vote was taken before it was edited follows from when both were written,
// not from which event came first.
func TestAnEditThatOvertakesItsCommentChangesNoVote(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Votes", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	voters := []string{"kim", "lee", "noor", "sam", "maya"}
	s.sim.HoldWebhooks()
	var written []ghsim.Comment
	for _, who := range voters {
		c, err := s.sim.As(who).Comment(rfcs, number, "/vote approve")
		s.ok(err)
		written = append(written, c)
	}
	s.clock.ahead.Add(int64(5 * time.Second))
	for i, who := range voters {
		s.ok(s.sim.As(who).EditComment(rfcs, written[i].ID, "/vote reject"))
	}
	s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 4, Twice: true})
	s.pass(time.Minute)
	s.pass(time.Minute)
	for i, who := range voters {
		if got := s.counts(1, who); got != "approve" {
			t.Errorf("%s votes %q, want approve as it was first written", who, got)
		}
		if got := s.replyTo(rfcs, number, written[i]); !strings.Contains(got, "editing it changes nothing") {
			t.Errorf("%s is answered %q", who, got)
		}
	}
}

// An edit that takes a mistyped command away may come first too: the comment is not left
// with an answer to what it no longer says.
func TestAnEditThatOvertakesAMistypedCommandTakesItBack(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Votes", "Text.", "rfc")
	s.sim.HoldWebhooks()
	c, err := s.sim.As("lee").Comment(rfcs, number, "/vote")
	s.ok(err)
	s.clock.ahead.Add(int64(3 * time.Second))
	s.ok(s.sim.As("lee").EditComment(rfcs, c.ID, "Never mind."))
	s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 4}) // the edit first
	s.pass(time.Minute)
	s.pass(time.Minute)
	if s.reacted(c, "confused") {
		t.Errorf("the comment still wears 😕; the reply: %s", s.replyTo(rfcs, number, c))
	}
}

// Who takes a refused command out is not thanked as if it had worked.
func TestAReplyToWhatWasTakenOutSaysSo(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Votes", "Text.", "rfc")
	out, mended := s.say("lee", number, "/vote"), s.say("noor", number, "/rfc stats")
	s.ok(s.sim.As("lee").EditComment(rfcs, out.ID, "Never mind."))
	s.ok(s.sim.As("noor").EditComment(rfcs, mended.ID, "/concern raise \"The quorum is far too low for this.\""))
	s.contains(s.replyTo(rfcs, number, out), "no longer in the comment")
	s.contains(s.replyTo(rfcs, number, mended), "Thank you, that worked.")
}

// Of two edits of an old comment the first one votes, whichever event comes first.
func TestTheSecondEditOfAnOldCommentDoesNotVoteBeforeTheFirst(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Votes", "Text.", "rfc")
	c := s.say("maya", number, "/rfc vote")
	s.pass(2 * day)
	s.sim.HoldWebhooks()
	for _, text := range []string{"/vote approve", "/vote reject"} {
		s.clock.ahead.Add(int64(3 * time.Second))
		s.ok(s.sim.As("maya").EditComment(rfcs, c.ID, text))
	}
	s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 4}) // the second first
	s.pass(time.Minute)
	s.pass(time.Minute)
	if got := s.counts(1, "maya"); got != "approve" {
		t.Errorf("maya votes %q, want approve as she first edited it", got)
	}
}

// While GitHub fails over a deadline, reactions before it go unread that extend it, and
// a vote within the extension seems to come too late. It counts when all is read.
func TestAVoteWithinAnExtensionThatIsReadLateCounts(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Votes", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.pass(7*day - time.Hour)
	s.sim.Fault(ghsim.Fault{Status: 503})
	s.react(number, 1, 1, "+1", "maya", "kim", "noor", "sam") // reaches the quorum late
	s.clock.ahead.Add(int64(2 * time.Hour))
	_, err := s.sim.As("lee").Comment(rfcs, number, "/vote reject")
	s.ok(err)
	s.clock.ahead.Add(int64(5 * day))
	s.sim.ClearFaults()
	s.pass(time.Minute)
	for range 4 {
		s.pass(20 * time.Minute)
	}
	if got := s.counts(1, "lee"); got != "reject" {
		t.Errorf("the vote counts as %q, want reject", got)
	}
}

func TestAVoteAfterTheDeadlineDoesNotCountThoughTheReadingIsLate(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Votes", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.sim.Fault(ghsim.Fault{Status: 503}) // GitHub is down over the deadline
	s.clock.ahead.Add(int64(7*day + time.Minute))
	s.react(number, 1, 1, "-1", "sam", "kim")
	s.agora.worker.Kick()
	s.settle()
	if got := s.sim.Labels(rfcs, number); !strings.Contains(strings.Join(got, " "), "rfc/voting") {
		t.Errorf("a result without a final reading: %v", got)
	}
	s.sim.ClearFaults()
	s.pass(time.Hour)
	s.pass(time.Minute)
	s.is(number, rfc.Accepted)
	if r := s.rfc(1); r.Tally["approve"].Voters != 3 || r.Tally["reject"].Voters != 0 {
		t.Errorf("the tally is %v, want 3 approvals and no more", r.Tally)
	}
}
