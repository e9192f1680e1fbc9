package store_test

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// BenchmarkReceive has 64 callers queue 12 KB bodies over 1,000 lanes.
func BenchmarkReceive(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b), store.Options{MaxConnections: 64})
			body := payload(12 << 10)
			var guid atomic.Int64
			b.SetParallelism(32) // times the processors
			b.SetBytes(int64(len(body)))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := guid.Add(1)
					_, err := s.Receive(b.Context(), app.Entry{Lane: "lane/" + strconv.FormatInt(n%1000, 10),
						Kind: "delivery", DedupKey: strconv.FormatInt(n, 10), Body: body})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkRun takes an entry from its lane to done.
func BenchmarkRun(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b), store.Options{})
			for b.Loop() {
				if _, err := s.Receive(b.Context(), app.Entry{Lane: "lane", Kind: "delivery"}); err != nil {
					b.Fatal(err)
				}
				lease, err := s.ClaimLane(b.Context(), 1e9)
				if err != nil || lease == nil {
					b.Fatal(err)
				}
				entry, err := s.Head(b.Context(), *lease)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Finish(b.Context(), *lease, entry.ID); err != nil {
					b.Fatal(err)
				}
				if err := s.Release(b.Context(), *lease); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// payload looks to a compressor like JSON: words that repeat, and some that do not.
func payload(size int) []byte {
	var body bytes.Buffer
	random := rand.New(rand.NewPCG(1, 2))
	for body.Len() < size {
		body.WriteString(`{"login":"octocat","url":"https://api.github.com/users/` + strconv.FormatUint(random.Uint64(), 36) + `"},`)
	}
	return body.Bytes()[:size]
}
