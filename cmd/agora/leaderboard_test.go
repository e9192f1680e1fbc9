package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// leaders writes the leaderboard of the API.
func (s *scene) leaders(query string) string {
	s.t.Helper()
	var board struct {
		Items []struct {
			Rank   int                    `json:"rank"`
			Member struct{ Login string } `json:"member"`
			Points string                 `json:"points"`
		} `json:"items"`
	}
	if status := s.fetch("/api/v1/communities/acme/leaderboard"+query, &board); status != http.StatusOK {
		s.t.Fatalf("the leaderboard answers %d", status)
	}
	var lines []string
	for _, p := range board.Items {
		lines = append(lines, fmt.Sprintf("%d %s %s", p.Rank, p.Member.Login, p.Points))
	}
	return strings.Join(lines, ", ")
}

// A decision moves the board at once, an entry voided later moves it back, and who is
// held is not on it.
func TestTheLeaderboardFollowsDecisions(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.pull("kim", ghsim.NewPullRequest{Title: "Weights", Body: "Let weights count.", Files: map[string]string{"rfc.md": "text\n"}}, "rfc")
		s.done("maya", number, "/rfc vote")
		for _, who := range []string{"noor", "maya", "lee"} {
			s.done(who, number, "/vote approve")
		}
		if board := s.leaders(""); board != "" {
			t.Errorf("before the decision the board is %s", board)
		}
		s.over(7 * day)
		s.is(number, rfc.Accepted)
		board := s.leaders("")
		if !strings.HasPrefix(board, "1 kim 60, 2 ") || strings.Count(board, "2 ") != 3 || !strings.Contains(board, "2 noor 1") {
			t.Errorf("after the decision the board is %s", board)
		}
		asked := s.say("sam", number, "/community leaderboard days=7")
		s.contains(s.replyTo(rfcs, number, asked), "in the last 7 days", "| 1 | kim | 60 |", "| 2 | noor | 1 |")
		s.refused("sam", number, "/community leaderboard days=400", "the last 1 to 365 days")

		s.done("maya", number, `/member hold @noor "the account seems taken over"`)
		if board := s.leaders(""); strings.Contains(board, "noor") {
			t.Errorf("noor is held, and on the board: %s", board)
		}
		s.done("maya", number, `/member penalise @kim fraud "the figures were made up"`)
		if board := s.leaders(""); strings.Contains(board, "kim") {
			t.Errorf("kim has less than nothing, and the board is %s", board)
		}
		if board := s.leaders("?by=reputation"); !strings.HasPrefix(board, "1 maya ") {
			t.Errorf("the board by reputation is %s", board)
		}
		s.pass(8 * day)
		if board := s.leaders("?days=7"); board != "" {
			t.Errorf("a week later the week's board is %s", board)
		}
		found, err := verifyStore(s.ctx, s.agora.store)
		must(t, err)
		if found.Found != 0 {
			t.Errorf("the verification finds %v", found.Differences)
		}
	})
}
