package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/rfc"
)

// Whatever is asked, the answer is no failure of ours, and nothing private.
func FuzzRead(f *testing.F) {
	w := newWorld(f)
	w.voting(w.rfc(7, rfc.Voting, public))
	w.rfc(8, rfc.Voting, private)
	for _, path := range []string{
		"/api/v1/communities/acme/rfcs/8", "/api/v1/communities/acme/rfcs?state=voting&cursor=3&limit=2", "/c/acme/rfcs/7", "/c/acme?before=9",
		"/api/v1/gate?repo=acme/vault&rfc=8", "/api/v1/communities/acme/rfcs/7/ballots?cursor=1.3", "/api/v1/communities/acme/members/%00", "//", "/c/%2e%2e/rfcs/1",
	} {
		f.Add(path, "Bearer nonsense", `"tag"`)
	}
	f.Fuzz(func(t *testing.T, path, authorization, tag string) {
		address, err := url.ParseRequestURI(path)
		if err != nil || authorization == "Bearer later" {
			return // not a request, or one that is refused for now
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.URL = address
		request.Header.Set("Authorization", authorization)
		request.Header.Set("If-None-Match", tag)
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, request)
		if recorder.Code >= 500 {
			t.Errorf("%q: %d %s", path, recorder.Code, recorder.Body)
		}
		if strings.Contains(recorder.Body.String(), "Title 8") && !strings.Contains(authorization, "repository-10") {
			t.Errorf("%q shows what is private", path)
		}
	})
}
