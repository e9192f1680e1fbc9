package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palantir/go-githubapp/githubapp"
	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/handlers/webhook"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// BenchmarkIntake measures acknowledged deliveries a second, each on disk before
// its 200, beside go-githubapp's own scheduler, which keeps them in memory, and beside
// the least that it takes to have one on disk. The load comes from the same machine.
func BenchmarkIntake(b *testing.B) {
	over := func(b *testing.B, queue webhook.Queue) http.Handler {
		hooks, err := webhook.New(webhook.Options{Secret: benchSecret, Queue: queue, Self: func(context.Context) string { return "" }})
		if err != nil {
			b.Fatal(err)
		}
		return hooks
	}
	kept := func(url func(testing.TB) string) func(b *testing.B) http.Handler {
		return func(b *testing.B) http.Handler { return over(b, storetest.Open(b, url(b), store.Options{})) }
	}
	many := []int{1, 64, 256}
	backends := []struct {
		name        string
		handler     func(b *testing.B) http.Handler
		connections []int
	}{
		{"memory", inMemory, many},
		{"disk", func(b *testing.B) http.Handler { return over(b, newScratch(b)) }, []int{1}},
		{"sqlite", kept(storetest.SQLite), many},
		{"postgres", kept(storetest.DurablePostgres), many},
	}
	for _, backend := range backends {
		for _, connections := range backend.connections {
			b.Run(fmt.Sprintf("%s/connections=%d", backend.name, connections), func(b *testing.B) {
				server := httptest.NewServer(backend.handler(b))
				defer server.Close()
				load(b, server.URL, connections)
			})
		}
		b.Run(backend.name+"/offered=500", func(b *testing.B) {
			server := httptest.NewServer(backend.handler(b))
			defer server.Close()
			offer(b, server.URL, 500)
		})
	}
}

const benchSecret = "a benchmark's secret"

// inMemory is what a bot has that keeps nothing: go-githubapp's dispatcher over its
// asynchronous queue.
func inMemory(*testing.B) http.Handler {
	return githubapp.NewEventDispatcher([]githubapp.EventHandler{idle{}}, benchSecret,
		githubapp.WithScheduler(githubapp.QueueAsyncScheduler(10_000, 10)))
}

type idle struct{}

func (idle) Handles() []string                                    { return []string{"issue_comment"} }
func (idle) Handle(context.Context, string, string, []byte) error { return nil }

// scratch is what the disk allows: each delivery is written over the one before it, and
// the disk is waited for. It finds nothing again.
type scratch struct{ file *os.File }

func newScratch(b *testing.B) scratch {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "scratch"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = file.Close() })
	return scratch{file}
}

func (s scratch) Receive(_ context.Context, entry app.Entry) (app.Receipt, error) {
	const packed = 3 << 10 // as much of it as a database has to write
	if _, err := s.file.WriteAt(entry.Body[:packed], 0); err != nil {
		return 0, err
	}
	return app.Accepted, s.file.Sync()
}

// load posts b.N deliveries over so many connections.
func load(b *testing.B, url string, connections int) {
	zerolog.SetGlobalLevel(zerolog.ErrorLevel)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var next, failed atomic.Int64
	took := make([][]time.Duration, connections)
	var posting sync.WaitGroup
	b.ResetTimer()
	for worker := range connections {
		posting.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				began := time.Now()
				if status := post(b.Context(), client, url, n); status != http.StatusOK {
					failed.Add(1)
				}
				took[worker] = append(took[worker], time.Since(began))
			}
		})
	}
	posting.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acks/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	if n := failed.Load(); n > 0 {
		b.Errorf("%d of %d deliveries were not acknowledged", n, b.N)
	}
}

// offer posts b.N deliveries, so many a second whether or not those before them were
// acknowledged, as GitHub does. What one waits counts from when it was due.
func offer(b *testing.B, url string, perSecond int) {
	zerolog.SetGlobalLevel(zerolog.ErrorLevel)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	var failed atomic.Int64
	took := make([]time.Duration, b.N)
	var posting sync.WaitGroup
	b.ResetTimer()
	began := time.Now()
	for n := range b.N {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		posting.Go(func() {
			if status := post(b.Context(), client, url, int64(n)); status != http.StatusOK {
				failed.Add(1)
			}
			took[n] = time.Since(due)
		})
	}
	posting.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	if n := failed.Load(); n > 0 {
		b.Errorf("%d of %d deliveries were not acknowledged", n, b.N)
	}
}

// post sends the n-th delivery: 12 KB, one of 500 issues.
func post(ctx context.Context, client *http.Client, url string, n int64) int {
	body := bytes.Replace(payload, []byte(`"number":1,`), fmt.Appendf(nil, `"number":%d,`, n%500+1), 1)
	mac := hmac.New(sha256.New, []byte(benchSecret))
	mac.Write(body)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", "issue_comment")
	r.Header.Set("X-GitHub-Delivery", fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), n))
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := client.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// payload is a comment on an issue as GitHub tells of it, 12 KB.
//
//go:embed testdata/issue_comment.json
var payload []byte
