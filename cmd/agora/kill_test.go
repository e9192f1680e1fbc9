package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agora-rfc/agora/store/storetest"
)

var (
	killTimes     = flag.Int("kill.times", 7, "how often TestKilled kills Agora on each database")
	replicasFor   = flag.Duration("replicas.for", 6*time.Second, "how long TestReplicas lasts")
	replicasEvery = flag.Duration("replicas.every", 2*time.Second, "how often TestReplicas kills one of three")
)

// steps are the moments at which Agora is killed, by name.
var steps = []struct {
	name  string
	about func(what string) bool
	delay time.Duration // at most
}{
	{"at a random moment", nil, 400 * time.Millisecond},
	{"after it acknowledged", func(what string) bool { return what == "acknowledged" }, 0},
	{"before it ran a delivery", func(what string) bool { return what == "runs webhook" }, 0},
	{"after it decided, before it said so", func(what string) bool {
		return strings.HasPrefix(what, "asks POST ") && strings.Contains(what, "agora:decision")
	}, 0},
	{"after GitHub did it, before it was noted", func(what string) bool {
		return strings.HasPrefix(what, "asked P") && !strings.Contains(what, "/access_tokens")
	}, 0},
	{"while it sealed", func(what string) bool { return what == "runs audit.seal" }, 3 * time.Millisecond},
	{"while it ran a clock", func(what string) bool { return what == "runs rfc.tick" }, 5 * time.Millisecond},
}

// TestKilled kills Agora under load, as a power cut would, again and again: at random
// moments and at each of the named steps. Nothing may be lost or doubled.
func TestKilled(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		c := newCluster(t, url, 1)
		r := c.replicas[0]
		ctx, stop := context.WithCancel(t.Context())
		var people sync.WaitGroup
		people.Go(func() { c.busy(ctx) })
		kills := map[string]int{}
		rng := rand.New(rand.NewPCG(3, 4))
		for i := range *killTimes {
			step := steps[i%len(steps)]
			set := &trap{step: step.name, about: step.about, hit: make(chan struct{})}
			if step.delay > 0 {
				set.delay = time.Duration(rng.Int64N(int64(step.delay)))
			}
			if step.about == nil {
				time.Sleep(set.delay)
				r.kill()
			} else {
				r.trap.Store(set)
				select {
				case <-set.hit:
				case <-time.After(2 * time.Second):
					t.Logf("no chance to kill it %s", step.name)
					set.step = "at a random moment"
					r.kill()
				}
				r.trap.Store(nil)
			}
			r.wait()
			kills[set.step]++
			must(t, r.start())
			time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
		}
		stop()
		people.Wait()
		t.Logf("killed %s; %s", told(kills), c.whole())
	})
}

func told(kills map[string]int) string {
	total := 0
	var each []string
	for step, n := range kills {
		total += n
		each = append(each, fmt.Sprintf("%d %s", n, step))
	}
	sort.Strings(each)
	return fmt.Sprintf("%d times (%s)", total, strings.Join(each, ", "))
}

// TestReplicas kills one of three replicas on one PostgreSQL every few seconds, under
// load, and starts it again later: the others go on.
func TestReplicas(t *testing.T) {
	t.Parallel()
	c := newCluster(t, storetest.Postgres(t), 3)
	ctx, stop := context.WithTimeout(t.Context(), *replicasFor)
	defer stop()
	var people sync.WaitGroup
	people.Go(func() { c.busy(ctx) })
	kills := 0
	for i := 0; ctx.Err() == nil; i++ {
		r := c.replicas[i%len(c.replicas)]
		select {
		case <-ctx.Done():
			continue
		case <-time.After(*replicasEvery / 2):
		}
		r.kill()
		r.wait()
		kills++
		time.Sleep(*replicasEvery / 2)
		must(t, r.start())
	}
	people.Wait()
	t.Logf("killed one of three %d times; %s", kills, c.whole())
}
