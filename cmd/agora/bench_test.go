package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/store/storetest"
)

var serveDeliveries = flag.Int("serve.deliveries", 20_000, "how many deliveries BenchmarkServe sends to the program")

// BenchmarkDecision takes a vote by command from GitHub's webhook to the ballot in the
// database, on an idle system. It includes what the simulated GitHub takes to answer
// for the voter's permission, and to send the webhook.
func BenchmarkDecision(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.DurablePostgres} {
		b.Run(name, func(b *testing.B) {
			address := url(b)
			s, err := newStage(b.Context(), staging{databaseURL: address})
			must(b, err)
			defer func() { must(b, s.close()) }()
			voters := make([]string, 100) // each within what a person may say in a minute
			for i := range voters {
				voters[i] = fmt.Sprintf("voter%d", i)
			}
			s.sim.AddUsers(append(voters, "maya")...)
			s.sim.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}})
			s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "rfcs"})
			s.sim.Install(s.app.ID, "acme")
			issue, err := s.sim.As("maya").OpenIssue(rfcs, "A proposal", "Text.", "rfc")
			must(b, err)
			must(b, s.settle(b.Context()))
			_, err = s.sim.As("maya").Comment(rfcs, issue.Number, "/rfc vote")
			must(b, err)
			must(b, s.settle(b.Context()))
			kept := probe(b, address)
			var took []time.Duration
			for b.Loop() {
				n := len(took)
				began := time.Now()
				c, err := s.sim.As(voters[n%len(voters)]).Comment(rfcs, issue.Number, "/vote "+[]string{"approve", "reject"}[n/len(voters)%2])
				must(b, err)
				for !kept(c.ID) {
					time.Sleep(time.Millisecond) // looking more often takes what is measured
				}
				took = append(took, time.Since(began))
				b.StopTimer()
				must(b, s.settle(b.Context()))
				b.StartTimer()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// probe looks for the vote by a comment in the database, beside the store, whose own
// reading of all the votes would take what is measured.
func probe(b *testing.B, url string) (kept func(comment int64) bool) {
	db := storetest.SQL(b, url)
	db.SetMaxOpenConns(1)
	look, err := db.PrepareContext(b.Context(), `SELECT EXISTS (SELECT 1 FROM acts WHERE rfc = 1 AND round = 1 AND channel = 'comment' AND source = $1)`)
	must(b, err)
	return func(comment int64) (found bool) {
		must(b, look.QueryRowContext(b.Context(), comment).Scan(&found))
		return found
	}
}

// BenchmarkServe starts the program on SQLite, and measures it from outside: how soon it
// is ready, and its resident memory idle, and after many deliveries. All of these are
// taken at once, the queue works them off behind.
func BenchmarkServe(b *testing.B) {
	sim, err := ghsim.Start(ghsim.Options{RateLimit: -1})
	must(b, err)
	defer func() { must(b, sim.Close()) }()
	app := sim.AddApp(ghsim.NewApp{Slug: "agora", WebhookSecret: "a benchmark's secret"})
	sim.AddUsers("maya")
	acme := sim.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}})
	repository := sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "rfcs"})
	sim.Install(app.ID, "acme")
	for b.Loop() {
		r, err := newReplica("the program", sim.URL(), []string{
			"AGORA_DATABASE_URL=sqlite://" + filepath.Join(b.TempDir(), "agora.db"), "HOME=" + os.Getenv("HOME"),
			fmt.Sprintf("GITHUB_APP_INTEGRATION_ID=%d", app.ID), "GITHUB_APP_WEBHOOK_SECRET=" + app.WebhookSecret,
			"GITHUB_APP_PRIVATE_KEY=" + string(app.PrivateKey),
		}, func(address string) string { return address })
		must(b, err)
		began := time.Now()
		must(b, r.start())
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "start-ms")
		time.Sleep(2 * time.Second) // it has looked around
		b.ReportMetric(resident(b, r), "idle-MB")
		most := 0.0
		for sent := 0; sent < *serveDeliveries; sent += 10_000 {
			began := time.Now()
			n := min(10_000, *serveDeliveries-sent)
			flood(b, r, app.WebhookSecret, acme, repository, n)
			now := resident(b, r)
			most = max(most, now)
			b.Logf("after %d deliveries %.0f MB; %.0f a second", sent+n, now, float64(n)/time.Since(began).Seconds())
		}
		b.ReportMetric(most, "MB")
		r.stop()
		_ = r.api.Close()
	}
}

// resident is the memory of the program that is in use, in millions of bytes; 0 where
// the system does not tell it as Linux does.
func resident(b testing.TB, r *replica) float64 {
	b.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.Process.Pid))
	must(b, err)
	var kilobytes float64
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	_, err = fmt.Sscan(rest, &kilobytes)
	must(b, err)
	return kilobytes * 1024 / 1e6
}

// flood sends comments of 12 KB on many issues over 64 connections, and wants each to
// be acknowledged.
func flood(b *testing.B, r *replica, secret string, owner, repository int64, n int) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var next, refused atomic.Int64
	var posting sync.WaitGroup
	words := strings.Repeat("a webhook's payload is mostly this. ", 12<<10/36)
	for range 64 {
		posting.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				body := fmt.Appendf(nil, `{"action":"created","repository":{"id":%d,"name":"rfcs","full_name":"acme/rfcs","owner":{"id":%d,"login":"acme"}},`+
					`"issue":{"number":%d},"comment":{"id":%d,"user":{"id":9,"login":"kim","type":"User"},"body":"%s"},"sender":{"id":9,"login":"kim","type":"User"}}`,
					repository, owner, i%500+1000, i, words)
				mac := hmac.New(sha256.New, []byte(secret))
				mac.Write(body)
				request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+r.listen+"/api/github/hook", bytes.NewReader(body))
				if err != nil {
					refused.Add(1)
					continue
				}
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("X-GitHub-Event", "issue_comment")
				request.Header.Set("X-GitHub-Delivery", fmt.Sprintf("%d-%d", time.Now().UnixNano(), i))
				request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
				answer, err := client.Do(request)
				if err != nil {
					refused.Add(1)
					continue
				}
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					refused.Add(1)
				}
			}
		})
	}
	posting.Wait()
	if got := refused.Load(); got > 0 {
		b.Errorf("%d of %d deliveries were not acknowledged", got, n)
	}
}
