package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// votingTime is how long a vote on a capability proposal lasts (RULES §2), and a bit.
const votingTime = 7*24*time.Hour + time.Minute

// ballotOf is a ballot as the API serves it.
type ballotOf struct {
	Voter   struct{ Login string }
	Choice  string
	Weight  string
	Counted bool
	WhyNot  string `json:"why_not"`
	Channel string
}

// ballotsOf are the ballots of RFC-1 that somebody cast, the newest reading of each.
func ballotsOf(t *testing.T, ctx context.Context, s *stage, login string) []ballotOf {
	t.Helper()
	list := served[struct{ Items []ballotOf }](t, ctx, s, "/api/v1/communities/acme/rfcs/1/ballots")
	var found []ballotOf
	for _, b := range list.Items {
		if b.Voter.Login == login {
			found = append(found, b)
		}
	}
	return found
}

// react reacts to a ballot comment as somebody.
func react(t *testing.T, s *stage, who string, ballot ghsim.Comment, content string) {
	t.Helper()
	_, err := s.sim.As(who).React(rfcs, ballot.ID, content)
	must(t, err)
}

func TestAContradictingCommentCountsNoVote(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	c := writes(t, ctx, s, "lee", number, "/vote approve\n/vote reject \"no, wait\"")
	if got := theRFC(t, ctx, s).Tally; got["approve"].Voters+got["reject"].Voters != 0 {
		t.Errorf("tally %+v", got)
	}
	if got := reactionsOf(s, c.ID); got != "confused" {
		t.Errorf("reactions %q", got)
	}
	if got := replyTo(t, s, number, c); !strings.Contains(got, "none of its votes counts") {
		t.Errorf("reply %q", got)
	}
}

func TestTwoContradictingReactionsCountNeitherUntilANewerAct(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, ballot := openVote(t, ctx, s)
	react(t, s, "lee", ballot, "+1")
	react(t, s, "lee", ballot, "-1")
	jump(t, ctx, s, 20*time.Minute)
	if got := theRFC(t, ctx, s).Tally; got["approve"].Voters+got["reject"].Voters != 0 {
		t.Errorf("tally %+v", got)
	}
	if got := fmt.Sprint(ballotsOf(t, ctx, s, "lee")); !strings.Contains(got, "conflicting") {
		t.Errorf("not shown as conflicting: %s", got)
	}
	writes(t, ctx, s, "lee", number, "/vote approve")
	if got := theRFC(t, ctx, s).Tally; got["approve"].Voters != 1 {
		t.Errorf("tally %+v after a newer act", got)
	}
}

// GitHub is down over the deadline. What was cast before it counts although it is
// read days later; what was cast after it does not.
func TestVotesAfterTheDeadlineDoNotCountHoweverLateTheyAreRead(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, ballot := openVote(t, ctx, s)
	for _, who := range []string{"maya", "lee", "noor"} {
		react(t, s, who, ballot, "+1")
	}
	s.sim.DropWebhooks(func(string, string) bool { return true })
	_, err := s.sim.As("sam").Comment(rfcs, number, "/vote approve")
	must(t, err)
	s.sim.DropWebhooks(nil)
	s.sim.Fault(ghsim.Fault{Status: http.StatusServiceUnavailable})
	jump(t, ctx, s, votingTime)
	if got := theRFC(t, ctx, s).State; got != "voting" {
		t.Fatalf("the RFC is %s while GitHub cannot be read", got)
	}
	react(t, s, "kim", ballot, "-1")
	react(t, s, "lee", ballot, "-1")
	late := writes(t, ctx, s, "maya", number, "/vote reject")
	jump(t, ctx, s, 24*time.Hour)
	s.sim.ClearFaults()
	jump(t, ctx, s, 30*time.Minute)
	jump(t, ctx, s, 30*time.Minute)
	got := theRFC(t, ctx, s)
	if got.State != "accepted" || got.Tally["approve"].Voters != 4 || got.Tally["reject"].Voters != 0 {
		t.Errorf("the RFC is %+v, want accepted by 4", got)
	}
	if text := replyTo(t, s, number, late); !strings.Contains(text, "ended at") {
		t.Errorf("the late vote was answered %q", text)
	}
}

func TestARenamedVoterKeepsOneVote(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, ballot := openVote(t, ctx, s)
	react(t, s, "lee", ballot, "+1")
	jump(t, ctx, s, 20*time.Minute)
	s.sim.RenameUser("lee", "leander")
	s.sim.AddUser(ghsim.NewUser{Login: "lee"}) // somebody else takes the old name
	writes(t, ctx, s, "leander", number, "/vote reject")
	writes(t, ctx, s, "lee", number, "/vote approve")
	jump(t, ctx, s, 20*time.Minute)
	got := theRFC(t, ctx, s).Tally
	if got["approve"].Voters != 0 || got["reject"].Voters != 1 {
		t.Errorf("tally %+v, want one who rejects", got)
	}
}

func TestADeletedVotersBallotStandsAndNobodysReactionCounts(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	_, ballot := openVote(t, ctx, s)
	react(t, s, "lee", ballot, "+1")
	react(t, s, "maya", ballot, "+1")
	jump(t, ctx, s, 20*time.Minute) // read
	react(t, s, "sam", ballot, "-1")
	s.sim.DeleteUser("lee")
	s.sim.DeleteUser("sam") // before anybody read the reaction
	jump(t, ctx, s, 20*time.Minute)
	got := theRFC(t, ctx, s).Tally
	if got["approve"].Voters != 2 || got["reject"].Voters != 0 {
		t.Errorf("tally %+v, want the two who approved", got)
	}
	jump(t, ctx, s, votingTime)
	jump(t, ctx, s, time.Minute)
	if got := theRFC(t, ctx, s); got.State == "voting" {
		t.Errorf("no decision: %+v", got)
	}
}

// Author, commenters and a sender that are null in the payloads.
func TestADeletedAuthorsRFCGoesOn(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, ballot := openVote(t, ctx, s)
	s.sim.DeleteUser("kim")
	for _, who := range []string{"maya", "lee", "noor"} {
		react(t, s, who, ballot, "+1")
	}
	must(t, s.sim.As("maya").EditTitle(rfcs, number, "Weighted quorum, taken over"))
	settle(t, ctx, s)
	for event, body := range map[string]string{
		"issue_comment": `{"action":"created","repository":{"id":%d},"issue":{"number":%d,"user":null},"comment":{"id":9,"body":"/vote reject","user":null},"sender":null}`,
		"issues":        `{"action":"edited","repository":{"id":%d},"issue":{"number":%d,"user":null},"sender":null}`,
	} {
		id := lastDelivery(t, s, "issues", "edited").RepositoryID
		if status := deliver(t, ctx, s, event, "ghost-"+event, fmt.Appendf(nil, body, id, number)); status != http.StatusOK {
			t.Errorf("%s answered %d", event, status)
		}
	}
	settle(t, ctx, s)
	must(t, s.sim.As("maya").EditTitle(rfcs, number, "Weighted quorum"))
	settle(t, ctx, s)
	jump(t, ctx, s, votingTime)
	jump(t, ctx, s, time.Minute)
	if got := theRFC(t, ctx, s).State; got != "accepted" {
		t.Errorf("the RFC is %s, want accepted", got)
	}
}

func TestABlockedVotersBallotIsVoidAndTheQuorumStays(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, ballot := openVote(t, ctx, s)
	for _, who := range []string{"maya", "lee", "noor"} {
		react(t, s, who, ballot, "+1")
	}
	jump(t, ctx, s, 20*time.Minute)
	needed := func() string {
		sticky := commentWith(t, s, rfcs, number, "<!-- agora:ballot 1/1 -->").Body
		return sticky[strings.Index(sticky, "The quorum is"):]
	}
	before := needed()
	s.sim.RemoveMember("acme", "lee") // GitHub blocks no members
	must(t, s.sim.As("maya").Block("acme", "lee"))
	settle(t, ctx, s)
	jump(t, ctx, s, 20*time.Minute)
	if got := theRFC(t, ctx, s).Tally["approve"].Voters; got != 2 {
		t.Errorf("%d approve, want 2", got)
	}
	for _, b := range ballotsOf(t, ctx, s, "lee") {
		if b.Counted || b.WhyNot == "" {
			t.Errorf("ballot of a blocked voter: %+v", b)
		}
	}
	if after := needed(); after != before {
		t.Errorf("the quorum was %q and is %q", before, after)
	}
}

// 250 people react; at the deadline the third page of the list answers with an
// error. No result is made of two pages: it waits until all can be read.
func TestTheResultWaitsForThePageOfReactionsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, ballot := openVote(t, ctx, s)
	for i := range 245 {
		who := fmt.Sprintf("visitor-%d", i)
		s.sim.AddUsers(who)
		react(t, s, who, ballot, "-1") // advisory
	}
	for _, who := range []string{"maya", "lee", "noor"} {
		react(t, s, who, ballot, "+1") // on the third page
	}
	s.sim.Fault(ghsim.Fault{Method: http.MethodGet, PathPattern: fmt.Sprintf("/repos/acme/rfcs/issues/comments/%d/reactions", ballot.ID),
		Skip: 2, Status: http.StatusBadGateway})
	jump(t, ctx, s, votingTime)
	jump(t, ctx, s, time.Hour)
	if got := theRFC(t, ctx, s).State; got != "voting" {
		t.Fatalf("the RFC is %s before all reactions were read", got)
	}
	s.sim.ClearFaults()
	jump(t, ctx, s, 20*time.Minute)
	jump(t, ctx, s, time.Minute)
	got := theRFC(t, ctx, s)
	if got.State != "accepted" || got.Tally["approve"].Voters != 3 {
		t.Errorf("the RFC is %+v, want accepted by 3", got)
	}
	commentWith(t, s, rfcs, number, "<!-- agora:decision 1/1 -->")
}

// A ballot comment that somebody deletes: what was read stands, and the vote goes on.
func TestADeletedBallotCommentLosesNoVote(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, ballot := openVote(t, ctx, s)
	for _, who := range []string{"maya", "lee", "noor"} {
		react(t, s, who, ballot, "+1")
	}
	jump(t, ctx, s, 20*time.Minute)
	must(t, s.sim.As("maya").DeleteComment(rfcs, ballot.ID))
	settle(t, ctx, s)
	writes(t, ctx, s, "sam", number, "/vote approve")
	jump(t, ctx, s, votingTime)
	jump(t, ctx, s, time.Minute)
	if got := theRFC(t, ctx, s); got.State != "accepted" || got.Tally["approve"].Voters != 4 {
		t.Errorf("the RFC is %+v, want accepted by 4", got)
	}
}
