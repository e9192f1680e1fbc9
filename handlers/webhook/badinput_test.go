package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/handlers/webhook"
)

const secret = "the webhook's secret"

// inbox is a queue that remembers what it kept; full makes it refuse.
type inbox struct {
	mu   sync.Mutex
	kept []app.Entry
	full error
}

func (i *inbox) Receive(_ context.Context, entry app.Entry) (app.Receipt, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.full != nil {
		return 0, i.full
	}
	entry.Body = bytes.Clone(entry.Body)
	i.kept = append(i.kept, entry)
	return app.Accepted, nil
}

// intake is the webhook's door over an inbox, with everything it logs.
type intake struct {
	*inbox
	hooks    *webhook.Webhooks
	log      bytes.Buffer
	outcomes []string // as they are counted
}

func newIntake(t *testing.T) *intake {
	t.Helper()
	in := &intake{inbox: &inbox{}}
	var err error
	observe := func(_, outcome string) { in.outcomes = append(in.outcomes, outcome) }
	if in.hooks, err = webhook.New(webhook.Options{Secret: secret, Queue: in.inbox, Observe: observe}); err != nil {
		t.Fatal(err)
	}
	return in
}

// post delivers a request and gives the answer.
func (in *intake) post(r *http.Request) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	in.hooks.ServeHTTP(out, r.WithContext(zerolog.New(&in.log).WithContext(r.Context())))
	return out
}

// delivery is a request as GitHub sends it, signed with the secret.
func delivery(event string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/github/hook", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, body))
	return r
}

func sign(h func() hash.Hash, secret string, body []byte) string {
	mac := hmac.New(h, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

var commented = []byte(`{"action":"created","repository":{"id":7},"issue":{"number":3},"comment":{"id":1,"body":"hello","user":{"id":5,"login":"kim"}}}`)

// refused posts a delivery that must not be kept, nor logged as Agora's fault.
func refused(t *testing.T, r *http.Request, status int) {
	t.Helper()
	in := newIntake(t)
	if got := in.post(r); got.Code != status {
		t.Errorf("answered %d (%s), want %d", got.Code, strings.TrimSpace(got.Body.String()), status)
	}
	if len(in.kept) != 0 {
		t.Errorf("kept %d deliveries, want none", len(in.kept))
	}
	if strings.Contains(in.log.String(), `"error"`) {
		t.Errorf("logged as an error: %s", in.log.String())
	}
	want := []string{"rejected"}
	if status == http.StatusMethodNotAllowed {
		want = nil // no delivery at all
	}
	if !slices.Equal(in.outcomes, want) {
		t.Errorf("counted as %q, want %q", in.outcomes, want)
	}
}

func TestADeliveryThatDoesNotNameItsTypeIsJSON(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	r := delivery("issue_comment", commented)
	r.Header.Del("Content-Type")
	if got := in.post(r); got.Code >= 300 || len(in.kept) != 1 {
		t.Errorf("answered %d, and kept %d", got.Code, len(in.kept))
	}
}

func TestOnlyASHA256SignatureByTheSecretPasses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(http.Header){
		"unsigned": func(h http.Header) { h.Del("X-Hub-Signature-256") },
		"SHA-1 only": func(h http.Header) {
			h.Del("X-Hub-Signature-256")
			h.Set("X-Hub-Signature", "sha1="+sign(sha1.New, secret, commented))
		},
		"SHA-1 under the name of SHA-256": func(h http.Header) {
			h.Set("X-Hub-Signature-256", "sha1="+sign(sha1.New, secret, commented))
		},
		"a false SHA-256 beside a right SHA-1": func(h http.Header) {
			h.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))
			h.Set("X-Hub-Signature", "sha1="+sign(sha1.New, secret, commented))
		},
		"wrong secret": func(h http.Header) {
			h.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, "another secret", commented))
		},
		"empty secret": func(h http.Header) {
			h.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, "", commented))
		},
		"empty signature":  func(h http.Header) { h.Set("X-Hub-Signature-256", "sha256=") },
		"cut signature":    func(h http.Header) { h.Set("X-Hub-Signature-256", h.Get("X-Hub-Signature-256")[:30]) },
		"no hexadecimals":  func(h http.Header) { h.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("zz", 32)) },
		"no event":         func(h http.Header) { h.Del("X-GitHub-Event") },
		"no JSON, no form": func(h http.Header) { h.Set("Content-Type", "text/html") },
		"signature of more": func(h http.Header) {
			h.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, append(commented, ' ')))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := delivery("issue_comment", commented)
			spoil(r.Header)
			refused(t, r, http.StatusUnauthorized)
		})
	}
}

// A webhook secret that is not the App's makes every delivery fail, and nobody looks at
// the App's page first: the log says so, at most once a minute, and repeats nothing of it.
func TestTheLogSaysThatDeliveriesAreNotSigned(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var err error
	in := &intake{inbox: &inbox{}}
	in.hooks, err = webhook.New(webhook.Options{Secret: secret, Queue: in.inbox, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	warned := func() int { return strings.Count(in.log.String(), "GITHUB_APP_WEBHOOK_SECRET") }
	for n, spoil := range []func(http.Header){
		func(h http.Header) {
			h.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, "another secret", commented))
		},
		func(h http.Header) { h.Del("X-Hub-Signature-256") },
	} {
		for range 100 {
			r := delivery("issue_comment", commented)
			spoil(r.Header)
			in.post(r)
		}
		if warned() != n+1 {
			t.Errorf("after %d minutes of refusals the log warns %d times:\n%s", n+1, warned(), in.log.String())
		}
		now = now.Add(time.Minute)
	}
	in.post(delivery("issue_comment", commented))
	if warned() != 2 || len(in.kept) != 1 {
		t.Errorf("a good delivery: warned %d times, kept %d", warned(), len(in.kept))
	}
	if log := in.log.String(); strings.Contains(log, "hello") || strings.Contains(log, secret) || !strings.Contains(log, `"warn"`) {
		t.Errorf("the log is not what it should be: %s", log)
	}
}

func TestWebhooksWithoutASecretAreNotMade(t *testing.T) {
	t.Parallel()
	_, err := webhook.New(webhook.Options{Queue: &inbox{}})
	if err == nil || !strings.Contains(err.Error(), "webhook_secret") {
		t.Errorf("error %v, want one that names webhook_secret", err)
	}
}

func TestABodyOf26MBIsRefused(t *testing.T) {
	t.Parallel()
	huge := append(append([]byte(`{"action":"`), bytes.Repeat([]byte("a"), 26<<20)...), `"}`...)
	t.Run("announced", func(t *testing.T) {
		t.Parallel()
		refused(t, delivery("issues", huge), http.StatusRequestEntityTooLarge)
	})
	t.Run("in chunks", func(t *testing.T) {
		t.Parallel()
		r := delivery("issues", huge)
		r.ContentLength, r.Body = -1, io.NopCloser(bytes.NewReader(huge))
		refused(t, r, http.StatusRequestEntityTooLarge)
	})
}

func TestABodyOfGitHubsLargestSizeIsKept(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	body := append(append([]byte(`{"repository":{"id":7},"action":"`), bytes.Repeat([]byte("a"), 25<<20-100)...), `"}`...)
	if got := in.post(delivery("issues", body)); got.Code != http.StatusOK {
		t.Errorf("answered %d: %s", got.Code, got.Body)
	}
	if len(in.kept) != 1 {
		t.Errorf("kept %d deliveries, want 1", len(in.kept))
	}
}

func TestASignedBodyThatIsNoJSONIsRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"truncated":            commented[:len(commented)-9],
		"empty":                {},
		"two documents":        append(append([]byte{}, commented...), commented...),
		"nested 100,000 times": []byte(`{"action":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`),
		"bytes of no text":     {0xff, 0xfe, 0x00, 0x7b, 0x7d},
		"text in UTF-16":       {0x7b, 0x00, 0x22, 0x00, 0x61, 0x00, 0x22, 0x00, 0x3a, 0x00, 0x31, 0x00, 0x7d, 0x00},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, delivery("issue_comment", body), http.StatusBadRequest)
		})
	}
}

// A connection that ends before the body does is no delivery: GitHub sees no 2xx.
func TestABodyShorterThanAnnouncedIsRefused(t *testing.T) {
	t.Parallel()
	r := delivery("issue_comment", commented)
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(commented[:20]), failing{}))
	refused(t, r, http.StatusUnauthorized)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What is JSON but not what the event promises is kept, so that an operator finds
// it, and set aside when it runs.
func TestAKeptDeliveryOfTheWrongShapeIsSetAside(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a list":              `[1,2,3]`,
		"a string for a user": `{"action":"created","comment":{"user":"kim"}}`,
		"numbers as words":    `{"action":"created","repository":{"id":"seven"},"issue":{"number":"three"}}`,
		"a number too large":  `{"action":"created","issue":{"number":99999999999999999999999999}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newIntake(t)
			if got := in.post(delivery("issue_comment", []byte(body))); got.Code != http.StatusOK {
				t.Fatalf("answered %d: %s", got.Code, got.Body)
			}
			err := in.hooks.Handle(t.Context(), in.kept[0])
			if !app.Parked(err) {
				t.Errorf("error %v, want one that sets the delivery aside", err)
			}
		})
	}
}

func TestAnEnvelopeWithoutAnEventIsSetAside(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	if err := in.hooks.Handle(t.Context(), app.Entry{Body: []byte("issues")}); !app.Parked(err) {
		t.Errorf("error %v, want one that sets the delivery aside", err)
	}
}

func TestUnknownEventsAreAcceptedAndIgnored(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"ping", "star", "watch", "sponsorship", "an event of next year", "issues\nissue_comment", strings.Repeat("e", 10_000)} {
		in := newIntake(t)
		if got := in.post(delivery(event, []byte(`{"zen":"Design for failure."}`))); got.Code/100 != 2 {
			t.Errorf("%.40q answered %d: %s", event, got.Code, got.Body)
		}
		if len(in.kept) != 0 {
			t.Errorf("%.40q was kept", event)
		}
	}
}

func TestADeliveryThatCannotBeKeptIsAskedForAgain(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.full = errors.New("the disk is full")
	got := in.post(delivery("issue_comment", commented))
	if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d with %v, want 503 with Retry-After", got.Code, got.Header())
	}
	if strings.Contains(got.Body.String(), "disk") {
		t.Errorf("tells strangers what is wrong inside: %s", got.Body)
	}
}

func TestWebhooksArePosted(t *testing.T) {
	t.Parallel()
	r := delivery("issue_comment", commented)
	r.Method = http.MethodGet
	refused(t, r, http.StatusMethodNotAllowed)
}

// Everything about one issue stands in one lane, whatever the event.
func TestDeliveriesOfOneIssueShareALane(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.post(delivery("issue_comment", commented))
	in.post(delivery("issues", []byte(`{"repository":{"id":7},"issue":{"number":3}}`)))
	in.post(delivery("pull_request", []byte(`{"repository":{"id":7},"pull_request":{"number":3}}`)))
	in.post(delivery("pull_request_review", []byte(`{"repository":{"id":7},"pull_request":{"number":3}}`)))
	want := app.IssueRef{Repository: 7, Number: 3}.Lane()
	if len(in.kept) != 4 {
		t.Fatalf("kept %d deliveries, want 4", len(in.kept))
	}
	for _, entry := range in.kept {
		if entry.Lane != want {
			t.Errorf("lane %q, want %q", entry.Lane, want)
		}
	}
}

// The bytes are kept as they came: what is no UTF-8 is replaced when it is read.
func TestABodyThatIsNoUTF8IsKeptAsItCame(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	body := []byte("{\"repository\":{\"id\":7},\"issue\":{\"number\":3,\"title\":\"caf\xe9 \xff\"}}")
	if got := in.post(delivery("issues", body)); got.Code != http.StatusOK {
		t.Fatalf("answered %d: %s", got.Code, got.Body)
	}
	if !bytes.HasSuffix(in.kept[0].Body, body) {
		t.Errorf("kept %q, want it to end with %q", in.kept[0].Body, body)
	}
}

// FuzzIntake holds that no signed body makes the door fall over, and that what is
// kept can be opened again.
func FuzzIntake(f *testing.F) {
	f.Add("issue_comment", commented)
	f.Add("installation", []byte(`{"action":"created","installation":{"id":1}}`))
	f.Add("push", []byte(`{"repository":{"id":1e400},"issue":{"number":-1}}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		in := newIntake(t)
		got := in.post(delivery(event, body))
		if got.Code >= 500 {
			t.Fatalf("answered %d: %s", got.Code, got.Body)
		}
		if kept := len(in.kept); kept == 1 && (in.kept[0].Lane == "" || !bytes.HasSuffix(in.kept[0].Body, body)) {
			t.Errorf("kept %q in lane %q", in.kept[0].Body, in.kept[0].Lane)
		}
	})
}
