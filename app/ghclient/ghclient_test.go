package ghclient_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palantir/go-githubapp/githubapp"
	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID        = 77
	installation = 5
)

var appKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

// server is a small GitHub of one test's making. It hands out tokens and
// answers what the test says; what was asked is written down.
type server struct {
	*http.ServeMux
	url string
	t   *testing.T

	mu     sync.Mutex
	asked  []string
	tokens int
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{ServeMux: http.NewServeMux(), t: t}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	s.url = web.URL
	s.HandleFunc("POST /app/installations/{id}/access_tokens", func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.mu.Lock()
		s.tokens++
		token := fmt.Sprintf("secret-%d", s.tokens)
		s.mu.Unlock()
		w.WriteHeader(http.StatusCreated)
		answer(w, map[string]any{"token": token, "expires_at": time.Now().Add(time.Hour)})
	})
	s.HandleFunc("GET /app", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"id": appID, "slug": "agora-test"})
	})
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	s.ServeMux.ServeHTTP(w, r)
}

// count tells how often something was asked for.
func (s *server) count(asked string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.asked {
		if a == asked {
			n++
		}
	}
	return n
}

// token is the newest installation token.
func (s *server) token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("token secret-%d", s.tokens)
}

// reply answers a route with a fixed status and JSON.
func (s *server) reply(route string, status int, body any) {
	s.HandleFunc(route, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		answer(w, body)
	})
}

func answer(w io.Writer, body any) { _ = json.NewEncoder(w).Encode(body) }

func settings(url string) githubapp.Config {
	var c githubapp.Config
	c.V3APIURL = url
	c.App.IntegrationID = appID
	c.App.PrivateKey = appKey()
	return c
}

// unbounded lifts our own budget of writes, for tests of other things.
var unbounded = ghclient.Options{WriteRate: rate.Inf, ContentRate: rate.Inf}

func (s *server) github(options ghclient.Options) *ghclient.GitHub {
	s.t.Helper()
	options.HTTP = &http.Transport{}
	g, err := ghclient.New(settings(s.url), options)
	if err != nil {
		s.t.Fatalf("New: %v", err)
	}
	s.t.Cleanup(g.Close)
	return g
}

func (s *server) repo() *ghclient.RepoClient { return s.github(unbounded).Repo(acme()) }

func acme() app.Repository {
	return app.Repository{ID: 9, Owner: app.Account{ID: 1, Login: "acme", Organization: true}, Name: "app", Installation: installation}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if app.CodeOf(err) != code || (err == nil) != (code == "") {
		t.Errorf("error %v has code %q, want %q", err, app.CodeOf(err), code)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func user(id int64, login string) map[string]any {
	return map[string]any{"id": id, "login": login, "type": "User"}
}

// manualClock is a clock that a test turns.
type manualClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *manualClock { return &manualClock{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)} }

func (c *manualClock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var ctx = context.Background()
