package ghsim_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v62/github"
	"go.uber.org/goleak"

	"github.com/agora-rfc/agora/app/ghsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a simulated GitHub with an organisation, people and an installed App.
type world struct {
	*ghsim.Server
	app          ghsim.App
	installation int64
	client       *github.Client // of the installation
	owner        *github.Client // of the App itself (JWT)
	clock        *clock
	hooks        *receiver
}

const repo = "acme/widgets"

// clock is a world's time, moved by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// hook is one webhook that arrived.
type hook struct {
	header  http.Header
	payload []byte
	event   any // as go-github decodes it
}

// receiver takes webhooks, checking their signature, and answers with status.
type receiver struct {
	mu     sync.Mutex
	secret string
	status int
	got    []hook
	bad    []error
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	payload, err := github.ValidatePayload(q, []byte(r.secret))
	if err != nil {
		r.bad = append(r.bad, err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	event, err := github.ParseWebHook(github.WebHookType(q), payload)
	if err != nil {
		r.bad = append(r.bad, err)
	}
	r.got = append(r.got, hook{q.Header, payload, event})
	w.WriteHeader(r.status)
}

// names lists event.action of what arrived.
func (r *receiver) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, h := range r.got {
		name := h.header.Get("X-GitHub-Event")
		if a, is := h.event.(interface{ GetAction() string }); is && a.GetAction() != "" {
			name += "." + a.GetAction()
		}
		out = append(out, name)
	}
	return out
}

func (r *receiver) take() []hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, ghsim.Options{})
}

func newWorldWith(t *testing.T, options ghsim.Options) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)}}
	options.Clock = w.clock.Now
	s, err := ghsim.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	w.Server = s
	s.AddUsers("maya", "alice", "bob", "carol", "dave")
	s.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}, Members: []string{"alice"}})
	s.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "widgets", Collaborators: map[string]string{"alice": "maintain", "bob": "triage"},
		Files: map[string]string{".github/agora.yml": "version: 1\n", "docs/a.md": "a\n"}})
	s.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "secret", Private: true})
	w.app = s.AddApp(ghsim.NewApp{Slug: "agora", WebhookSecret: "s3cret"})
	w.hooks = &receiver{secret: "s3cret", status: http.StatusOK}
	h := httptest.NewServer(w.hooks)
	s.SetWebhookURL(w.app.ID, h.URL)
	w.installation = s.Install(w.app.ID, "acme")
	w.client, w.owner = w.clients(t, s.APIURL())
	t.Cleanup(func() {
		w.idle(t)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		h.Close()
		if len(w.hooks.bad) > 0 {
			t.Errorf("webhooks that were not good: %v", w.hooks.bad)
		}
	})
	w.idle(t)
	w.hooks.take()
	return w
}

// clients makes the App's two clients as production does.
func (w *world) clients(t *testing.T, base string) (installation, owner *github.Client) {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	jwt, err := ghinstallation.NewAppsTransport(transport, w.app.ID, w.app.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	jwt.BaseURL = base[:len(base)-1]
	token := ghinstallation.NewFromAppsTransport(jwt, w.installation)
	make := func(rt http.RoundTripper) *github.Client {
		c, err := github.NewClient(&http.Client{Transport: rt}).WithEnterpriseURLs(base, base)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return make(token), make(jwt)
}

// idle waits until all webhooks were answered.
func (w *world) idle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.WaitIdle(ctx); err != nil {
		t.Fatal(err)
	}
}

// must stops the test at an error.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// status tells the HTTP status of a go-github answer.
func status(r *github.Response) int {
	if r == nil || r.Response == nil {
		return 0
	}
	return r.StatusCode
}

// raw makes a request by hand, below the API unless the path starts with a
// slash, and gives status, header and body.
func (w *world) raw(t *testing.T, method, path, token string, header map[string]string) (int, http.Header, string) {
	t.Helper()
	base := w.APIURL()
	if strings.HasPrefix(path, "/") {
		base = w.URL()
	}
	r, err := http.NewRequest(method, base+path, nil)
	check(t, err)
	r.Header.Set("User-Agent", "test")
	if token != "" {
		r.Header.Set("Authorization", "token "+token)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	check(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	check(t, err)
	return res.StatusCode, res.Header, string(b)
}

func TestACommentArrivesAsASignedWebhookAndThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "Weighted quorum", "text"))
	must[ghsim.Comment](t)(w.As("bob").Comment(repo, i.Number, "/vote approve"))
	w.idle(t)
	got := w.hooks.take()
	if len(got) != 2 {
		t.Fatalf("got %d webhooks, want 2", len(got))
	}
	e, is := got[1].event.(*github.IssueCommentEvent)
	if !is || e.GetAction() != "created" || e.GetComment().GetBody() != "/vote approve" || e.GetSender().GetLogin() != "bob" ||
		e.GetInstallation().GetID() != w.installation || e.GetRepo().GetFullName() != repo || e.GetOrganization().GetLogin() != "acme" {
		t.Errorf("the webhook says %s", got[1].payload)
	}
	list, _, err := w.client.Issues.ListComments(context.Background(), "acme", "widgets", i.Number, nil)
	check(t, err)
	if len(list) != 1 || list[0].GetUser().GetLogin() != "bob" || list[0].GetReactions().GetTotalCount() != 0 {
		t.Errorf("comments: %v", list)
	}
}
