package outbound_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/outbound"
	"github.com/agora-rfc/agora/config"
)

// The published vector: secret, id, time, body and signature of the specification's own examples.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// loopback lets the tests reach their own receivers.
var loopback = outbound.PosterOptions{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}

// received is what a receiver was sent.
type received struct {
	request *http.Request
	body    []byte
}

// receiver answers by answer and keeps what it was sent.
func receiver(t *testing.T, answer http.HandlerFunc) (url string, requests chan received) {
	t.Helper()
	requests = make(chan received, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- received{r, body}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	url, requests := receiver(t, status(http.StatusNoContent))
	poster := outbound.NewPoster(loopback)

	hook := config.Webhook{Name: "vector", URL: config.Secret(url + "/in?key=1"), Secret: vectorSecret}
	if err := poster.Post(t.Context(), hook, outbound.Message{ID: vectorID, At: time.Unix(vectorTime, 999), Body: []byte(vectorBody)}); err != nil {
		t.Fatal(err)
	}
	got := <-requests
	if header := got.request.Header; header.Get("webhook-id") != vectorID || header.Get("webhook-timestamp") != fmt.Sprint(vectorTime) ||
		header.Get("webhook-signature") != vectorSignature || header.Get("Content-Type") != "application/json" || string(got.body) != vectorBody ||
		got.request.Method != http.MethodPost || got.request.URL.String() != "/in?key=1" || header.Get("Cookie") != "" {
		t.Errorf("the published vector came as %s %s %v %s", got.request.Method, got.request.URL, header, got.body)
	}

	message := outbound.Message{ID: "message.4711", At: time.Now(), Body: []byte(`{"type":"decision_made","text":"Größe"}`)}
	for _, size := range []string{"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", strings.Repeat("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", 2) + "MDEyMzQ1Njc4OTAxMjM0NQ=="} {
		hook.Secret = config.Secret("whsec_" + size)
		if err := poster.Post(t.Context(), hook, message); err != nil {
			t.Fatal(err)
		}
		got := <-requests
		verifier, err := standardwebhooks.NewWebhook(hook.Secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(got.body, got.request.Header); err != nil {
			t.Errorf("an independent library says: %v", err)
		}
		if err := verifier.Verify(append(got.body, ' '), got.request.Header); err == nil {
			t.Error("a changed body is verified")
		}
	}

	hook.Secret = ""
	if err := poster.Post(t.Context(), hook, message); err != nil {
		t.Fatal(err)
	}
	if got := <-requests; got.request.Header.Get("webhook-signature") != "" || got.request.Header.Get("webhook-id") != message.ID {
		t.Errorf("without a secret: %v", got.request.Header)
	}
	hook.Secret = "whsec_hunter2"
	if err := poster.Post(t.Context(), hook, message); err == nil || len(requests) != 0 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a broken secret: %v", err)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code         int
		good, parked bool
	}{
		{200, true, false}, {202, true, false}, {204, true, false}, {299, true, false},
		{301, false, false}, {304, false, false}, {400, false, false}, {404, false, false}, {410, false, true}, {429, false, false}, {500, false, false}, {503, false, false},
	} {
		url, _ := receiver(t, status(test.code))
		err := outbound.NewPoster(loopback).Post(t.Context(), config.Webhook{Name: "slack", URL: config.Secret(url + "/hunter2")}, outbound.Message{ID: "m.1", At: now})
		if (err == nil) != test.good || app.Parked(err) != test.parked {
			t.Errorf("%d: Post = %v, parked = %t", test.code, err, app.Parked(err))
		}
		if err != nil && (!strings.Contains(err.Error(), fmt.Sprint(test.code)) || !strings.Contains(err.Error(), "slack") || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%d: the error says %q", test.code, err)
		}
	}
}

// TestHostileAnswers: an answer without end, one that is no HTTP and echoes the request, and one with endless headers.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	endless, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // until the poster hangs up
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	if err := outbound.NewPoster(loopback).Post(t.Context(), config.Webhook{URL: config.Secret(endless)}, outbound.Message{ID: "m.1", At: now}); err != nil {
		t.Errorf("an answer without end: %v", err)
	}
	raw := func(answer func(request string) string) string {
		url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, answer(r.Method+" "+r.RequestURI))
			_ = conn.Close()
		})
		return url + "/services/hunter2"
	}
	for name, url := range map[string]string{
		"an echo":         raw(func(request string) string { return request + "\r\n\r\n" }),
		"endless headers": raw(func(string) string { return "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: hunter2\r\n", 10_000) }),
		"nothing":         raw(func(string) string { return "" }),
	} {
		err := outbound.NewPoster(loopback).Post(t.Context(), config.Webhook{URL: config.Secret(url)}, outbound.Message{ID: "m.1", At: now})
		if err == nil || app.Parked(err) || strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPostOverTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(status(http.StatusOK))
	own, roots := certificate(t, "localhost")
	server.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
	server.Config.ErrorLog = discard
	server.StartTLS()
	t.Cleanup(server.Close)
	hook := config.Webhook{URL: config.Secret(strings.Replace(server.URL, "127.0.0.1", "localhost", 1))}
	options := outbound.PosterOptions{Allow: loopback.Allow, Roots: roots, Resolver: names(t, map[string]answers{"localhost.": {{"127.0.0.1"}}})}
	if err := outbound.NewPoster(options).Post(t.Context(), hook, outbound.Message{ID: "m.1", At: now}); err != nil {
		t.Error(err)
	}
	options.Roots = nil
	if err := outbound.NewPoster(options).Post(t.Context(), hook, outbound.Message{ID: "m.1", At: now}); err == nil || app.Parked(err) {
		t.Errorf("a stranger's certificate: %v", err)
	}
}

func TestPostEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	url, _ := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	err := outbound.NewPoster(loopback).Post(ctx, config.Webhook{URL: config.Secret(url)}, outbound.Message{ID: "m.1", At: now})
	if !errors.Is(err, context.Canceled) || app.Parked(err) {
		t.Errorf("Post = %v", err)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "hunter2", "file:///hunter2", "ftp://example.org/hunter2", "gopher://127.0.0.1/hunter2", "https:///hunter2", "http://[::1/hunter2", "http://a b/hunter2"} {
		err := outbound.NewPoster(loopback).Post(t.Context(), config.Webhook{Name: "a", URL: config.Secret(url)}, outbound.Message{ID: "m.1", At: now})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: Post = %v", url, err)
		}
	}
}
