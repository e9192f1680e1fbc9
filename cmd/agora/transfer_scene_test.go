package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
)

// moved is where acme's repository of RFCs is once it belongs to globex.
const moved = "globex/rfcs"

// neighbours is a scene with a second community: globex, whose owner is gwen. It has an
// RFC of its own, globex's RFC-1, when the App is there.
func neighbours(t *testing.T, url string, installed bool) *scene {
	t.Helper()
	s := newScene(t, staging{databaseURL: url})
	s.sim.AddUsers("gwen", "hugo", "ivy")
	s.sim.AddOrganization(ghsim.NewOrganization{Login: "globex", Owners: []string{"gwen"}, Members: []string{"hugo", "ivy"}})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "globex", Name: "law", Collaborators: map[string]string{"hugo": "write", "ivy": "write"}})
	if installed {
		s.sim.Install(s.app.ID, "globex")
		s.settle()
		_, err := s.sim.As("gwen").OpenIssue("globex/law", "A law", "Text.", "rfc")
		s.ok(err)
	}
	s.settle()
	return s
}

// transfer gives acme's repository of RFCs to globex.
func (s *scene) transfer() {
	s.t.Helper()
	s.sim.TransferRepository(rfcs, "globex")
	s.settle()
}

// of is an RFC as the API shows it in a community; found is false for a 404.
func (s *scene) of(account string, n int) (r shownMoved, found bool) {
	s.t.Helper()
	status := s.fetch(fmt.Sprintf("/api/v1/communities/%s/rfcs/%d", account, n), &r)
	return r, status == http.StatusOK
}

type shownMoved struct {
	shown
	Title   string
	PageURL string `json:"page_url"`
}

// wants expects how the API shows an RFC in a community, and that its page is there.
func (s *scene) wants(account string, n int, state rfc.State) shownMoved {
	s.t.Helper()
	r, found := s.of(account, n)
	page := fmt.Sprintf("/c/%s/rfcs/%d", account, n)
	if !found || r.State != string(state) || r.PageURL != s.url+page {
		s.t.Fatalf("%s's RFC-%d is %+v, want %s at %s", account, n, r, state, page)
	}
	if status := s.fetch(page, nil); status != http.StatusOK {
		s.t.Fatalf("%s answers %d", page, status)
	}
	return r
}

// trail lists what the audit trail of an RFC says: kind, from, to and why.
func (s *scene) trail(account string, n int) (lines []string) {
	s.t.Helper()
	var list struct {
		Items []struct{ Kind, From, To, Reason string }
	}
	s.fetch(fmt.Sprintf("/api/v1/communities/%s/rfcs/%d/audit", account, n), &list)
	for _, e := range list.Items {
		lines = append(lines, strings.Join([]string{e.Kind, e.From, e.To, e.Reason}, "|"))
	}
	return lines
}

func (s *scene) gate(query string) (answer struct {
	Passed bool
	Reason string
}) {
	s.t.Helper()
	s.fetch("/api/v1/gate?"+query, &answer)
	return answer
}

// inVote is acme's RFC-1, in a vote that would pass.
func (s *scene) inVote() int {
	s.t.Helper()
	number := s.issue("kim", "Moves", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.pass(15 * time.Minute)
	return number
}

// issueIn opens an RFC in a new repository and tells its number in the community.
func (s *scene) issueIn(repo, who, title string) int {
	s.t.Helper()
	owner, name, _ := strings.Cut(repo, "/")
	s.sim.AddRepository(ghsim.NewRepository{Owner: owner, Name: name, Collaborators: map[string]string{who: "write"}})
	s.settle()
	_, err := s.sim.As(who).OpenIssue(repo, title, "Text.", "rfc")
	s.ok(err)
	for n := 1; ; n++ {
		if r, found := s.of(owner, n); !found || r.Title == title {
			return n
		}
	}
}

// passed has globex accept an RFC, globex's RFC-n.
func (s *scene) passed(repo string, n int) {
	s.t.Helper()
	law, err := s.sim.As("hugo").OpenIssue(repo, "Accepted in globex", "Text.", "rfc")
	s.ok(err)
	s.sayIn(repo, "gwen", law.Number, "/rfc vote")
	ballot := commentWith(s.t, s.stage, repo, law.Number, fmt.Sprintf("<!-- agora:ballot %d/1 -->", n))
	for _, who := range []string{"gwen", "hugo", "ivy"} {
		_, err := s.sim.As(who).React(repo, ballot.ID, "+1")
		s.ok(err)
	}
	s.over(7 * day)
	s.wants("globex", n, rfc.Accepted)
}
