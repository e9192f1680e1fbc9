package main

import (
	"net/http"
	"testing"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
)

// What is not found beside an issue that is there does not make it a deleted one: the
// result waits.
func TestWhatIsMissingBesideTheIssueDoesNotWithdrawIt(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weighted quorum", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.sim.Fault(ghsim.Fault{Method: http.MethodGet, PathPattern: "/repos/acme/rfcs/issues/1/comments", Status: http.StatusNotFound})
	s.sim.Fault(ghsim.Fault{Method: http.MethodGet, PathPattern: "/repos/acme/rfcs/installation", Status: http.StatusNotFound})
	s.over(8 * day)
	s.is(number, rfc.Voting)
	s.sim.ClearFaults()
	s.over(day)
	s.is(number, rfc.Accepted)
}

// Labels that cannot be made have no colour; they are put on all the same, and hold up
// nothing else.
func TestAnRFCIsServedWhereTheRepositorysLabelsAreNotFound(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.Fault(ghsim.Fault{PathPattern: "/repos/acme/rfcs/labels", Status: http.StatusNotFound})
	number := s.issue("kim", "Weighted quorum", "Text.", "rfc")
	s.is(number, rfc.Open)
	s.sticky(number, 1)
	s.done("maya", number, "/rfc vote")
	s.ballot(number, 1, 1)
	s.is(number, rfc.Voting)
}
