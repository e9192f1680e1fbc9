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

const commentRoute = "/repos/{owner}/{repo}/issues/comments/{id}"

// assembly is a stage with a crowd. The first hundred have a permission on the
// repository, and so may vote at once; the others' votes are advisory.
func assembly(t *testing.T, voters int) (*stage, context.Context, []string) {
	t.Helper()
	s, _ := play(t, staging{sim: ghsim.Options{RateLimit: -1}})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // these stories are long
	t.Cleanup(cancel)
	members := map[string]string{}
	var crowd []string
	for n := range voters {
		login := fmt.Sprintf("voter-%d", n+1)
		s.sim.AddUsers(login)
		crowd = append(crowd, login)
		if n < 100 {
			members[login] = "triage"
		}
	}
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "constitution", Collaborators: members})
	settle(t, ctx, s)
	return s, ctx, crowd
}

const constitution = "acme/constitution"

// proposed opens an RFC as a pull request.
func proposed(t *testing.T, ctx context.Context, s *stage) ghsim.Issue {
	t.Helper()
	pull, err := s.sim.As("maya").OpenPullRequest(constitution, ghsim.NewPullRequest{Title: "Weighted quorum", Body: "Let weights count."})
	must(t, err)
	settle(t, ctx, s)
	s.sim.ResetCounters()
	must(t, s.sim.As("maya").AddLabels(constitution, pull.Number, "rfc"))
	settle(t, ctx, s)
	return pull
}

// vote casts the n-th vote: of ten, six by reaction, three by command and one by
// review.
func vote(t *testing.T, s *stage, pull int, ballot int64, login string, n int) {
	t.Helper()
	var err error
	switch voter := s.sim.As(login); {
	case n%10 == 9:
		_, err = voter.Review(constitution, pull, ghsim.Approve, "")
	case n%10 >= 6:
		_, err = voter.Comment(constitution, pull, "/vote approve")
	case n%3 == 0:
		_, err = voter.React(constitution, ballot, "-1")
	default:
		_, err = voter.React(constitution, ballot, "+1")
	}
	must(t, err)
}

// asked counts the App's requests by "METHOD route status" and tells them apart
// for people.
func asked(s *stage) (counts map[string]int, table string) {
	counts = map[string]int{}
	var lines strings.Builder
	for _, r := range s.sim.Requests() {
		if r.By != "app" {
			continue
		}
		counts[r.Method+" "+r.Route] += r.Count
		fmt.Fprintf(&lines, "%5d %s %s %d\n", r.Count, r.Method, r.Route, r.Status)
	}
	return counts, lines.String()
}

func TestAWholeLifeOfAnRFCCostsFewWrites(t *testing.T) {
	t.Parallel()
	const voters, days, most = 100, 7, 120
	s, ctx, logins := assembly(t, voters)
	pull := proposed(t, ctx, s)
	jump(t, ctx, s, 14*24*time.Hour+time.Minute)
	ballot := commentWith(t, s, constitution, pull.Number, "<!-- agora:ballot 1/1 -->")

	const apart = days * 24 * time.Hour / voters
	for n, login := range logins {
		vote(t, s, pull.Number, ballot.ID, login, n)
		settle(t, ctx, s)
		const step = 30 * time.Minute // every second reading: the others find nothing
		for range int(apart / step) {
			jump(t, ctx, s, step)
		}
		jump(t, ctx, s, apart%step)
	}
	jump(t, ctx, s, 24*time.Hour)
	jump(t, ctx, s, time.Minute)
	decision := commentWith(t, s, constitution, pull.Number, "<!-- agora:decision 1/1 -->")
	if !strings.Contains(decision.Body, "| 80 |") || !strings.Contains(decision.Body, "| 20 |") {
		t.Errorf("the decision does not tell of all voters:\n%s", decision.Body)
	}

	counts, table := asked(s)
	answers := counts["POST "+commentRoute+"/reactions"]
	t.Logf("%d writes, %d of them answers to commands\n%s", s.sim.Writes(), answers, table)
	if answers != voters*3/10 {
		t.Errorf("%d answers to %d commands", answers, voters*3/10)
	}
	if writes := s.sim.Writes() - answers; writes > most {
		t.Errorf("%d writes besides the answers to commands, want at most %d", writes, most)
	}
}

func TestABurstOfVotesIsShownTogether(t *testing.T) {
	t.Parallel()
	s, ctx, logins := assembly(t, 1000)
	pull := proposed(t, ctx, s)
	_, err := s.sim.As("maya").Comment(constitution, pull.Number, "/rfc vote")
	must(t, err)
	settle(t, ctx, s)
	ballot := commentWith(t, s, constitution, pull.Number, "<!-- agora:ballot 1/1 -->")
	jump(t, ctx, s, 24*time.Hour)
	s.sim.ResetCounters()
	for n, login := range logins { // the first hundred by every channel, the others by reaction
		if n >= 100 {
			n %= 6
		}
		vote(t, s, pull.Number, ballot.ID, login, n)
	}
	for range 4 {
		jump(t, ctx, s, 15*time.Minute)
	}
	jump(t, ctx, s, 6*time.Hour)

	counts, table := asked(s)
	edits := counts["PATCH "+commentRoute]
	t.Logf("%d edits of comments for a burst of %d votes", edits, len(logins))
	if edits > 3 {
		t.Errorf("%d edits of comments for a burst of votes, want at most 3\n%s", edits, table)
	}
	sticky := commentWith(t, s, constitution, pull.Number, "<!-- agora:rfc 1 -->")
	if !strings.Contains(sticky.Body, "Ballots (100, and 900 not counted)") {
		t.Errorf("the votes are not all shown:\n%.2000s", sticky.Body)
	}
}

func TestAQuietRoundAsksOncePerReading(t *testing.T) {
	t.Parallel()
	for _, voters := range []int{0, 3, 120} {
		t.Run(fmt.Sprint(voters), func(t *testing.T) {
			t.Parallel()
			s, ctx, logins := assembly(t, max(voters, 10))
			pull := proposed(t, ctx, s)
			_, err := s.sim.As("maya").Comment(constitution, pull.Number, "/rfc vote")
			must(t, err)
			settle(t, ctx, s)
			ballot := commentWith(t, s, constitution, pull.Number, "<!-- agora:ballot 1/1 -->")
			for _, login := range logins[:voters] {
				_, err := s.sim.As(login).React(constitution, ballot.ID, "+1")
				must(t, err)
			}
			for range 5 { // until all is shown, and the hourly look at the repository sees nothing new
				jump(t, ctx, s, time.Hour)
			}
			const hours, polls = 5, 4 // readings an hour, this far from the deadline
			s.sim.ResetCounters()
			for range hours {
				s.sim.ExpireTokens()
				for range polls {
					jump(t, ctx, s, 15*time.Minute)
				}
			}
			whole, unchanged := 0, 0
			for _, r := range s.sim.Requests() {
				switch {
				case r.By != "app" || r.Status == http.StatusUnauthorized || strings.HasSuffix(r.Route, "/access_tokens"):
				case r.Route == "/repos/{owner}/{repo}/issues", strings.HasPrefix(r.Route, "/app/"):
					// The hourly looks, at two repositories and at lost deliveries.
					if r.Count > 2*(hours+1) {
						t.Errorf("%d requests to %s in %d hours", r.Count, r.Route, hours)
					}
				case r.Status == http.StatusNotModified:
					unchanged += r.Count
				default:
					whole += r.Count
				}
			}
			_, table := asked(s)
			t.Logf("%d whole answers and %d unchanged ones in %d hours of %d readings", whole, unchanged, hours, polls)
			if whole > hours || whole+unchanged > hours*polls || unchanged < hours*(polls-1)-1 {
				t.Errorf("%d whole answers and %d unchanged ones in %d hours of %d readings\n%s", whole, unchanged, hours, polls, table)
			}
		})
	}
}

// A first vote is shown at once, however long the round and whenever it comes; under a
// stream of votes, edits are as far apart as 2 % of the time left.
func TestOnlyAStreamOfVotesSpacesEdits(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"at once": 0, "soon": 35 * time.Second, "much later": 26 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ruled(t, staging{}, "rfc: { types: { capability_proposal: { voting: 7d } } }")
			issue := s.issue("kim", "Weighted quorum", "Let weights count.", "rfc")
			s.done("maya", issue, "/rfc vote")
			s.pass(after)
			shown := func(who string) bool {
				return strings.Contains(commentWith(t, s.stage, rfcs, issue, "<!-- agora:rfc 1 -->").Body, "| "+who+" |")
			}
			s.done("lee", issue, "/vote approve")
			s.quiet()
			if !shown("lee") {
				t.Fatal("the first vote does not show within half a minute")
			}
			s.pass(time.Minute)
			s.done("noor", issue, "/vote approve")
			s.pass(time.Hour)
			if shown("noor") {
				t.Error("a second vote, a minute after the first, is shown within the hour: edits are not spaced")
			}
			s.down() // what the spacing counts from survives it
			s.up()
			s.pass(time.Hour)
			if shown("noor") {
				t.Error("after a restart, the second vote is shown within two hours: edits are not spaced")
			}
			s.pass(time.Hour)
			if !shown("noor") {
				t.Error("the second vote is not shown after three hours")
			}
			s.pass(4 * time.Hour) // a quiet spell
			s.done("sam", issue, "/vote reject")
			s.quiet()
			if !shown("sam") {
				t.Error("a vote after a quiet spell does not show within half a minute")
			}
		})
	}
}
