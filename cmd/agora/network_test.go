package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/store/storetest"
)

var networkFor = flag.Duration("network.for", 1200*time.Millisecond, "how long each trouble of TestNetwork lasts")

// toxics are the troubles of the network, as toxiproxy names them. A time-out of 0
// is a black hole: what is sent is lost, and no connection ends.
var toxics = []string{
	`{"type": "latency", "attributes": {"latency": 120, "jitter": 80}}`,
	`{"type": "reset_peer", "attributes": {"timeout": 30}}`,
	`{"type": "bandwidth", "attributes": {"rate": 40}}`,
	`{"type": "timeout", "attributes": {"timeout": 0}}`,
	`{"type": "limit_data", "attributes": {"bytes": 6000}}`,
	`{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`,
	`{"type": "slicer", "attributes": {"average_size": 200, "size_variation": 100, "delay": 500}}`,
}

// TestNetwork lets the network between Agora and PostgreSQL, and the one between
// Agora and GitHub, be slow, break and fall silent, under load: nothing is lost,
// nothing doubled, and each deadline decides once. What waits meanwhile waits in the
// database: memory does not grow with it.
func TestNetwork(t *testing.T) {
	t.Parallel()
	direct := storetest.Postgres(t)
	proxies := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	database, theirs := proxied(t, proxies, direct)
	var github *toxiproxy.Proxy
	c := newClusterThrough(t, direct, theirs, 1, func(address string) string {
		github = startProxy(t, proxies, "github", address)
		return github.Listen
	})
	ctx, stop := context.WithCancel(t.Context())
	var people sync.WaitGroup
	people.Go(func() { c.busy(ctx) })
	time.Sleep(*networkFor)
	calm := resident(t, c.replicas[0])
	most := calm
	for _, toxic := range toxics {
		for _, proxy := range []*toxiproxy.Proxy{database, github} {
			if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				t.Fatalf("%s: %v", toxic, err)
			}
			time.Sleep(*networkFor)
			most = max(most, resident(t, c.replicas[0]))
			proxy.Toxics.ResetToxics(t.Context())
			time.Sleep(200 * time.Millisecond)
		}
	}
	stop()
	people.Wait()
	// Recovery asks GitHub at the start, and every hour, for what was not taken.
	c.replicas[0].stop()
	must(t, c.replicas[0].start())
	t.Logf("%d troubles of %s on each wire; memory %.0f MB before them, %.0f MB at most; %s", len(toxics), *networkFor, calm, most, c.whole())
	if most > 2*calm+64 {
		t.Errorf("the memory grew from %.0f MB to %.0f MB", calm, most)
	}
}

// proxied puts a proxy before the PostgreSQL at an address, and gives the address
// that leads through it.
func proxied(t *testing.T, proxies *toxiproxy.ApiServer, address string) (*toxiproxy.Proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	query := u.Query()
	upstream := u.Host
	if folder := query.Get("host"); folder != "" { // a socket, which the proxy cannot reach
		upstream = bridge(t, filepath.Join(folder, ".s.PGSQL.5432"))
		query.Del("host")
	}
	proxy := startProxy(t, proxies, "postgres", upstream)
	u.Host = proxy.Listen
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	return proxy, u.String()
}

func startProxy(t *testing.T, proxies *toxiproxy.ApiServer, name, upstream string) *toxiproxy.Proxy {
	t.Helper()
	proxy := toxiproxy.NewProxy(proxies, name, "127.0.0.1:0", upstream)
	must(t, proxy.Start())
	t.Cleanup(proxy.Stop)
	return proxy
}

// bridge lets a Unix socket be reached over TCP.
func bridge(t *testing.T, socket string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", socket)
			if err != nil {
				_ = near.Close()
				continue
			}
			var both sync.WaitGroup
			carry := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				_ = to.Close() // and with it the other direction
			}
			both.Go(func() { carry(far, near) })
			both.Go(func() { carry(near, far) })
		}
	}()
	return fmt.Sprint(listener.Addr())
}
