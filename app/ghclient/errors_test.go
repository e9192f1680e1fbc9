package ghclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghclient"
)

func TestEachStatusHasItsCode(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{
		400: app.CodeInvalid, 401: app.CodeForbidden, 403: app.CodeForbidden, 404: app.CodeNotFound,
		405: app.CodeConflict, 409: app.CodeConflict, 410: app.CodeGone, 422: app.CodeInvalid,
		429: app.CodeUnavailable, 451: app.CodeForbidden,
		500: app.CodeUnavailable, 502: app.CodeUnavailable, 503: app.CodeUnavailable, 504: app.CodeUnavailable,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.reply("GET /repos/acme/app/issues/7", status, map[string]any{"message": "Because\nso"})
			_, err := s.repo().Issue(ctx, 7)
			wantCode(t, err, code)
			if !strings.Contains(err.Error(), "reading acme/app#7") || !strings.Contains(err.Error(), fmt.Sprint(status)) {
				t.Errorf("%q does not say what was being done and what GitHub answered", err)
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), s.url) || strings.Contains(err.Error(), "secret-") {
				t.Errorf("%q holds what belongs in no log line", err)
			}
			delay, waits := app.RetryDelay(err)
			if waits != (code == app.CodeUnavailable) || (waits && delay <= 0) {
				t.Errorf("delay %v, %v for %d", delay, waits, status)
			}
		})
	}
}

func TestLimitsSayHowLongToWait(t *testing.T) {
	t.Parallel()
	clock := newClock()
	at := clock.read()
	for name, test := range map[string]struct {
		status int
		header map[string]string
		body   string
		want   time.Duration
	}{
		"429 with seconds":             {429, map[string]string{"Retry-After": "17"}, "", 17 * time.Second},
		"429 with a date":              {429, map[string]string{"Retry-After": at.Add(90 * time.Second).Format(http.TimeFormat)}, "", 90 * time.Second},
		"429 with nothing":             {429, nil, "", time.Minute},
		"403 with Retry-After":         {403, map[string]string{"Retry-After": "30"}, "", 30 * time.Second},
		"403 with nothing left":        {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(at.Add(5 * time.Minute).Unix())}, "", 5 * time.Minute},
		"429 with nothing left":        {429, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(at.Add(5 * time.Minute).Unix())}, "", 5 * time.Minute},
		"403 with secondary rate text": {403, map[string]string{"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": fmt.Sprint(at.Add(50 * time.Minute).Unix())}, "You have exceeded a secondary rate limit.", time.Minute},
		"503 with Retry-After":         {503, map[string]string{"Retry-After": "40"}, "", 40 * time.Second},
		"an absurd wait":               {429, map[string]string{"Retry-After": "99999999"}, "", time.Hour},
		"a wait in the past":           {429, map[string]string{"Retry-After": "-5"}, "", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.HandleFunc("GET /repos/acme/app/issues/7", func(w http.ResponseWriter, _ *http.Request) {
				for key, value := range test.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(test.status)
				answer(w, map[string]string{"message": test.body})
			})
			repo := s.github(ghclient.Options{Clock: clock.read}).Repo(acme())
			for range 3 {
				_, err := repo.Issue(ctx, 7)
				wantCode(t, err, app.CodeUnavailable)
				if delay, _ := app.RetryDelay(err); delay != test.want {
					t.Errorf("delay %v, want %v", delay, test.want)
				}
			}
			if n := s.count("GET /repos/acme/app/issues/7"); n != 1 {
				t.Errorf("asked %d times in spite of the pause", n)
			}
		})
	}
}

func TestAPauseEndsAndIsOneInstallationsOwn(t *testing.T) {
	t.Parallel()
	s, clock := newServer(t), newClock()
	s.HandleFunc("GET /repos/acme/app/issues/7", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusForbidden)
	})
	s.reply("GET /repos/acme/app/issues/8", 200, map[string]any{"number": 8})
	g := s.github(ghclient.Options{Clock: clock.read})
	repo := g.Repo(acme())
	_, err := repo.Issue(ctx, 7)
	wantCode(t, err, app.CodeUnavailable)
	_, err = repo.Issue(ctx, 8)
	wantCode(t, err, app.CodeUnavailable)

	other := acme()
	other.Installation = 6
	_, err = g.Repo(other).Issue(ctx, 8)
	must(t, err)

	clock.turn(61 * time.Second)
	_, err = repo.Issue(ctx, 8)
	must(t, err)
}

func TestASpentWindowIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	s, clock := newServer(t), newClock()
	s.HandleFunc("GET /repos/acme/app/issues/8", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(clock.read().Add(10*time.Minute).Unix()))
		answer(w, map[string]any{"number": 8})
	})
	repo := s.github(ghclient.Options{Clock: clock.read}).Repo(acme())
	_, err := repo.Issue(ctx, 8)
	must(t, err)
	_, err = repo.Issue(ctx, 8)
	wantCode(t, err, app.CodeUnavailable)
	if delay, _ := app.RetryDelay(err); delay != 10*time.Minute {
		t.Errorf("delay %v, want 10m", delay)
	}
	clock.turn(11 * time.Minute)
	_, err = repo.Issue(ctx, 8)
	must(t, err)
}

// However many requests fail at once: GitHub is asked again soon after it is back.
func TestThePauseIsAsLongAsGitHubHasBeenFailing(t *testing.T) {
	t.Parallel()
	s, clock := newServer(t), newClock()
	s.reply("GET /repos/acme/app/issues/7", 502, "bad gateway")
	s.reply("GET /repos/acme/app/issues/8", 200, map[string]any{"number": 8})
	repo := s.github(ghclient.Options{Clock: clock.read}).Repo(acme())
	var got []time.Duration
	for _, later := range []time.Duration{0, 0, 0, 5 * time.Second, 20 * time.Second, 65 * time.Second, time.Hour} {
		clock.turn(later)
		_, err := repo.Issue(ctx, 7)
		delay, _ := app.RetryDelay(err)
		got = append(got, delay)
	}
	want := []time.Duration{10e9, 10e9, 10e9, 10e9, 25e9, 90e9, 300e9}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("pauses %v, want %v", got, want)
	}
	_, err := repo.Issue(ctx, 8)
	must(t, err)
	_, err = repo.Issue(ctx, 7)
	if delay, _ := app.RetryDelay(err); delay != 10*time.Second {
		t.Errorf("after a success the pause is %v", delay)
	}
}

func TestAnswersThatAreNoAnswer(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"cut short":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"number": 7, "ti`)) },
		"a web page":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) },
		"broken line": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.HandleFunc("GET /repos/acme/app/issues/7", handler)
			_, err := s.repo().Issue(ctx, 7)
			wantCode(t, err, app.CodeUnavailable)
		})
	}
}

func TestAnAnswerWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.HandleFunc("GET /repos/acme/app/issues/7", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"body":"`))
		chunk := []byte(strings.Repeat("a", 1<<20))
		for range 64 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	_, err := s.repo().Issue(ctx, 7)
	wantCode(t, err, app.CodeInvalid)
}

func TestACancelledCallSaysSo(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err := s.repo().Issue(gone, 7)
	wantCode(t, err, app.CodeUnavailable)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not say that it was cancelled", err)
	}
}

// Who has no time left counts that as a failure of theirs; GitHub's silence is none.
func TestACallersOwnDeadlineIsNotGitHubsFailure(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(w http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"in the answer": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"number": 7, `))
			w.(http.Flusher).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.HandleFunc("GET /repos/acme/app/issues/7", func(w http.ResponseWriter, r *http.Request) {
				ends(w)
				<-r.Context().Done()
			})
			s.reply("GET /repos/acme/app/issues/8", 502, "bad gateway")
			repo := s.repo()
			short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			_, err := repo.Issue(short, 7)
			wantCode(t, err, app.CodeUnavailable)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v does not say that the time is over", err)
			}
			if delay, waits := app.RetryDelay(err); waits {
				t.Errorf("it is to be tried again in %v without counting", delay)
			}
			_, err = repo.Issue(ctx, 8) // GitHub's failures begin here
			if delay, waits := app.RetryDelay(err); !waits || delay != 10*time.Second {
				t.Errorf("GitHub's own failure is tried again in %v, %v", delay, waits)
			}
		})
	}
}

// silent is a network on which an exchange ends by its own timeout.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/access_tokens") {
		return http.DefaultTransport.RoundTrip(r)
	}
	return nil, fmt.Errorf("waiting for an answer: %w", context.DeadlineExceeded)
}

func TestARequestsOwnTimeoutIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	patient, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	g, err := ghclient.New(settings(s.url), ghclient.Options{HTTP: silent{}})
	must(t, err)
	_, err = g.Repo(acme()).Issue(patient, 7)
	wantCode(t, err, app.CodeUnavailable)
	if delay, waits := app.RetryDelay(err); !waits || delay != 10*time.Second {
		t.Errorf("delay %v, %v", delay, waits)
	}
}

func TestARefusedTokenIsNotTheThingsAbsence(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{
		404: app.CodeUninstalled, 403: app.CodeStopped, 401: app.CodeUnavailable, 500: app.CodeUnavailable, 429: app.CodeUnavailable,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.reply("POST /app/installations/6/access_tokens", status, map[string]any{"message": "no"})
			repository := acme()
			repository.Installation = 6
			permission, err := s.github(unbounded).Repo(repository).Permission(ctx, "kim")
			wantCode(t, err, code)
			if permission != app.PermissionNone {
				t.Errorf("permission %v without an answer", permission)
			}
		})
	}
}

func TestSettingsAreRefusedByName(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ url, key string }{
		"v3_api_url":  {"ftp://github.example", ""},
		"credentials": {"https://bot:hunter2@github.example/", ""},
		"private_key": {"https://github.example/", "hunter2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := settings(test.url)
			if test.key != "" {
				config.App.PrivateKey = test.key
			}
			_, err := ghclient.New(config, ghclient.Options{})
			if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one that names %s and shows no value", err, name)
			}
		})
	}
	config := settings("")
	config.App.IntegrationID = 0
	if _, err := ghclient.New(config, ghclient.Options{}); err == nil || !strings.Contains(err.Error(), "integration_id") {
		t.Errorf("error %v, want one that names integration_id", err)
	}
}
