package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/config"
)

// introduced is what the log says of a server's App, and how often GitHub was asked.
func introduced(t *testing.T, s *stage, change func(*config.Server)) (log string, requests int) {
	t.Helper()
	server := s.server
	server.DatabaseURL = config.Secret("sqlite://" + t.TempDir() + "/other.db")
	server.GitHub.WebURL = "https://github.com"
	change(&server)
	var out strings.Builder
	around := s.around
	around.logger = zerolog.New(&out)
	a, err := assemble(t.Context(), server, around)
	must(t, err)
	s.sim.ResetCounters()
	a.introduce(t.Context(), server.GitHub.WebURL)
	for _, r := range s.sim.Requests() {
		requests += r.Count
	}
	must(t, a.close())
	return out.String(), requests
}

func TestTheLogSaysWhetherGitHubKnowsTheApp(t *testing.T) {
	t.Parallel()
	s, _ := play(t, staging{})
	asAskedFor, err := manifest("", "")
	must(t, err)
	whole := s.sim.AddApp(ghsim.NewApp{Slug: "whole", Permissions: asAskedFor.Permissions, Events: asAskedFor.Events})
	fewer := maps.Clone(asAskedFor.Permissions)
	delete(fewer, "merge_queues")
	fewer["checks"] = "read"
	part := s.sim.AddApp(ghsim.NewApp{Slug: "part", Permissions: fewer,
		Events: slices.DeleteFunc(slices.Clone(asAskedFor.Events), func(event string) bool { return event == "org_block" })})
	s.sim.Install(whole.ID, "acme")
	as := func(id int64, key []byte) func(*config.Server) {
		return func(c *config.Server) {
			c.GitHub.App.IntegrationID, c.GitHub.App.PrivateKey = id, config.Secret(key)
		}
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	otherKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(other)})
	const notTheApps = "the private key (GITHUB_APP_PRIVATE_KEY or GITHUB_APP_PRIVATE_KEY_FILE) does not belong to the App with this id (GITHUB_APP_INTEGRATION_ID)"
	for name, story := range map[string]struct {
		change func(*config.Server)
		says   []string
		not    string
	}{
		"all is well":      {as(whole.ID, whole.PrivateKey), []string{`"level":"info"`, `"app":"whole"`, `"github":"https://github.com"`, `"installations":1`, "connected to GitHub"}, `"warn"`},
		"another's key":    {as(whole.ID, otherKey), []string{`"level":"error"`, notTheApps}, "connected"},
		"no such App":      {as(987654, whole.PrivateKey), []string{`"level":"error"`, notTheApps}, "connected"},
		"something lacks":  {as(part.ID, part.PrivateKey), []string{"connected to GitHub", `"permissions":["checks: write","merge_queues: read"]`, `"events":["org_block"]`}, `"error"`},
		"GitHub is silent": {func(c *config.Server) { c.GitHub.V3APIURL = "http://127.0.0.1:1" }, []string{`"level":"warn"`, "could not be asked"}, `"error":"level"`},
	} {
		log, requests := introduced(t, s, story.change)
		for _, want := range story.says {
			if !strings.Contains(log, want) {
				t.Errorf("%s: the log lacks %q:\n%s", name, want, log)
			}
		}
		if strings.Contains(log, story.not) || strings.Contains(log, "BEGIN") {
			t.Errorf("%s: the log says %q:\n%s", name, story.not, log)
		}
		if requests > 1 {
			t.Errorf("%s: %d requests", name, requests)
		}
	}
}

// lines hands on what is logged, a line at a time.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// A server that GitHub does not answer serves all the same, and ends when it is told to.
func TestServingDoesNotWaitForGitHub(t *testing.T) {
	t.Parallel()
	s, _ := play(t, staging{})
	asked := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/app" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		close(asked)
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	server := s.server
	server.DatabaseURL = config.Secret("sqlite://" + t.TempDir() + "/other.db")
	server.Listen, server.GitHub.V3APIURL = "127.0.0.1:0", silent.URL
	log := make(lines, 1000)
	around := s.around
	around.logger = zerolog.New(log)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, server, around) }()
	serving := regexp.MustCompile(`"listen":"([^"]+)","public_url":"` + regexp.QuoteMeta(server.PublicURL) + `","database":"sqlite://[^"]+","message":"serving"`)
	var listen []string
	for listen == nil {
		listen = serving.FindStringSubmatch(<-log)
	}
	<-asked
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listen[1]+"/readyz", nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	must(t, answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		t.Errorf("while GitHub is silent, /readyz answers %d", answer.StatusCode)
	}
	cancel()
	must(t, <-ended)
}
