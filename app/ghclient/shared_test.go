package ghclient_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghclient"
)

// common is what replicas share, without a database.
type common struct {
	mu              sync.Mutex
	tokens          map[string]int
	reserved        int // round trips
	looked          int
	paused, stopped map[int64]time.Time
	resumed         int64
}

func newCommon(writes int) *common {
	return &common{tokens: map[string]int{"writes": writes, "content": writes}, paused: map[int64]time.Time{}, stopped: map[int64]time.Time{}}
}

func (c *common) Reserve(_ context.Context, budget app.Budget, want int, _ time.Duration) (int, time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserved++
	taken := min(want, c.tokens[budget.Kind])
	c.tokens[budget.Kind] -= taken
	if taken == 0 {
		return 0, time.Minute, nil
	}
	return taken, 0, nil
}

func (c *common) Pause(_ context.Context, installation int64, until time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused[installation] = until
	return nil
}

func (c *common) Stop(_ context.Context, installation, resumed int64, until time.Time) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if resumed != c.resumed {
		return false, nil
	}
	c.stopped[installation] = until
	return true, nil
}

func (c *common) Standing(_ context.Context, installation int64) (app.Standing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked++
	return app.Standing{PausedUntil: c.paused[installation], StoppedUntil: c.stopped[installation], Resumed: c.resumed}, nil
}

func TestReplicasShareTheBudgetOfWrites(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("POST /repos/acme/app/issues/7/labels", 200, []any{})
	shared := newCommon(20)
	clock := func() time.Time { return time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC) }
	replicas := []*ghclient.RepoClient{
		s.github(ghclient.Options{Shared: shared, Clock: clock}).Repo(acme()), s.github(ghclient.Options{Shared: shared, Clock: clock}).Repo(acme()),
	}
	written := 0
	for i := range 60 {
		err := replicas[i%2].AddLabels(ctx, 7, []string{"rfc"})
		if err == nil {
			written++
		} else if after, waits := app.RetryDelay(err); !waits || after != time.Minute {
			t.Fatalf("write %d: %v", i, err)
		}
	}
	if written != 20 {
		t.Errorf("%d writes of a budget of 20", written)
	}
	if granted := shared.reserved - 40; granted != 4 {
		t.Errorf("20 writes took %d reservations, want 4", granted)
	}
}

func TestAPauseAndAStopReachTheOtherReplica(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	limited, suspended := true, false
	s.HandleFunc("GET /repos/acme/app/issues/7", func(w http.ResponseWriter, _ *http.Request) {
		switch {
		case limited:
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
		case suspended:
			w.WriteHeader(http.StatusForbidden)
			answer(w, map[string]any{"message": "This installation has been suspended"})
		default:
			answer(w, map[string]any{"number": 7})
		}
	})
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	shared := newCommon(20)
	options := ghclient.Options{Shared: shared, Clock: func() time.Time { return now }}
	one, other := s.github(options).Repo(acme()), s.github(options).Repo(acme())
	asked := func() int { return s.count("GET /repos/acme/app/issues/7") }

	_, err := one.Issue(ctx, 7)
	wantCode(t, err, app.CodeUnavailable)
	limited = false
	_, err = other.Issue(ctx, 7)
	wantCode(t, err, app.CodeUnavailable)
	if after, _ := app.RetryDelay(err); after != 2*time.Minute || asked() != 1 {
		t.Errorf("the other waits %v, GitHub was asked %d times", after, asked())
	}
	now = now.Add(2 * time.Minute)
	_, err = other.Issue(ctx, 7)
	must(t, err)

	suspended = true
	_, err = one.Issue(ctx, 7)
	wantCode(t, err, app.CodeStopped)
	if after, _ := app.RetryDelay(err); after != 6*time.Hour || app.WaitsFor(err) != acme().Installation {
		t.Errorf("it waits %v for installation %d", after, app.WaitsFor(err))
	}
	now = now.Add(10 * time.Second)
	before := asked()
	for _, replica := range []*ghclient.RepoClient{one, other, one, other} {
		_, err = replica.Issue(ctx, 7)
		wantCode(t, err, app.CodeStopped)
		if app.WaitsFor(err) != acme().Installation {
			t.Errorf("who did not ask waits for installation %d", app.WaitsFor(err))
		}
	}
	if asked() != before {
		t.Error("a suspended installation was asked")
	}
	suspended = false
	delete(shared.stopped, acme().Installation) // GitHub said so to one of them
	for _, replica := range []*ghclient.RepoClient{one, other} {
		_, err = replica.Issue(ctx, 7)
		must(t, err)
	}
	looked := shared.looked
	for range 20 {
		_, err = one.Issue(ctx, 7)
		must(t, err)
	}
	if shared.looked != looked {
		t.Errorf("looked %d times within a moment", shared.looked-looked)
	}
}

// GitHub refuses a request, and the installation resumes before its answer is there.
func TestARefusalFromBeforeAnInstallationResumedStopsNobody(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	shared := newCommon(20)
	late := true
	s.HandleFunc("GET /repos/acme/app/issues/7", func(w http.ResponseWriter, _ *http.Request) {
		if late {
			shared.resumed++
		}
		w.WriteHeader(403)
		answer(w, map[string]any{"message": "This installation has been suspended"})
	})
	repo := s.github(ghclient.Options{Shared: shared}).Repo(acme())
	_, err := repo.Issue(ctx, 7)
	wantCode(t, err, app.CodeUnavailable)
	if after, _ := app.RetryDelay(err); after > 10*time.Second || len(shared.stopped) > 0 {
		t.Errorf("it waits %v, and stopped are %v", after, shared.stopped)
	}
	late = false
	_, err = repo.Issue(ctx, 7)
	if after, _ := app.RetryDelay(err); after < 5*time.Hour || len(shared.stopped) != 1 {
		t.Errorf("suspended again, it waits %v, and stopped are %v", after, shared.stopped)
	}
}

func TestAnArchivedRepositoryWaitsAndAnUnreachedOneIsNotAsked(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("POST /repos/acme/app/issues/7/labels", 403, map[string]any{"message": "Repository was archived so is read-only."})
	s.reply("GET /repos/acme/app/issues/7", 200, map[string]any{"number": 7})
	repo := s.github(ghclient.Options{Shared: newCommon(20)}).Repo(acme())
	err := repo.AddLabels(ctx, 7, []string{"rfc"})
	wantCode(t, err, app.CodeStopped)
	if after, _ := app.RetryDelay(err); after != 6*time.Hour || app.WaitsFor(err) != 0 {
		t.Errorf("it waits %v for installation %d", after, app.WaitsFor(err))
	}
	_, err = repo.Issue(ctx, 7) // the installation itself goes on
	must(t, err)

	gone := acme()
	gone.Installation = 0
	asked := len(s.asked)
	_, err = s.github(ghclient.Options{}).Repo(gone).Issue(ctx, 7)
	wantCode(t, err, app.CodeUninstalled)
	if _, err := s.github(ghclient.Options{}).Repo(gone).Comments(ctx, 7, time.Time{}); !app.Is(err, app.CodeUninstalled) || len(s.asked) != asked {
		t.Errorf("%v; asked %v", err, s.asked[asked:])
	}
}
