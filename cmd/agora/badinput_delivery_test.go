package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// logbook keeps what a whole program logs, and finds what is Agora's fault in it.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// noErrors fails the test when anything was logged as an error or panicked.
func (l *logbook) noErrors(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, `"level":"error"`) || strings.Contains(line, "panic") {
			t.Errorf("logged: %s", line)
		}
	}
}

// playQuietly is play for stories of bad input, none of which is Agora's fault:
// the test fails when anything was logged as an error.
func playQuietly(t *testing.T, set staging) (*stage, context.Context) {
	t.Helper()
	log := &logbook{}
	t.Cleanup(func() { log.noErrors(t) })
	return playLogging(t, set, log)
}

// openRFC opens an RFC by kim and lets GitHub and Agora come to rest.
func openRFC(t *testing.T, ctx context.Context, s *stage) int {
	t.Helper()
	issue, err := s.sim.As("kim").OpenIssue(rfcs, "Weighted quorum", "Let weights count.", "rfc")
	must(t, err)
	settle(t, ctx, s)
	return issue.Number
}

// openVote opens an RFC by kim and its vote, and gives the issue and the ballot comment.
func openVote(t *testing.T, ctx context.Context, s *stage) (int, ghsim.Comment) {
	t.Helper()
	number := openRFC(t, ctx, s)
	writes(t, ctx, s, "maya", number, "/rfc vote")
	return number, commentWith(t, s, rfcs, number, "<!-- agora:ballot")
}

// writes comments as somebody and lets everything that follows happen.
func writes(t *testing.T, ctx context.Context, s *stage, who string, number int, text string) ghsim.Comment {
	t.Helper()
	c, err := s.sim.As(who).Comment(rfcs, number, text)
	must(t, err)
	settle(t, ctx, s)
	return c
}

// reactionsOf lists what Agora put on a comment.
func reactionsOf(s *stage, comment int64) string {
	var found []string
	for _, r := range s.sim.CommentReactions(comment) {
		if r.User != nil && r.User.Login == s.app.Login {
			found = append(found, r.Content)
		}
	}
	return strings.Join(found, " ")
}

// repliesTo are Agora's replies to a comment; there should never be two.
func repliesTo(s *stage, number int, to ghsim.Comment) []ghsim.Comment {
	var found []ghsim.Comment
	for _, c := range s.sim.Comments(rfcs, number) {
		if strings.HasPrefix(c.Body, fmt.Sprintf("<!-- agora:reply %d -->", to.ID)) {
			found = append(found, c)
		}
	}
	return found
}

// replyTo is the one reply to a comment; "" when there is none.
func replyTo(t *testing.T, s *stage, number int, to ghsim.Comment) string {
	t.Helper()
	found := repliesTo(s, number, to)
	switch len(found) {
	case 0:
		return ""
	case 1:
		return found[0].Body
	}
	t.Fatalf("%d replies to one comment", len(found))
	return ""
}

// fromAgora counts Agora's comments on an issue.
func fromAgora(s *stage, number int) int {
	n := 0
	for _, c := range s.sim.Comments(rfcs, number) {
		if c.User != nil && c.User.Login == s.app.Login {
			n++
		}
	}
	return n
}

// rfcOf reads an RFC as the API serves it.
type rfcOf struct {
	State string
	Title string
	Tally map[string]struct {
		Weight string
		Voters int
	}
	Outcome string
	Reasons []string
}

// served reads a document of the API.
func served[T any](t *testing.T, ctx context.Context, s *stage, path string) T {
	t.Helper()
	var document T
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s", path, answer.Status)
	}
	must(t, json.NewDecoder(answer.Body).Decode(&document))
	return document
}

func theRFC(t *testing.T, ctx context.Context, s *stage) rfcOf {
	t.Helper()
	return served[rfcOf](t, ctx, s, "/api/v1/communities/acme/rfcs/1")
}

// deliver sends Agora a signed delivery under a GUID, and gives the status.
func deliver(t *testing.T, ctx context.Context, s *stage, event, guid string, body []byte) int {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/github/hook", bytes.NewReader(body))
	must(t, err)
	mac := hmac.New(sha256.New, []byte(s.app.WebhookSecret))
	mac.Write(body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", guid)
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	must(t, answer.Body.Close())
	return answer.StatusCode
}

// commentEvent makes the payload of a new comment, with what Agora needs of it and
// no installation; its text may be one that GitHub would not take.
func commentEvent(t *testing.T, s *stage, number int, c ghsim.Comment, text string) []byte {
	t.Helper()
	type fields = map[string]any
	body, err := json.Marshal(fields{
		"action": "created", "sender": c.User, "issue": fields{"number": number},
		"repository": fields{"id": lastDelivery(t, s, "issue_comment", "created").RepositoryID},
		"comment":    fields{"id": c.ID, "body": text, "user": c.User, "created_at": c.CreatedAt, "updated_at": c.UpdatedAt},
	})
	must(t, err)
	return body
}

// lastDelivery finds the newest delivery of an event and action.
func lastDelivery(t *testing.T, s *stage, event, action string) ghsim.Delivery {
	t.Helper()
	for _, d := range s.sim.Deliveries() {
		if d.Event == event && d.Action == action {
			return d
		}
	}
	t.Fatalf("no delivery of %s %s", event, action)
	return ghsim.Delivery{}
}

func TestTheSameDeliveryManyTimesActsOnce(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	comment := writes(t, ctx, s, "lee", number, "/vote approve\n/vote aprove")
	d := lastDelivery(t, s, "issue_comment", "created")
	before := len(s.sim.Comments(rfcs, number))
	var posting sync.WaitGroup
	for i := range 20 {
		guid := d.GUID
		if i%2 == 1 {
			guid = fmt.Sprintf("another-%d", i) // GitHub would not, but then it is harmless too
		}
		posting.Go(func() {
			if status := deliver(t, ctx, s, d.Event, guid, d.Payload); status != http.StatusOK {
				t.Errorf("answered %d", status)
			}
		})
	}
	posting.Wait()
	settle(t, ctx, s)
	if now := len(s.sim.Comments(rfcs, number)); now != before {
		t.Errorf("%d comments, %d before", now, before)
	}
	if got := len(repliesTo(s, number, comment)); got != 1 {
		t.Errorf("%d replies, want 1", got)
	}
	if got := theRFC(t, ctx, s).Tally["approve"].Voters; got != 1 {
		t.Errorf("%d approve, want 1", got)
	}
}

// Everything that happened to an issue arrives in another order, and twice: the
// state is what GitHub says, not what an event tells.
func TestShuffledDeliveriesEndInTheSameState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s, ctx := playQuietly(t, staging{})
			s.sim.HoldWebhooks()
			issue, err := s.sim.As("kim").OpenIssue(rfcs, "Weighted quorum", "Let weights count.", "rfc")
			must(t, err)
			must(t, s.sim.As("kim").EditBody(rfcs, issue.Number, "Let weights count, and heads too."))
			must(t, s.sim.As("kim").EditTitle(rfcs, issue.Number, "Weights and heads"))
			must(t, s.sim.As("kim").Close(rfcs, issue.Number))
			must(t, s.sim.As("maya").Reopen(rfcs, issue.Number))
			s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: seed, Twice: true})
			settle(t, ctx, s)
			commentWith(t, s, rfcs, issue.Number, "<!-- agora:rfc 1 -->")
			if got := theRFC(t, ctx, s); got.State != "open" || got.Title != "Weights and heads" {
				t.Errorf("the RFC is %s, %q", got.State, got.Title)
			}
		})
	}
}

func TestClosedThatArrivesBeforeOpenedMakesNoRFC(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	s.sim.HoldWebhooks()
	issue, err := s.sim.As("kim").OpenIssue(rfcs, "Weighted quorum", "Let weights count.", "rfc")
	must(t, err)
	must(t, s.sim.As("kim").Close(rfcs, issue.Number))
	s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 3, Twice: true})
	settle(t, ctx, s)
	if got := fromAgora(s, issue.Number); got != 0 {
		t.Errorf("Agora wrote %d comments on an issue that was closed at once", got)
	}
	must(t, s.sim.As("kim").Reopen(rfcs, issue.Number))
	settle(t, ctx, s)
	commentWith(t, s, rfcs, issue.Number, "<!-- agora:rfc 1 -->")
}

func TestAClosureThatOvertakesTheVoteWithdraws(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	s.sim.HoldWebhooks()
	_, err := s.sim.As("lee").Comment(rfcs, number, "/vote approve")
	must(t, err)
	must(t, s.sim.As("maya").Close(rfcs, number))
	s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 1})
	settle(t, ctx, s)
	if got := theRFC(t, ctx, s).State; got != "withdrawn" {
		t.Errorf("the RFC is %s, want withdrawn", got)
	}
}

// Lost events are healed by the re-reading every hour.
func TestLostDeliveriesAreHealed(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	s.sim.DropWebhooks(func(string, string) bool { return true })
	issue, err := s.sim.As("kim").OpenIssue(rfcs, "Weighted quorum", "Let weights count.", "rfc")
	must(t, err)
	_, err = s.sim.As("maya").Comment(rfcs, issue.Number, "/rfc vote")
	must(t, err)
	settle(t, ctx, s)
	jump(t, ctx, s, time.Hour+time.Minute)
	commentWith(t, s, rfcs, issue.Number, "<!-- agora:ballot 1/1 -->")
}

// An organisation's own webhook sends payloads without an installation; what Agora
// knows of the repository is enough.
func TestPayloadsWithoutAnInstallationAreHandled(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	openRFC(t, ctx, s)
	writes(t, ctx, s, "lee", 1, "/rfc status")
	statuses := map[int]int{}
	for i, d := range s.sim.Deliveries() {
		var payload map[string]any
		must(t, json.Unmarshal(d.Payload, &payload))
		delete(payload, "installation")
		body, err := json.Marshal(payload)
		must(t, err)
		statuses[deliver(t, ctx, s, d.Event, fmt.Sprintf("bare-%d", i), body)]++
	}
	settle(t, ctx, s)
	if !maps.Equal(statuses, map[int]int{http.StatusOK: len(s.sim.Deliveries())}) {
		t.Errorf("answers by status: %v", statuses)
	}

	s.sim.DropWebhooks(func(string, string) bool { return true })
	comment := writes(t, ctx, s, "noor", 1, "/rfc status")
	bare := commentEvent(t, s, 1, comment, comment.Body)
	if status := deliver(t, ctx, s, "issue_comment", "bare", bare); status != http.StatusOK {
		t.Fatalf("answered %d", status)
	}
	settle(t, ctx, s)
	if !strings.Contains(replyTo(t, s, 1, comment), "**open**") {
		t.Errorf("no answer to a command that arrived without an installation")
	}
}

// A repository that the App is not installed on, or an account that is nobody's:
// accepted, and left alone.
func TestDeliveriesOfStrangersAreLeftAlone(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	s.sim.ResetCounters()
	for i, body := range []string{
		`{}`, `{"action":null}`, `{"action":"opened","issue":null,"repository":null,"sender":null,"installation":null}`,
		`{"action":"created","repository":{"id":999999},"issue":{"number":1},"comment":{"id":1,"body":"/rfc vote","user":{"id":1,"login":"x"}}}`,
		`{"action":"opened","repository":{"id":0},"issue":{"number":0,"labels":[{"name":"rfc"},null]}}`,
		`{"action":"opened","repository":{"id":-5},"issue":{"number":-1,"user":null}}`,
		`{"action":"an action of next year","repository":{"id":999999}}`,
	} {
		for _, event := range s.agora.webhooks.Events() {
			if status := deliver(t, ctx, s, event, fmt.Sprintf("%s-%d", event, i), []byte(body)); status/100 != 2 {
				t.Errorf("%s %s answered %d", event, body, status)
			}
		}
	}
	settle(t, ctx, s)
	if n := s.sim.Writes(); n != 0 {
		t.Errorf("%d writes on GitHub", n)
	}
}

// Actions that Agora does not know, on a repository it knows well.
func TestUnknownActionsAreAcceptedAndIgnored(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	writes(t, ctx, s, "lee", number, "/vote approve")
	before := theRFC(t, ctx, s)
	for i, d := range s.sim.Deliveries() {
		if d.Event == "installation" || d.Event == "label" {
			continue
		}
		var payload map[string]any
		must(t, json.Unmarshal(d.Payload, &payload))
		payload["action"] = "an action of next year"
		body, err := json.Marshal(payload)
		must(t, err)
		if status := deliver(t, ctx, s, d.Event, fmt.Sprintf("future-%d", i), body); status/100 != 2 {
			t.Errorf("%s answered %d", d.Event, status)
		}
	}
	settle(t, ctx, s)
	after := theRFC(t, ctx, s)
	if before.State != after.State || !maps.Equal(before.Tally, after.Tally) {
		t.Errorf("%+v became %+v", before, after)
	}
}
