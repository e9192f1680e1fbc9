package rfc_test

import (
	"testing"

	"github.com/agora-rfc/agora/app/rfc"
)

// Several pull requests of a merge group may name the same RFC: it is one.
func TestACheckCountsAnRFCOnce(t *testing.T) {
	t.Parallel()
	first := rfc.Bar{Name: "RFC-1", State: rfc.Accepted, Title: "RFC-1 was accepted", Summary: "RFC-1: accepted."}
	second := rfc.Bar{Name: "RFC-2", State: rfc.Rejected, Title: "RFC-2 was rejected", Summary: "RFC-2: rejected."}
	for _, test := range []struct {
		bars           []rfc.Bar
		title, summary string
	}{
		{[]rfc.Bar{first}, "RFC-1 was accepted", "RFC-1: accepted."},
		{[]rfc.Bar{first, first}, "RFC-1 was accepted", "RFC-1: accepted."},
		{[]rfc.Bar{first, second, first}, "2 RFCs: RFC-2 was rejected", "RFC-1: accepted.\n\nRFC-2: rejected."},
	} {
		if got := rfc.JudgeCheck(test.bars); got.Title != test.title || got.Summary != test.summary {
			t.Errorf("%q, %q; want %q, %q", got.Title, got.Summary, test.title, test.summary)
		}
	}
}
