package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store/storetest"
)

// everybody looks at each member of the one community and their ledger.
func (s *scene) everybody(look func(m community.Member, did []community.Contribution, ledger []community.Entry)) {
	s.t.Helper()
	err := s.agora.store.Community().View(s.ctx, func(ctx context.Context, tx community.Tx) error {
		account := s.community()
		members, err := tx.Members(ctx, account)
		if err != nil {
			return err
		}
		for _, m := range members {
			did, err := tx.ContributionsOf(ctx, account, m.ID, 0)
			if err != nil {
				return err
			}
			ledger, err := tx.Ledger(ctx, account, m.ID)
			if err != nil {
				return err
			}
			look(m, did, ledger)
		}
		return nil
	})
	must(s.t, err)
}

// replays checks that what is stored of members equals a replay of what they did.
func (s *scene) replays() {
	s.t.Helper()
	s.everybody(func(m community.Member, did []community.Contribution, _ []community.Entry) {
		counts := map[string]int{}
		for _, c := range did {
			counts[string(c.Kind)]++
		}
		if len(counts)+len(m.Contributions) > 0 && !cmp.Equal(counts, m.Contributions) {
			s.t.Errorf("member %d counts %v, and did %v", m.ID, m.Contributions, counts)
		}
	})
}

// contributions are the counts of one member.
func (s *scene) contributions(login string) (counts map[string]int) {
	s.everybody(func(m community.Member, _ []community.Contribution, _ []community.Entry) {
		if m.Login == login {
			counts = m.Contributions
		}
	})
	return counts
}

// points are a member's entries of a kind, in whole points.
func (s *scene) points(login string, kind config.EntryKind) (points []int64) {
	s.everybody(func(m community.Member, _ []community.Contribution, ledger []community.Entry) {
		for _, e := range ledger {
			if m.Login == login && e.Kind == kind {
				points = append(points, e.Points/community.Scale)
			}
		}
	})
	return points
}

func TestContributionsAndReputationComeFromWhatHappens(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.pass(10 * day) // signals count from members of a week
		number := s.pull("kim", ghsim.NewPullRequest{Title: "Weights", Body: "Let weights count.\n\nCo-authors: @lee, @stranger",
			Files: map[string]string{"rfc.md": "text\n"}}, "rfc")
		liked := s.say("noor", number, "This is what we need.")
		s.say("noor", number, "/vote approve")
		s.done("maya", number, "/rfc vote")
		for _, who := range []string{"kim", "maya", "lee"} {
			_, err := s.sim.As(who).React(rfcs, liked.ID, "heart")
			s.ok(err)
		}
		_, err := s.sim.As("noor").React(rfcs, liked.ID, "rocket") // one's own
		s.ok(err)
		_, err = s.sim.As("maya").Review(rfcs, number, ghsim.Approve, "well done")
		s.ok(err)
		for _, who := range []string{"noor", "sam", "lee"} {
			s.done(who, number, "/vote approve")
		}
		if reply := s.say("kim", number, "/member show"); !strings.Contains(s.replyTo(rfcs, number, reply), "RFC-1](") {
			t.Errorf("kim is not told to vote: %s", s.replyTo(rfcs, number, reply))
		}
		s.over(7 * day)
		s.is(number, rfc.Accepted)

		if kim, lee := s.points("kim", config.RFCAccepted), s.points("lee", config.RFCAccepted); !cmp.Equal(kim, []int64{30}) || !cmp.Equal(lee, []int64{30}) {
			t.Errorf("the authors share 60 points as %v and %v", kim, lee)
		}
		if reactions := s.points("noor", config.CommentReaction); len(reactions) != 3 {
			t.Errorf("noor's comment was liked by three others: %v", reactions)
		}
		build := s.pull("sam", ghsim.NewPullRequest{Title: "Build it", Body: "Implements: RFC-1", Files: map[string]string{"a.go": "package a\n"}})
		s.ok(s.sim.As("maya").Merge(rfcs, build))
		s.is(number, rfc.Implemented)
		more := s.pull("sam", ghsim.NewPullRequest{Title: "Build more", Body: "Implements: RFC-1", Files: map[string]string{"b.go": "package a\n"}})
		s.ok(s.sim.As("maya").Merge(rfcs, more))
		if sam := s.points("sam", config.PullRequestMerged); !cmp.Equal(sam, []int64{15, 15}) {
			t.Errorf("two linked pull requests brought %v", sam)
		}
		for login, want := range map[string]map[string]int{
			"kim":  {"rfc": 1, "reaction": 1},
			"lee":  {"vote": 1, "reaction": 1},
			"noor": {"comment": 1, "vote": 1},
			"maya": {"review": 1, "vote": 1, "reaction": 1},
			"sam":  {"vote": 1, "pull_request": 2},
		} {
			if diff := cmp.Diff(want, s.contributions(login)); diff != "" {
				t.Errorf("contributions of %s (-want +got):\n%s", login, diff)
			}
		}
		s.pass(2 * time.Hour) // everything is read again, and counts once
		s.replays()
	})
}

func TestAHeldMembersBallotIsVoid(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weights", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.done("lee", number, "/vote approve")
	s.refused("kim", number, "/member hold @lee \"no\"", "only a steward of the community")
	s.done("maya", number, `/member hold @lee "the account seems taken over"`)
	if got := s.counts(1, "lee"); got != "" {
		t.Errorf("the ballot of the held member counts as %q", got)
	}
	s.done("maya", number, `/member release @lee "it is lee's again"`)
	if got := s.counts(1, "lee"); got != "" {
		t.Errorf("the release brought the ballot back as %q", got)
	}
	s.done("maya", number, `/member hold @lee "once more"`)
	s.done("maya", number, `/rfc restart "without lee"`)
	s.contains(s.ballot(number, 1, 2).Body, "**4 members** may vote")
}

// Who leaves is gone from the database: neither login nor name nor address is found
// in the whole of it, and every decision still recounts.
func TestWhoLeavesIsGoneFromTheDatabase(t *testing.T) {
	t.Parallel()
	const login, name, address = "quinn-vanishes", "Quinn Unforgotten", "quinn@unforgotten.example"
	storetest.EachURL(t, func(t *testing.T, url string) {
		office := newPostOffice(t)
		s := newScene(t, staging{databaseURL: url, configure: office.configure})
		s.sim.AddUser(ghsim.NewUser{Login: login, Name: name, Email: address})
		s.ok(s.sim.As("maya").AddCollaborator(rfcs, login, "write"))
		own := s.issue(login, "Weights", "By "+name+", "+address+".\n\nCo-authors: @"+login, "rfc")
		s.done(login, own, "/member join")
		s.done(login, own, "/member notify email=each mentions=off")
		s.pass(8 * day)
		other := s.issue("kim", "Another", "Co-authors: @"+login, "rfc")
		s.say(login, other, "Write to "+address+".")
		s.done(login, other, `/concern raise "I, `+login+`, miss the figures of last year"`)
		for _, number := range []int{own, other} {
			s.done("maya", number, "/rfc vote")
			s.done(login, number, `/vote approve "says `+name+`, `+address+`"`)
		}
		s.done("maya", other, `/rfc extend 1d "we wait for @`+login+`"`)
		s.done("kim", other, "/member show @"+login)
		s.done("kim", other, "/member reputation "+strings.ToUpper(login))
		s.done("maya", other, `/member endorse @`+login+` "`+login+` is kind"`)
		s.done("maya", other, `/member penalise @`+login+` spam "@`+login+` again"`)
		s.refused("kim", other, "/member endorse @"+login, "needs a text")
		s.pass(time.Minute)
		s.done(login, own, "/member inbox read")
		if len(office.to(address)) == 0 || !s.holds(url, login) || !s.holds(url, address) {
			t.Fatal("the search finds nobody who is there")
		}
		traces := s.packed(login)
		office.refuse(address) // what is still tried goes too
		s.say("kim", own, "One more thing about @"+login+".")
		s.done(login, own, "/member leave")
		s.pass(30 * time.Minute)
		s.pass(45 * time.Minute)
		for _, word := range []string{login, name, address} {
			if s.holds(url, word) {
				t.Errorf("%q is still there", word)
			}
		}
		s.erased(url, traces)
		s.over(7 * day) // the decisions stand, and recount
		s.contains(s.sticky(own, 1), "ghost")
		s.replays()
	})
}

// What somebody said goes with them, wherever it is kept or shown, and what was decided
// and the chain of the trail hold without it.
func TestTheWordsOfWhoLeavesAreGone(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		const word = "quuxword"
		said := func(what string) string { return fmt.Sprintf("%q", word+" "+what+", said at some length") }
		own := s.issue("lee", "By who leaves", "Text.", "rfc")
		other := s.issue("kim", "By another", "Text.", "rfc")
		gone := s.issue("lee", "Withdrawn by who leaves", "Text.", "rfc")
		again := s.issue("lee", "Taken up again", "Text.", "rfc")
		s.done("lee", gone, "/rfc withdraw "+said("withdrawn"))
		s.done("lee", again, "/rfc withdraw "+said("first"))
		s.done("maya", again, `/rfc reopen "kimword stays"`)
		s.done("kim", own, `/concern raise "kimword against it"`)
		s.done("lee", own, "/concern address 1 "+said("how"))
		s.done("lee", other, "/concern raise "+said("concern"))
		for _, number := range []int{own, other} {
			s.done("maya", number, "/rfc vote")
		}
		s.done("lee", own, "/rfc restart "+said("restart"))
		s.done("lee", other, "/vote approve "+said("ballot"))
		s.pass(4 * time.Hour)
		shown := func() (all string) {
			for n, number := range []int{own, other, gone} {
				all += s.sticky(number, n+1)
				for _, path := range []string{"/c/acme/rfcs/%d", "/api/v1/communities/acme/rfcs/%d", "/api/v1/communities/acme/rfcs/%d/audit", "/api/v1/communities/acme/rfcs/%d/ballots"} {
					all += s.text(fmt.Sprintf(path, n+1))
				}
			}
			file := filepath.Join(t.TempDir(), "acme.jsonl")
			if status, out := program(s.ctx, "export", "--database", url, "--output", file); status != 0 {
				t.Fatalf("exporting: %d\n%s", status, out)
			}
			if status, out := program(s.ctx, "verify", "--export", file); status != 0 {
				t.Errorf("the export does not verify: %d\n%s", status, out)
			}
			data, err := os.ReadFile(file)
			must(t, err)
			return all + string(data)
		}
		before := shown()
		for _, what := range []string{"withdrawn", "how", "concern", "restart", "ballot"} {
			s.contains(before, word+" "+what)
		}
		s.done("lee", own, "/member leave")
		s.sealed()
		s.pass(30 * time.Minute)
		s.pass(45 * time.Minute)
		after := shown()
		if i := strings.Index(after, word); i >= 0 {
			t.Errorf("still shown: …%s…", after[max(0, i-300):i+60])
		}
		s.contains(after, "kimword stays", "kimword against it", "erased")
		if s.holds(url, word) {
			t.Error("the words are still in the database")
		}
		for _, b := range s.ballots(2) {
			if b.URL != "" {
				t.Errorf("a ballot leads to %s", b.URL)
			}
		}
	})
}

// Whoever takes part is called by the login they bear now, and so is the account.
func TestNewLoginsAreTakenFromAnyEvent(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "No RFC", "A question.")
		s.done("lee", number, "/member join")
		s.sim.RenameUser("lee", "leeanne")
		s.say("leeanne", number, "Just a word.")
		for path, want := range map[string]int{"leeanne": http.StatusOK, "lee": http.StatusNotFound} {
			if got := s.fetch("/api/v1/communities/acme/members/"+path, nil); got != want {
				t.Errorf("the API answers %d for %s, want %d", got, path, want)
			}
		}
		s.contains(s.replyTo(rfcs, number, s.say("kim", number, "/member show @leeanne")), "**leeanne**")
		n := s.issue("kim", "An RFC", "Text.", "rfc")
		s.sim.RenameUser("acme", "apex")
		_, err := s.sim.As("kim").Comment("apex/rfcs", n, "Another word.")
		s.ok(err)
		for path, want := range map[string]int{
			"/api/v1/communities/apex/rfcs/1": http.StatusOK, "/c/apex/rfcs/1": http.StatusOK, "/api/v1/gate?repo=apex/rfcs&rfc=1": http.StatusOK,
			"/api/v1/communities/acme/rfcs/1": http.StatusNotFound,
		} {
			if got := s.fetch(path, nil); got != want {
				t.Errorf("%s answers %d, want %d", path, got, want)
			}
		}
	})
}

// text is what a page or the API answers.
func (s *scene) text(path string) string {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.url+path, nil)
	must(s.t, err)
	response, err := http.DefaultClient.Do(request)
	must(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(s.t, err)
	return string(body)
}

// Who left is not taken in again by the next RFC for being a collaborator; they come back
// by asking, and are worth then what they were.
func TestWhoLeftComesBackOnlyByAsking(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		const login = "vanishing-quinn"
		s.sim.AddUser(ghsim.NewUser{Login: login, Name: "Quinn Unforgotten"})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "attic", Collaborators: map[string]string{login: "write", "kim": "write"}})
		s.settle()
		_, err := s.sim.As("kim").OpenIssue("acme/attic", "Zero", "Text.", "rfc")
		s.ok(err)
		number := s.issue("kim", "One", "Text.", "rfc")
		s.done(login, number, "/member leave")
		s.pass(30 * time.Minute)
		s.pass(45 * time.Minute)
		_, err = s.sim.As("kim").OpenIssue("acme/attic", "Two", "Text.", "rfc")
		s.ok(err)
		s.pass(5 * day)
		if s.holds(url, login) || s.holds(url, "Unforgotten") {
			t.Error("the next RFC brought the person back")
		}
		s.refused("kim", number, "/member show @"+login, "is not a member here")
		s.done(login, number, "/member join")
		s.issue("kim", "Three", "Text.", "rfc")
		s.contains(s.replyTo(rfcs, number, s.say("kim", number, "/member show @"+login)), login)
		entries := 0
		s.everybody(func(m community.Member, _ []community.Contribution, ledger []community.Entry) {
			if m.Login != login {
				return
			}
			for _, e := range ledger {
				if e.Kind == config.GenesisWrite {
					entries++
				}
			}
		})
		if entries != 1 {
			t.Errorf("who came back has %d genesis entries, want the one", entries)
		}
	})
}
