package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
)

// scene is a stage with the words in which tests of the lifecycle are told. What
// cannot be done, or is not as expected, ends the test.
type scene struct {
	*stage
	t   *testing.T
	ctx context.Context
}

// newScene has the world of play. However its story went, at its end what is stored
// must verify: every decision recounts, and the trail is whole.
func newScene(t *testing.T, set staging) *scene {
	t.Helper()
	s, ctx := play(t, set)
	t.Cleanup(func() {
		found, err := verifyStore(ctx, s.agora.store)
		must(t, err)
		if found.Found > 0 {
			t.Errorf("agora verify finds: %+v", found)
		}
	})
	return &scene{stage: s, t: t, ctx: ctx}
}

// ruled is a scene whose repository is configured.
func ruled(t *testing.T, set staging, rules string) *scene {
	t.Helper()
	s := newScene(t, set)
	s.sim.As("maya").PutFile(rfcs, ".github/agora.yml", "version: 1\n"+rules)
	s.settle()
	return s
}

func (s *scene) settle() { s.t.Helper(); settle(s.t, s.ctx, s.stage) }

// pass lets time go by, in one step.
func (s *scene) pass(d time.Duration) { s.t.Helper(); jump(s.t, s.ctx, s.stage, d) }

// over passes a deadline that is d away, with the time in which GitHub's lists
// catch up and quiet comments are edited.
func (s *scene) over(d time.Duration) {
	s.t.Helper()
	s.pass(d + 5*time.Second)
	s.pass(5 * time.Second)
}

// quiet is the spell after which what changed without a change of state is shown.
func (s *scene) quiet() { s.t.Helper(); s.pass(30 * time.Second) }

func (s *scene) ok(err error) { s.t.Helper(); must(s.t, err); s.settle() }

func (s *scene) issue(who, title, body string, labels ...string) int {
	s.t.Helper()
	i, err := s.sim.As(who).OpenIssue(rfcs, title, body, labels...)
	s.ok(err)
	return i.Number
}

func (s *scene) pull(who string, n ghsim.NewPullRequest, labels ...string) int {
	s.t.Helper()
	p, err := s.sim.As(who).OpenPullRequest(rfcs, n)
	s.ok(err)
	if len(labels) > 0 {
		s.ok(s.sim.As("maya").AddLabels(rfcs, p.Number, labels...))
	}
	return p.Number
}

func (s *scene) say(who string, number int, text string) ghsim.Comment {
	s.t.Helper()
	return s.sayIn(rfcs, who, number, text)
}

func (s *scene) sayIn(repo, who string, number int, text string) ghsim.Comment {
	s.t.Helper()
	c, err := s.sim.As(who).Comment(repo, number, text)
	s.ok(err)
	return c
}

// done says a command that must be carried out.
func (s *scene) done(who string, number int, text string) {
	s.t.Helper()
	c := s.say(who, number, text)
	if !s.reacted(c, "rocket") {
		s.t.Fatalf("%s: %q was not carried out: %s", who, text, s.replyTo(rfcs, number, c))
	}
}

// refused says a command that must be refused with these words.
func (s *scene) refused(who string, number int, text, words string) {
	s.t.Helper()
	c := s.say(who, number, text)
	reply := s.replyTo(rfcs, number, c)
	if !s.reacted(c, "confused") || s.reacted(c, "rocket") || !strings.Contains(reply, words) {
		s.t.Fatalf("%s: %q was not refused with %q: %s", who, text, words, reply)
	}
}

func (s *scene) reacted(c ghsim.Comment, content string) bool {
	return slices.ContainsFunc(s.sim.CommentReactions(c.ID), func(r ghsim.Reaction) bool {
		return r.Content == content && r.User.Login == "agora[bot]"
	})
}

func (s *scene) replyTo(repo string, number int, c ghsim.Comment) string {
	marker := fmt.Sprintf("<!-- agora:reply %d -->", c.ID)
	for _, other := range s.sim.Comments(repo, number) {
		if strings.HasPrefix(other.Body, marker) {
			return other.Body
		}
	}
	return ""
}

// is expects the issue to be an RFC in the state: exactly one label of ours says
// so on GitHub, and so does the API once it has a number.
func (s *scene) is(number int, state rfc.State) {
	s.t.Helper()
	s.isIn(rfcs, number, state)
}

func (s *scene) isIn(repo string, number int, state rfc.State) {
	s.t.Helper()
	s.shows(repo, number, state)
	if known, has := s.shownOf(repo, number); has && known.State != string(state) {
		s.t.Fatalf("the API says that %s#%d is %s, want %s", repo, number, known.State, state)
	}
}

// shows is isIn by the labels alone.
func (s *scene) shows(repo string, number int, state rfc.State) {
	s.t.Helper()
	var owned []string
	for _, l := range s.sim.Labels(repo, number) {
		if strings.HasPrefix(l, "rfc/") {
			owned = append(owned, l)
		}
	}
	if len(owned) != 1 || owned[0] != state.Label() {
		s.t.Fatalf("%s#%d wears %q, want exactly %q", repo, number, owned, state.Label())
	}
}

// wears reports whether the issue has the label.
func (s *scene) wears(number int, label string) bool {
	return slices.Contains(s.sim.Labels(rfcs, number), label)
}

// sticky is the status comment of RFC-n.
func (s *scene) sticky(number, n int) string {
	s.t.Helper()
	return commentWith(s.t, s.stage, rfcs, number, fmt.Sprintf("<!-- agora:rfc %d -->", n)).Body
}

func (s *scene) decision(number, n, round int) string {
	s.t.Helper()
	return commentWith(s.t, s.stage, rfcs, number, fmt.Sprintf("<!-- agora:decision %d/%d -->", n, round)).Body
}

func (s *scene) ballot(number, n, round int) ghsim.Comment {
	s.t.Helper()
	return commentWith(s.t, s.stage, rfcs, number, fmt.Sprintf("<!-- agora:ballot %d/%d -->", n, round))
}

// contains expects each of the words in the text.
func (s *scene) contains(text string, words ...string) {
	s.t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			s.t.Fatalf("no %q in:\n%s", w, text)
		}
	}
}

// react casts votes by reaction on a round's ballot comment.
func (s *scene) react(number, n, round int, content string, voters ...string) {
	s.t.Helper()
	ballot := s.ballot(number, n, round)
	for _, who := range voters {
		_, err := s.sim.As(who).React(rfcs, ballot.ID, content)
		must(s.t, err)
	}
	s.settle()
}

// accepted brings an issue or pull request of kim's, RFC-n, to its acceptance at
// the end of its first round, whose length is given.
func (s *scene) accepted(number, n int, voting time.Duration) {
	s.t.Helper()
	s.done("maya", number, "/rfc vote")
	s.react(number, n, 1, "+1", "maya", "lee", "noor", "sam", "kim")
	s.over(voting)
	s.is(number, rfc.Accepted)
}

// fetch asks the API and returns the status.
func (s *scene) fetch(path string, into any) int {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.url+path, nil)
	must(s.t, err)
	response, err := http.DefaultClient.Do(request)
	must(s.t, err)
	defer response.Body.Close()
	if into != nil && response.StatusCode == http.StatusOK {
		must(s.t, json.NewDecoder(response.Body).Decode(into))
	}
	return response.StatusCode
}

// shown is an RFC as the API shows it.
type shown struct {
	Number         int       `json:"number"`
	Repository     string    `json:"repository"`
	Issue          int       `json:"issue"`
	State          string    `json:"state"`
	Type           string    `json:"type"`
	Round          int       `json:"round"`
	Deadline       time.Time `json:"deadline"`
	ConcernsOpen   int       `json:"concerns_open"`
	WouldPass      bool      `json:"would_pass"`
	Outcome        string    `json:"outcome"`
	PolicyVersion  string    `json:"policy_version"`
	VotingOpenedAt time.Time `json:"voting_opened_at"`
	Tally          map[string]struct {
		Weight string `json:"weight"`
		Voters int    `json:"voters"`
	} `json:"tally"`
	Quorum struct {
		Heads struct{ Have, Need int } `json:"heads"`
	} `json:"quorum"`
}

// rfc is RFC-n as the API shows it.
func (s *scene) rfc(n int) (r shown) {
	s.t.Helper()
	if status := s.fetch(fmt.Sprintf("/api/v1/communities/acme/rfcs/%d", n), &r); status != http.StatusOK {
		s.t.Fatalf("the API answers %d for RFC-%d", status, n)
	}
	return r
}

func (s *scene) shownOf(repo string, number int) (shown, bool) {
	s.t.Helper()
	var list struct{ Items []shown }
	s.fetch("/api/v1/communities/acme/rfcs?limit=100", &list)
	for _, r := range list.Items {
		if r.Repository == repo && r.Issue == number {
			return r, true
		}
	}
	return shown{}, false
}

// cast is a ballot as the API shows it.
type cast struct {
	Round   int
	Voter   struct{ Login string }
	Choice  string
	Weight  string
	Counted bool
	WhyNot  string `json:"why_not"`
	Channel string
	URL     string
}

func (s *scene) ballots(n int) []cast {
	s.t.Helper()
	var list struct{ Items []cast }
	s.fetch(fmt.Sprintf("/api/v1/communities/acme/rfcs/%d/ballots", n), &list)
	return list.Items
}

// counts is what counts of a voter in the newest round: "" when nothing does.
func (s *scene) counts(n int, login string) (choice string) {
	s.t.Helper()
	round := s.rfc(n).Round
	for _, b := range s.ballots(n) {
		if b.Counted && b.Voter.Login == login && b.Round == round {
			if choice != "" {
				s.t.Fatalf("two ballots of %s count", login)
			}
			choice = b.Choice
		}
	}
	return choice
}

// check is the newest check run agora/rfc at a commit: in_progress, or its
// conclusion.
func (s *scene) check(sha string) (string, ghsim.CheckRun) {
	s.t.Helper()
	for _, run := range s.sim.CheckRuns(sha) {
		if run.Conclusion == "neutral" || run.Conclusion == "skipped" {
			s.t.Fatalf("a check is %s, which branch protection counts as passed", run.Conclusion)
		}
		if run.Name != "agora/rfc" {
			continue
		}
		if run.Conclusion != "" {
			return run.Conclusion, run
		}
		return run.Status, run
	}
	return "", ghsim.CheckRun{}
}

func (s *scene) head(number int) string {
	i, _ := s.sim.Issue(rfcs, number)
	return i.Head.SHA
}

// checkIs expects the check of a pull request's head.
func (s *scene) checkIs(number int, want string) {
	s.t.Helper()
	if got, run := s.check(s.head(number)); got != want {
		s.t.Fatalf("the check of #%d is %q (%s), want %q", number, got, run.Output.Title, want)
	}
}

func (s *scene) isOpen(number int) bool {
	i, _ := s.sim.Issue(rfcs, number)
	return i.State == "open"
}
