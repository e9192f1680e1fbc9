package web_test

import (
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/community/engagement"
)

var score = 62

// measured is what the test's server says of Acme.
var measured = community.Stats{
	Members: 12, Active: 9, New: 3,
	Contributions: map[community.ContributionKind]int{community.ContributedComment: 7, community.ContributedVote: 4},
	RFCs:          map[string]int{"open": 2, "changes-requested": 1},
	Report: engagement.Report{Score: &score, Parts: []engagement.Part{
		{Name: "activation", Weight: 25, Numerator: 2, Denominator: 3, Sample: 3},
		{Name: "retention", Weight: 25, Numerator: 7, Denominator: 11, Sample: 11, Value: big.NewRat(7, 11)},
	}},
	Cohorts: []engagement.Cohort{
		{Month: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), Size: 12, Active: []int{8}},
		{Month: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), Size: 9},
	},
}

func TestStatsHaveTheirShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := map[string]any{
		"score": 62.0,
		"parts": []any{
			map[string]any{"name": "activation", "value": nil, "weight": "0.25", "numerator": 2.0, "denominator": 3.0, "sample": 3.0, "enough": false},
			map[string]any{"name": "retention", "value": "0.6363", "weight": "0.25", "numerator": 7.0, "denominator": 11.0, "sample": 11.0, "enough": true},
		},
		"members":       map[string]any{"total": 12.0, "active": 9.0, "new": 3.0},
		"contributions": map[string]any{"comment": 7.0, "vote": 4.0},
		"rfcs":          map[string]any{"open": 2.0, "changes-requested": 1.0},
		"cohorts": []any{
			map[string]any{"month": "2026-08", "size": 12.0, "active": []any{8.0}, "shares": []any{"0.6666"}},
			map[string]any{"month": "2026-09", "size": 9.0, "active": []any{}, "shares": nil},
		},
	}
	const path = "/api/v1/communities/ACME/stats"
	if diff := cmp.Diff(want, w.json(200, path)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tag := w.get(path).Header().Get("ETag")
	if again := w.get(path, "If-None-Match", tag); tag == "" || again.Code != http.StatusNotModified {
		t.Errorf("asked again with the tag %s: status %d", tag, again.Code)
	}
	w.json(404, "/api/v1/communities/hush/stats")
	w.json(404, "/api/v1/communities/nobody/stats")
}

func TestEngagementIsShownOfOneMemberOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(60, "maya", false)
	if got := w.json(200, "/api/v1/communities/acme/members/maya"); got["engagement"] != 41.0 {
		t.Errorf("engagement %v", got["engagement"])
	}
	item := w.json(200, "/api/v1/communities/acme/members")["items"].([]any)[0].(map[string]any)
	if _, there := item["engagement"]; there {
		t.Errorf("the list costs a score a member: %v", item)
	}
}
