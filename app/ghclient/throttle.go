package ghclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
)

const (
	// longestWait is how long a write waits for its turn, while others use the
	// worker's place. What would wait longer goes back to the queue.
	longestWait = 20 * time.Second
	// limitPause is the pause when GitHub limits us without saying for how
	// long; it asks for at least a minute.
	limitPause = time.Minute
	// longestPause is GitHub's longest window.
	longestPause = time.Hour
	// The pause after GitHub failed is as long as it has been failing, within these:
	// what waited is tried again soon after it is back.
	firstFailurePause = 10 * time.Second
	lastFailurePause  = 5 * time.Minute
)

// limitError says that an installation must wait.
type limitError struct {
	after  time.Duration
	reason string
}

func (e *limitError) Error() string {
	return fmt.Sprintf("%s, for %s", e.reason, e.after.Round(time.Second))
}

// budget is what an installation may still do: its writes, its pause, and what
// GitHub last said of its requests.
type budget struct {
	installation int64
	options      Options
	shared       Shared // nil: this process keeps the limits alone
	clock        app.Clock
	sleep        func(context.Context, time.Duration) error
	writes       *rate.Limiter
	content      *rate.Limiter

	mu          sync.Mutex
	pausedUntil time.Time
	failingFrom time.Time         // zero while GitHub answers
	windows     map[string]window // by GitHub's resource, as it last said
	batches     map[string]*batch
	stopped     bool
	resumed     int64
	lookedAt    time.Time // at what replicas share
}

// window is what is left of one of GitHub's hours.
type window struct {
	remaining int
	resetAt   time.Time
}

func newBudget(installation int64, o Options) budget {
	return budget{
		installation: installation, options: o, shared: o.Shared, clock: o.Clock, sleep: app.Rest,
		windows: map[string]window{}, batches: map[string]*batch{},
		writes:  rate.NewLimiter(o.WriteRate, o.WriteBurst),
		content: rate.NewLimiter(o.ContentRate, o.ContentBurst),
	}
}

// limits is the layer that keeps an installation within GitHub's limits. It is the only
// one: go-github's own memory of limits knows neither 429 nor our clock, and is kept from
// forming.
func (g *GitHub) limits(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		a := accountFrom(req.Context())
		if a == nil {
			return nil, errors.New("a request without an account")
		}
		if err := a.mayGo(req); err != nil {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, err
		}
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, a.tokenRefused(req.Context(), err)
		}
		if limit := a.read(req.Context(), resp); limit != nil {
			return nil, limit
		}
		return resp, nil
	})
}

// mayGo waits until a request may go, or says when to come back.
func (b *budget) mayGo(req *http.Request) error {
	if err := b.standing(req.Context()); err != nil {
		return err
	}
	if err := b.paused(); err != nil {
		return err
	}
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return nil
	}
	wait := b.waitToWrite
	if b.shared != nil {
		wait = b.waitTogether
	}
	if err := wait(req.Context(), createsContent(req)); err != nil {
		return err
	}
	return b.paused() // the pause may have come while waiting
}

// createsContent tells the writes of which GitHub allows 500 an hour.
func createsContent(req *http.Request) bool {
	return req.Method == http.MethodPost &&
		(strings.HasSuffix(req.URL.Path, "/comments") || strings.HasSuffix(req.URL.Path, "/reviews") || strings.HasSuffix(req.URL.Path, "/issues"))
}

func (b *budget) waitToWrite(ctx context.Context, content bool) error {
	now := b.clock()
	turns := []*rate.Reservation{b.writes.ReserveN(now, 1)}
	if content {
		turns = append(turns, b.content.ReserveN(now, 1))
	}
	var wait time.Duration
	for _, turn := range turns {
		wait = max(wait, turn.DelayFrom(now))
	}
	var err error
	if wait > longestWait {
		err = &limitError{after: wait, reason: "Agora's own budget of writes is spent"}
	} else {
		err = b.sleep(ctx, wait)
	}
	if err != nil {
		for _, turn := range turns {
			turn.CancelAt(now)
		}
	}
	return err
}

func (b *budget) paused() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if left := b.pausedUntil.Sub(b.clock()); left > 0 {
		return &limitError{after: left, reason: "GitHub asked for a pause"}
	}
	return nil
}

// pause has the installation wait, here and on every other replica.
func (b *budget) pause(ctx context.Context, d time.Duration) time.Duration {
	d = min(max(d, time.Second), longestPause)
	until := b.clock().Add(d)
	b.mu.Lock()
	longer := until.After(b.pausedUntil)
	if longer {
		b.pausedUntil = until
	}
	b.mu.Unlock()
	if longer && b.shared != nil {
		b.tell("is paused", b.shared.Pause(ctx, b.installation, until))
	}
	return d
}

// failed gives the pause after one more failure in a row of GitHub's. It grows with the
// time, not with the failures: many requests fail at once.
func (b *budget) failed() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	if b.failingFrom.IsZero() {
		b.failingFrom = now
	}
	return min(max(now.Sub(b.failingFrom), firstFailurePause), lastFailurePause)
}

func (b *budget) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failingFrom = time.Time{}
}

// read learns from an answer how much is left, and whether to pause.
func (b *budget) read(ctx context.Context, resp *http.Response) error {
	spentUntil := b.readRemaining(resp)
	if resp.StatusCode < 400 {
		if !spentUntil.IsZero() {
			b.pause(ctx, spentUntil.Sub(b.clock()))
		}
		return nil
	}
	after, limited := b.limited(resp, spentUntil)
	if !limited {
		return nil
	}
	drain(resp)
	return &limitError{after: b.pause(ctx, after), reason: fmt.Sprintf("GitHub answered %d and asked for a pause", resp.StatusCode)}
}

// readRemaining notes the rate-limit headers, and takes from go-github what it
// would use to refuse requests by the machine's clock. It gives the end of the
// window when nothing is left in it.
func (b *budget) readRemaining(resp *http.Response) time.Time {
	seconds, _ := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64)
	reset := time.Unix(seconds, 0)
	resp.Header.Del("X-RateLimit-Reset")
	remaining, err := strconv.Atoi(resp.Header.Get("X-RateLimit-Remaining"))
	if err != nil {
		return time.Time{}
	}
	resource := resp.Header.Get("X-RateLimit-Resource")
	if resource == "" || len(resource) > 64 {
		resource = coreResource
	}
	b.mu.Lock()
	if _, known := b.windows[resource]; known || len(b.windows) < maxResources {
		b.windows[resource] = window{remaining, reset}
	}
	b.mu.Unlock()
	if remaining > 0 || resource != coreResource {
		return time.Time{}
	}
	return reset
}

const (
	// coreResource is GitHub's name for what nearly all requests count against.
	coreResource = "core"
	// maxResources bounds how many of GitHub's resources are told apart.
	maxResources = 32
)

// limited tells a limit from a plain refusal: GitHub uses 403 for both, and 429.
func (b *budget) limited(resp *http.Response, spentUntil time.Time) (time.Duration, bool) {
	refused := resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusTooManyRequests
	after, said := retryAfter(resp.Header.Get("Retry-After"), b.clock())
	switch {
	case said && (refused || resp.StatusCode >= 500):
		return after, true
	case !refused:
		return 0, false
	case !spentUntil.IsZero():
		return spentUntil.Sub(b.clock()), true
	case resp.StatusCode == http.StatusTooManyRequests:
		return limitPause, true
	}
	text := strings.ToLower(peek(resp))
	return limitPause, strings.Contains(text, "rate limit") || strings.Contains(text, "abuse detection")
}

// retryAfter reads the header's seconds or date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return at.Sub(now), true
	}
	return 0, false
}

// tokenRefused looks at an error of the token transport. It holds GitHub's
// answer to the request for a token with its body still open.
func (b *budget) tokenRefused(ctx context.Context, err error) error {
	var refused *ghinstallation.HTTPError
	if !errors.As(err, &refused) || refused.Response == nil {
		return err
	}
	limit := b.read(ctx, refused.Response)
	drain(refused.Response)
	if limit != nil {
		return limit
	}
	return err
}

// peek reads the beginning of a body and puts it back.
func peek(resp *http.Response) string {
	start, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), resp.Body), resp.Body}
	return string(start)
}

// drain ends with an answer so that its connection can serve again.
func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()
}

// leastRemaining is, by GitHub's resource, the smallest number of requests that an
// installation has left in its running window.
func (g *GitHub) leastRemaining() map[string]int {
	least := map[string]int{}
	now := g.options.Clock()
	for _, a := range g.accounts.Values() {
		a.budget.mu.Lock()
		for resource, w := range a.windows {
			if known, found := least[resource]; w.resetAt.After(now) && (!found || w.remaining < known) {
				least[resource] = w.remaining
			}
		}
		a.budget.mu.Unlock()
	}
	return least
}
