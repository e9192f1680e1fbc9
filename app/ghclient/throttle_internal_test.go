package ghclient

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// steps is a clock that only sleeping moves.
type steps struct {
	now   time.Time
	slept []time.Duration
}

func newSteps(t *testing.T) (*steps, *budget) {
	t.Helper()
	s := &steps{now: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)}
	options := Options{Clock: func() time.Time { return s.now }}
	options.setDefaults()
	b := newBudget(5, options)
	b.sleep = func(ctx context.Context, d time.Duration) error {
		if d > 0 {
			s.slept = append(s.slept, d)
			s.now = s.now.Add(d)
		}
		return ctx.Err()
	}
	return s, &b
}

func TestWritesKeepUnderEightyAMinute(t *testing.T) {
	t.Parallel()
	clock, b := newSteps(t)
	start, n := clock.now, 0
	for clock.now.Sub(start) < time.Minute {
		if err := b.mayGo(httptest.NewRequest(http.MethodPatch, "/repos/a/b/issues/7", nil)); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n > 80 || n < 75 {
		t.Errorf("%d writes in a minute", n)
	}
}

func TestContentKeepsUnderFiveHundredAnHour(t *testing.T) {
	t.Parallel()
	clock, b := newSteps(t)
	start, n := clock.now, 0
	for clock.now.Sub(start) < time.Hour {
		path := []string{"/repos/a/b/issues/7/comments", "/repos/a/b/issues"}[n%2]
		err := b.mayGo(httptest.NewRequest(http.MethodPost, path, nil))
		var limit *limitError
		switch {
		case err == nil:
			n++
		case errors.As(err, &limit):
			clock.now = clock.now.Add(limit.after)
		default:
			t.Fatal(err)
		}
	}
	if n > 500 || n < 480 {
		t.Errorf("%d comments and issues in an hour", n)
	}
}

func TestAWriteThatMustWaitLongGoesBack(t *testing.T) {
	t.Parallel()
	clock, b := newSteps(t)
	b.sleep = func(context.Context, time.Duration) error { return nil } // many at once: the clock stands
	var limit *limitError
	n := 0
	for {
		err := b.mayGo(httptest.NewRequest(http.MethodPut, "/x", nil))
		if errors.As(err, &limit) {
			break
		}
		n++
	}
	if n != 53 || limit.after <= longestWait { // 40 at once, and those that 20 s bring
		t.Errorf("%d writes went, the next must wait %v", n, limit.after)
	}
	// What was refused took no turn.
	clock.now = clock.now.Add(2 * time.Second)
	if err := b.mayGo(httptest.NewRequest(http.MethodPut, "/x", nil)); err != nil {
		t.Errorf("after two seconds: %v", err)
	}
}

func TestReadsNeverWait(t *testing.T) {
	t.Parallel()
	clock, b := newSteps(t)
	for range 1000 {
		if err := b.mayGo(httptest.NewRequest(http.MethodGet, "/x", nil)); err != nil {
			t.Fatal(err)
		}
	}
	if len(clock.slept) != 0 {
		t.Errorf("waited %v", clock.slept)
	}
}

func TestKeptAnswersAreBounded(t *testing.T) {
	t.Parallel()
	c := newAnswers()
	body := make([]byte, maxKeptAnswer)
	for i := range 200 {
		c.keep(answerKey{installation: int64(i)}, answer{etag: "x", body: body})
	}
	if c.size > maxKeptAnswers || c.size < maxKeptAnswers/2 {
		t.Errorf("keeps %d bytes", c.size)
	}
	if _, found := c.find(answerKey{installation: 199}); !found {
		t.Error("the newest was not kept")
	}
	for range 3 { // the same one again takes no more room
		c.keep(answerKey{installation: 199}, answer{etag: "y", body: body})
	}
	if c.size > maxKeptAnswers || c.lru.Len()*(answer{body: body}).bytes() != c.size {
		t.Errorf("counts %d bytes for %d answers", c.size, c.lru.Len())
	}
}

func TestRoutesHaveFewNames(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"repos/acme/issues/issues/7/comments":      "repos/issues/comments",
		"repos/a/b/issues/7/labels/reviews":        "repos/issues/labels",
		"repos/a/b/contents/pulls/app/x.yml":       "repos/contents",
		"repos/a/b":                                "repos",
		"repositories/9/issues/7":                  "repositories/issues",
		"orgs/acme/teams/stewards/memberships/kim": "orgs/teams/memberships",
		"users/app":                         "users",
		"app/installations/5/access_tokens": "app/installations/access_tokens",
		"":                                  "other",
		"something/else":                    "other",
	} {
		if got := route(path); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
}
