package webhook_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/handlers/webhook"
)

// slowInbox keeps nothing before it is let go.
type slowInbox struct {
	inbox
	arrived chan struct{}
	letGo   chan struct{}
}

func (i *slowInbox) Receive(ctx context.Context, entry app.Entry) (app.Receipt, error) {
	i.arrived <- struct{}{}
	<-i.letGo
	return i.inbox.Receive(ctx, entry)
}

// crowd is the door with so many deliveries of a size waiting behind it.
func crowd(t *testing.T, options webhook.Options, waiting, size int) (hooks *webhook.Webhooks, body []byte, end func() (kept int)) {
	t.Helper()
	slow := &slowInbox{arrived: make(chan struct{}), letGo: make(chan struct{})}
	options.Secret, options.Queue = secret, slow
	hooks, err := webhook.New(options)
	if err != nil {
		t.Fatal(err)
	}
	body = fmt.Appendf(nil, `{"x": %q}`, strings.Repeat("x", size))
	var all sync.WaitGroup
	for range waiting {
		all.Go(func() {
			out := httptest.NewRecorder()
			hooks.ServeHTTP(out, delivery("issues", body))
			if out.Code != http.StatusOK {
				t.Errorf("a delivery that waited was answered %d", out.Code)
			}
		})
		<-slow.arrived
	}
	return hooks, body, func() int {
		close(slow.letGo)
		all.Wait()
		return len(slow.kept)
	}
}

func wantShed(t *testing.T, hooks *webhook.Webhooks, body []byte) {
	t.Helper()
	out := httptest.NewRecorder()
	hooks.ServeHTTP(out, delivery("issues", body))
	if out.Code != http.StatusServiceUnavailable || out.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d, Retry-After %q", out.Code, out.Header().Get("Retry-After"))
	}
}

func TestTooManyWaitingDeliveriesAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	observe := func(event, outcome string) {
		mu.Lock()
		defer mu.Unlock()
		seen[event+" "+outcome]++
	}
	hooks, body, end := crowd(t, webhook.Options{MaxWaiting: 20, Observe: observe}, 20, 10)
	wantShed(t, hooks, body)
	wantShed(t, hooks, body)
	if kept := end(); kept != 20 {
		t.Errorf("%d of 20 were kept", kept)
	}
	if seen["issues accepted"] != 20 || seen["issues shed"] != 2 {
		t.Errorf("observed %v", seen)
	}
}

func TestTheMemoryOfWaitingBodiesIsBounded(t *testing.T) {
	t.Parallel()
	hooks, body, end := crowd(t, webhook.Options{MaxBuffered: 1 << 20}, 10, 100_000)
	wantShed(t, hooks, body)
	wantShed(t, hooks, body)
	out := httptest.NewRecorder()
	unsigned := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte("{}")))
	hooks.ServeHTTP(out, unsigned)
	if out.Code != http.StatusUnauthorized {
		t.Errorf("an unsigned one is answered %d", out.Code)
	}
	if kept := end(); kept != 10 {
		t.Errorf("%d of 10 were kept", kept)
	}
	out = httptest.NewRecorder()
	if hooks.ServeHTTP(out, delivery("ping", body)); out.Code >= 300 {
		t.Errorf("when the crowd is gone, the next is answered %d", out.Code)
	}
}
