package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
)

func TestRFCHasTheShapeOfTheInterface(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.voting(w.rfc(7, rfc.Voting, public))
	got := w.json(200, "/api/v1/communities/ACME/rfcs/7")
	want := map[string]any{
		"number": 7.0, "repository": "Acme/rfcs", "issue": 407.0, "kind": "pull_request", "title": "Title 7 <b>&", "type": "standard",
		"state": "voting", "author": map[string]any{"id": 1.0, "login": "maya"}, "url": "https://github.example/acme/rfcs/pull/407",
		"page_url": publicURL + "/c/Acme/rfcs/7", "opened_at": "2026-09-18T18:00:00Z", "voting_opens_at": nil, "round": 1.0,
		"voting_opened_at": "2026-10-02T18:00:00Z", "deadline": "2026-10-12T18:00:00Z",
		"tally": map[string]any{
			"approve":         map[string]any{"weight": "31.52", "voters": 9.0},
			"reject":          map[string]any{"weight": "11.00", "voters": 3.0},
			"request_changes": map[string]any{"weight": "0.00", "voters": 0.0},
			"abstain":         map[string]any{"weight": "4.00", "voters": 2.0},
		},
		"quorum": map[string]any{
			"heads": map[string]any{"have": 11.0, "need": 12.0}, "weight": map[string]any{"have": "35.52", "need": "30.10"}, "met": false,
		},
		"approval":      map[string]any{"share": "0.7412", "need": "2/3", "met": true},
		"concerns_open": 0.0, "would_pass": false, "unweighted_would_pass": false, "outcome": nil,
		"reasons": []any{"quorum short by 1 voter"}, "policy_version": "9f3c2ab41d20",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRFCWithoutARoundHasNulls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rfc(7, rfc.Open, public)
	got := w.json(200, "/api/v1/communities/acme/rfcs/7")
	for _, key := range []string{"voting_opened_at", "deadline", "outcome"} {
		if value, there := got[key]; value != nil || !there {
			t.Errorf("%s is %v, want null", key, value)
		}
	}
	if got["policy_version"] != "" || at(got, "approval", "need") != "" {
		t.Errorf("rules that nobody has read yet: %v, %v", got["policy_version"], got["approval"])
	}
	policy := config.DefaultPolicy()
	policy.MinSupporters = 1
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		return tx.SavePolicy(ctx, community.PolicyRecord{Repository: public.ID, Policy: policy, Version: policy.Version(), ReadAt: now})
	})
	got = w.json(200, "/api/v1/communities/acme/rfcs/7")
	if got["policy_version"] != policy.Version() || at(got, "approval", "need") != "2/3" || at(got, "quorum", "heads", "need") != 0.0 {
		t.Errorf("the rules in force are not shown: %v", got)
	}
	if got["voting_opens_at"] != "2026-10-02T18:00:00Z" {
		t.Errorf("voting_opens_at is %v", got["voting_opens_at"])
	}
	if diff := cmp.Diff([]any{}, got["reasons"]); diff != "" {
		t.Errorf("reasons: %s", diff)
	}
}

func TestDecidedRFCSaysItsOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.rfc(7, rfc.Postponed, public)
	round := w.voting(r)
	round.ClosedAt, round.Outcome, round.Reasons = round.Planned, rfc.OutcomePostponed, []string{"quorum short by 1 voter"}
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRound(ctx, round) })
	if got := w.json(200, "/api/v1/communities/acme/rfcs/7"); got["outcome"] != "postponed" || at(got, "tally", "approve", "weight") != "31.52" {
		t.Errorf("outcome %v, tally %v", got["outcome"], got["tally"])
	}
}

func TestEarlierRoundIsNotTheTallyOfANewDiscussion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.rfc(7, rfc.Open, public)
	round := w.voting(r)
	round.ClosedAt, round.Outcome = round.Planned, rfc.OutcomeChangesRequested
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRound(ctx, round) })
	got := w.json(200, "/api/v1/communities/acme/rfcs/7")
	if at(got, "tally", "approve", "voters") != 0.0 || got["deadline"] != nil || got["outcome"] != nil {
		t.Errorf("void ballots are shown: %v", got)
	}
	if list := w.json(200, "/api/v1/communities/acme/rfcs/7/ballots"); len(list["items"].([]any)) != 14 {
		t.Error("void ballots do not stay on record")
	}
}

func TestListIsNewestFirstFilteredAndPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := 1; n <= 5; n++ {
		w.rfc(n, rfc.Open, public)
	}
	w.rfc(6, rfc.Open, private)
	w.rfc(7, rfc.Rejected, public)
	w.rfc(0, rfc.Draft, public)
	other := w.rfc(8, rfc.Open, public)
	other.Type = "capability_proposal"
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRFC(ctx, other) })

	list := "/api/v1/communities/acme/rfcs"
	for query, want := range map[string]string{
		"":                                  "8 7 5 4 3 2 1",
		"?state=rejected":                   "7",
		"?state=open&limit=2":               "8 5 4 3 2 1",
		"?limit=3":                          "8 7 5 4 3 2 1",
		"?type=capability_proposal":         "8",
		"?type=capability-proposal":         "8",
		"?type=standard&limit=1&state=open": "5 4 3 2 1",
		"?state=voting":                     "",
	} {
		if got := strings.Join(w.walk(list+query), " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"?state=nonsense", "?type=nonsense", "?limit=0", "?limit=101", "?limit=x", "?cursor=x", "?cursor=-1"} {
		w.json(422, list+query)
	}
}

func TestAProblemDoesNotRepeatWhatWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("9", 60_000)
	for where, query := range map[string]string{"query.cursor": "?cursor=" + long, "query.limit": "?limit=" + long} {
		got := w.json(422, "/api/v1/communities/acme/rfcs"+query)
		if body := fmt.Sprint(got); !strings.Contains(body, where) || len(body) > 1000 {
			t.Errorf("%d bytes for %s: %.1000s", len(body), where, body)
		}
	}
}

// walk follows the Link header and returns the numbers of all pages. It fails when
// next and Link disagree.
func (w *world) walk(path string) []string {
	w.t.Helper()
	var numbers []string
	for path != "" {
		response := w.get(path)
		if response.Code != 200 {
			w.t.Fatalf("%s: %d", path, response.Code)
		}
		var page struct {
			Items []map[string]any
			Next  *string
		}
		if err := json.Unmarshal(response.Body.Bytes(), &page); err != nil {
			w.t.Fatal(err)
		}
		if page.Items == nil {
			w.t.Errorf("%s: items is null", path)
		}
		for _, item := range page.Items {
			for _, key := range []string{"number", "seq", "cast_at", "login"} {
				if value, ok := item[key]; ok {
					numbers = append(numbers, fmt.Sprint(value))
					break
				}
			}
		}
		link := response.Header().Get("Link")
		if (link == "") != (page.Next == nil) {
			w.t.Errorf("%s: Link %q, next %v", path, link, page.Next)
		}
		path = ""
		if link != "" {
			address, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
			u, err := url.Parse(address)
			if !ok || err != nil || u.Query().Get("cursor") != *page.Next || !strings.HasPrefix(address, publicURL) {
				w.t.Fatalf("bad Link %q", link)
			}
			path = u.RequestURI()
		}
	}
	return numbers
}

func TestBallotsAreAllRoundsOldestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.rfc(7, rfc.Voting, public)
	round := w.voting(r)
	round.ClosedAt, round.Outcome = opened.Add(time.Hour), rfc.OutcomeRestarted
	second := *round
	second.Number, second.OpenedAt, second.ClosedAt, second.Outcome = 2, opened.Add(time.Hour), time.Time{}, ""
	second.Planned = second.OpenedAt.AddDate(0, 0, 10)
	r.Round = 2
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		errs := errors.Join(tx.SaveRound(ctx, round), tx.SaveRound(ctx, &second), tx.SaveRFC(ctx, r),
			tx.SaveElectorate(ctx, r.ID, 2, []rfc.Voter{{ID: 3, Login: "voter-3", Reputation: 60, Weight: 340, Regular: true}}))
		for i, choice := range []rfc.Choice{rfc.Approve, rfc.Reject} {
			_, err := tx.AddAct(ctx, &rfc.Act{RFC: r.ID, Round: 2, Voter: app.User{ID: 3, Login: "voter-3"}, Choice: choice, Channel: rfc.ByComment,
				Source: int64(950 + i), At: second.OpenedAt.Add(time.Duration(i+1) * time.Minute), Seen: now, URL: "https://github.example/x"})
			errs = errors.Join(errs, err)
		}
		return errs
	})
	all := w.walk("/api/v1/communities/acme/rfcs/7/ballots")
	if len(all) != 16 || all[0] != "2026-10-02T18:01:00Z" || all[15] != "2026-10-02T19:02:00Z" {
		t.Errorf("%d ballots: %v", len(all), all)
	}
	for _, limit := range []string{"1", "7", "14", "15"} {
		if diff := cmp.Diff(all, w.walk("/api/v1/communities/acme/rfcs/7/ballots?limit="+limit)); diff != "" {
			t.Errorf("pages of %s differ:\n%s", limit, diff)
		}
	}
	items := w.json(200, "/api/v1/communities/acme/rfcs/7/ballots")["items"].([]any)
	want := map[string]any{
		"round": 2.0, "voter": map[string]any{"id": 3.0, "login": "voter-3"}, "choice": "approve", "weight": "3.40", "counted": false,
		"counts_as": "", "why_not": "superseded by a newer act, or taken back", "channel": "comment", "cast_at": "2026-10-02T19:01:00Z", "url": "https://github.example/x",
	}
	if diff := cmp.Diff(want, items[14]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if at(items[15], "counted") != true || at(items[15], "counts_as") != "reject" || at(items[15], "why_not") != "" {
		t.Errorf("the newest ballot: %v", items[15])
	}
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		errs := tx.SaveWrittenComment(ctx, rfc.Written{Ref: r.Ref, Key: "ballot/2", CommentID: 77, URL: "https://github.example/ballot", Sent: "x", SentAt: now})
		_, err := tx.AddAct(ctx, &rfc.Act{RFC: r.ID, Round: 2, Voter: app.User{ID: 4, Login: "voter-4"}, Choice: rfc.Approve, Channel: rfc.ByReaction,
			Source: 999, At: second.OpenedAt.Add(time.Hour), Seen: now})
		return errors.Join(errs, err)
	})
	items = w.json(200, "/api/v1/communities/acme/rfcs/7/ballots")["items"].([]any)
	if got := at(items[16], "url"); got != "https://github.example/ballot" {
		t.Errorf("a ballot by reaction is said to be at %q", got)
	}
	if body := text(t, w.get("/c/acme/rfcs/7")); !strings.Contains(body, `href="https://github.example/ballot"`) {
		t.Error("the page does not lead from the ballot by reaction to the ballot comment")
	}
	w.json(422, "/api/v1/communities/acme/rfcs/7/ballots?cursor=1.99999")
	w.json(422, "/api/v1/communities/acme/rfcs/7/ballots?cursor=1")
}

func TestAuditIsPagedAndNamesPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(1, "maya", false)
	r := w.rfc(7, rfc.Open, public)
	w.change(func(ctx context.Context, tx rfc.Tx) error {
		return tx.AppendAudit(ctx, audit.Entry{Community: acme.ID, Subject: r.Subject(), At: now, Kind: "state", From: "open", To: "voting"})
	})
	if got := w.walk("/api/v1/communities/acme/rfcs/7/audit?limit=1"); len(got) != 2 {
		t.Errorf("entries %v", got)
	}
	items := w.json(200, "/api/v1/communities/acme/rfcs/7/audit")["items"].([]any)
	if at(items[0], "actor", "login") != "maya" || at(items[0], "reason") != "labelled <i>" || at(items[1], "actor") != nil || at(items[1], "to") != "voting" {
		t.Errorf("entries %v", items)
	}
	for _, item := range items {
		if hash, _ := at(item, "hash").(string); len(hash) != 64 {
			t.Errorf("hash %q", hash)
		}
	}
}

func TestACommunityShowsWhereItsTrailEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rfc(7, rfc.Open, public)
	want := map[string]any{"account": map[string]any{"id": 100.0, "login": "Acme"}, "head": map[string]any{"seq": 0.0, "hash": ""}}
	if diff := cmp.Diff(want, w.json(200, "/api/v1/communities/acme")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if entry := w.json(200, "/api/v1/communities/acme/rfcs/7/audit")["items"].([]any)[0]; at(entry, "seq") != 0.0 || at(entry, "chain") != "" {
		t.Errorf("before it is sealed: %v", entry)
	}
	w.seal()
	head := at(w.json(200, "/api/v1/communities/acme"), "head")
	entry := w.json(200, "/api/v1/communities/acme/rfcs/7/audit")["items"].([]any)[0]
	if at(head, "seq") != 1.0 || at(entry, "seq") != 1.0 || at(entry, "chain") != at(head, "hash") || at(head, "hash") == "" {
		t.Errorf("sealed, the head is %v and the entry %v", head, entry)
	}
	w.json(404, "/api/v1/communities/hush")
	w.json(404, "/api/v1/communities/nobody")
}

func TestMembersShowOnlyPublicFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(60, "maya", false)
	w.member(61, "kim", true)
	w.member(62, "noor", false)
	want := map[string]any{
		"id": 60.0, "login": "maya", "role": "moderator", "level": "", "reputation": 60.0, "weight": "3.40",
		"joined_at": "2026-09-02T18:00:00.123456Z", "contributions": map[string]any{}, // what the member did in a repository that is not public is not counted
		"engagement": 41.0,
	}
	if diff := cmp.Diff(want, w.json(200, "/api/v1/communities/acme/members/MAYA")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := strings.Join(w.walk("/api/v1/communities/acme/members?limit=1"), " "); got != "maya noor" {
		t.Errorf("members %s", got)
	}
	w.json(404, "/api/v1/communities/acme/members/kim")
	w.json(404, "/api/v1/communities/acme/members/nobody")
	w.json(404, "/api/v1/communities/hush/members")
}

func TestTheLeaderboardIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/api/v1/communities/acme/leaderboard"
	first := w.json(200, path+"?limit=2&days=30")
	want := map[string]any{"rank": 1.0, "member": map[string]any{"id": 1.0, "login": "member-1"}, "points": "29.5", "reputation": 1.0, "weight": "1.04"}
	if diff := cmp.Diff(want, first["items"].([]any)[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	response := w.get(path + "?limit=2&days=30")
	if link := response.Header().Get("Link"); first["next"] != "2" || link != "<"+publicURL+path+`?by=points&cursor=2&days=30&limit=2>; rel="next"` {
		t.Errorf("next is %v, and the link %s", first["next"], link)
	}
	if again := w.get(path+"?limit=2&days=30", "If-None-Match", response.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("unchanged, it answers %d", again.Code)
	}
	last := w.json(200, path+"?limit=2&days=30&cursor=2")
	if last["next"] != nil || len(last["items"].([]any)) != 1 {
		t.Errorf("the last page is %v", last)
	}
	if whole := w.json(200, path); len(whole["items"].([]any)) != 3 || at(whole["items"].([]any)[0], "points") != "89.5" {
		t.Errorf("of 90 days it is %v", whole)
	}
	if byR := w.json(200, path+"?by=reputation"); at(byR["items"].([]any)[0], "points") != "-0.5" {
		t.Errorf("by reputation it is %v", byR)
	}
	for _, query := range []string{"?days=0", "?days=366", "?days=soon", "?by=login", "?limit=0", "?cursor=-1", "?cursor=first"} {
		w.json(422, path+query)
	}
	w.json(404, "/api/v1/communities/hush/leaderboard")
}

func TestPrivateIsTheSameAsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.voting(w.rfc(8, rfc.Voting, private))
	w.rfc(3, rfc.Voting, hushOnly)
	removed := public
	removed.ID, removed.Name = 11, "removed"
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRepository(ctx, removed) })
	w.rfc(9, rfc.Voting, removed)
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.RemoveRepository(ctx, removed.ID) })

	for missing, hidden := range map[string][]string{
		"/api/v1/communities/acme/rfcs/99":         {"/api/v1/communities/acme/rfcs/8", "/api/v1/communities/acme/rfcs/9", "/api/v1/communities/hush/rfcs/3"},
		"/api/v1/communities/acme/rfcs/99/ballots": {"/api/v1/communities/acme/rfcs/8/ballots"},
		"/api/v1/communities/acme/rfcs/99/audit":   {"/api/v1/communities/acme/rfcs/8/audit"},
		"/api/v1/communities/nobody/rfcs":          {"/api/v1/communities/hush/rfcs", "/api/v1/communities/hush/members", "/api/v1/communities/hush/members/maya"},
		"/api/v1/gate?repo=acme/nothing&rfc=7":     {"/api/v1/gate?repo=acme/vault&rfc=8", "/api/v1/gate?repo=acme/rfcs&rfc=8", "/api/v1/gate?repo=hush/secret&rfc=3", "/api/v1/gate?repo=acme/vault&pull=408"},
		"/c/acme/rfcs/99":                          {"/c/acme/rfcs/8", "/c/acme/rfcs/9", "/c/hush/rfcs/3", "/c/hush", "/c/nobody", "/c/acme/rfcs/x"},
	} {
		want := w.get(missing)
		if want.Code != http.StatusNotFound {
			t.Errorf("%s: %d", missing, want.Code)
		}
		for _, path := range hidden {
			got := w.get(path)
			if got.Code != want.Code || got.Body.String() != want.Body.String() || cmp.Diff(want.Header(), got.Header()) != "" {
				t.Errorf("%s can be told from %s", path, missing)
			}
		}
	}
	if got := w.walk("/api/v1/communities/acme/rfcs"); len(got) != 0 {
		t.Errorf("the list shows %v", got)
	}
}

func TestUnchangedAnswerIs304(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.rfc(7, rfc.Open, public)
	for _, path := range []string{"/api/v1/communities/acme/rfcs", "/api/v1/communities/acme/rfcs/7", "/c/acme/rfcs/7", "/api/v1/openapi.json", "/api/v1/gate?repo=acme/rfcs&rfc=7"} {
		tag := w.get(path).Header().Get("ETag")
		for _, header := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			if got := w.get(path, "If-None-Match", header); got.Code != http.StatusNotModified || got.Body.Len() != 0 || got.Header().Get("ETag") != tag {
				t.Errorf("%s with %s: %d", path, header, got.Code)
			}
		}
		if got := w.get(path, "If-None-Match", `"other"`); got.Code != 200 {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	tag := w.get("/api/v1/communities/acme/rfcs/7").Header().Get("ETag")
	r.Title = "Another"
	w.change(func(ctx context.Context, tx rfc.Tx) error { return tx.SaveRFC(ctx, r) })
	if got := w.get("/api/v1/communities/acme/rfcs/7", "If-None-Match", tag); got.Code != 200 {
		t.Errorf("a change is hidden: %d", got.Code)
	}
}

func TestOpenAPIDescribesEveryPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	document := w.json(200, "/api/v1/openapi.json")
	if document["openapi"] != "3.1.0" {
		t.Errorf("openapi %v", document["openapi"])
	}
	paths := document["paths"].(map[string]any)
	for _, path := range []string{
		"/api/v1/communities/{account}/rfcs", "/api/v1/communities/{account}/rfcs/{number}", "/api/v1/communities/{account}/rfcs/{number}/ballots",
		"/api/v1/communities/{account}/rfcs/{number}/audit", "/api/v1/communities/{account}/members", "/api/v1/communities/{account}/members/{login}", "/api/v1/gate",
		"/api/v1/communities/{account}/leaderboard",
	} {
		if paths[path] == nil {
			t.Errorf("%s is not described", path)
		}
	}
}
