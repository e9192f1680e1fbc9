package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
)

// cluster is some replicas on one database, a GitHub, and people who keep them busy.
type cluster struct {
	t        *testing.T
	url      string // of the database
	store    *store.Store
	sim      *ghsim.Server
	app      ghsim.App
	replicas []*replica
	next     atomic.Int64

	crowd  []string
	voices sync.Mutex
	rng    *rand.Rand
	open   []int             // numbers of issues people still talk about
	born   map[int]time.Time // and since when
	votes  map[int64]said    // by the comment's id
	acts   int
}

// said is a vote by comment as GitHub took it.
type said struct {
	issue int
	who   string
	at    time.Time
}

// clusterRules make a life of an RFC last seconds.
const clusterRules = `version: 1
rfc:
  types:
    capability_proposal: { discussion: 1s, voting: 6s, quorum: { floor: 3, root: 1, weight: 10% }, approval: 3/5 }
  late_window: 1s
  near_tie: { points: 1%, extension: 1s }
  max_extension: 2s
`

func newCluster(t *testing.T, databaseURL string, size int) *cluster {
	t.Helper()
	return newClusterThrough(t, databaseURL, databaseURL, size, func(address string) string { return address })
}

// newClusterThrough is newCluster whose replicas reach the database and GitHub by
// other addresses than the test does.
func newClusterThrough(t *testing.T, databaseURL, theirs string, size int, through func(address string) string) *cluster {
	t.Helper()
	c := &cluster{t: t, url: databaseURL, rng: rand.New(rand.NewPCG(1, 2)), born: map[int]time.Time{}, votes: map[int64]said{}}
	var err error
	c.sim, err = ghsim.Start(ghsim.Options{RateLimit: -1})
	must(t, err)
	t.Cleanup(func() { _ = c.sim.Close() })
	c.app = c.sim.AddApp(ghsim.NewApp{Slug: "agora", WebhookSecret: "a cluster's secret"})
	hook := httptest.NewServer(http.HandlerFunc(c.balance))
	t.Cleanup(hook.Close)
	c.sim.SetWebhookURL(c.app.ID, hook.URL)
	env := []string{
		"AGORA_DATABASE_URL=" + theirs, "AGORA_REACTION_POLL=1s", "HOME=" + os.Getenv("HOME"),
		fmt.Sprintf("GITHUB_APP_INTEGRATION_ID=%d", c.app.ID), "GITHUB_APP_WEBHOOK_SECRET=" + c.app.WebhookSecret,
		"GITHUB_APP_PRIVATE_KEY=" + string(c.app.PrivateKey),
	}
	for i := range size {
		r, err := newReplica(fmt.Sprintf("replica %d", i+1), c.sim.URL(), slices.Clone(env), through)
		must(t, err)
		c.replicas = append(c.replicas, r)
		must(t, r.start())
		t.Cleanup(func() { r.kill(); r.wait(); _ = r.api.Close() })
	}
	c.crowd = slices.Clone(everybody)
	for i := range 40 { // so that nobody gives more commands than one may
		c.crowd = append(c.crowd, fmt.Sprintf("voter%d", i+1))
	}
	c.sim.AddUsers(c.crowd...)
	c.store, err = store.Open(t.Context(), databaseURL, store.Options{}) // the replicas have made it
	must(t, err)
	t.Cleanup(func() { _ = c.store.Close() })
	c.sim.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}, Members: regulars[1:]})
	c.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "rfcs", Files: map[string]string{".github/agora.yml": clusterRules},
		Collaborators: map[string]string{"ola": "maintain", "kim": "write", "lee": "write", "noor": "triage", "sam": "triage", "ida": "triage", "max": "triage"}})
	c.sim.Install(c.app.ID, "acme")
	return c
}

// balance brings a webhook to a replica that is up, as a load balancer does.
func (c *cluster) balance(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return
	}
	for range c.replicas {
		r := c.replicas[int(c.next.Add(1))%len(c.replicas)]
		if r.up.Load() && r.deliver(w, in.Header, body) {
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

// busy lets people open RFCs and vote on them until ctx ends. They wait for a cluster
// that is killed faster than it works, so that it has time to come to rest at the end.
func (c *cluster) busy(ctx context.Context) {
	for ctx.Err() == nil {
		if stats, err := c.store.QueueStats(ctx); err == nil && stats.Depth["pending"] < 150 {
			c.act()
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(20+c.rng.IntN(60)) * time.Millisecond):
		}
	}
}

// act is one act of one person.
func (c *cluster) act() {
	c.voices.Lock()
	defer c.voices.Unlock()
	c.acts++
	c.open = slices.DeleteFunc(c.open, func(n int) bool { return time.Since(c.born[n]) > 10*time.Second })
	if len(c.open) < 2 {
		if issue, err := c.sim.As(author).OpenIssue(scheduleRepo, "A better way", "Words", "rfc"); err == nil {
			c.open = append(c.open, issue.Number)
			c.born[issue.Number] = time.Now()
		}
		return
	}
	issue := c.open[c.rng.IntN(len(c.open))]
	who := c.crowd[c.rng.IntN(len(c.crowd))]
	if c.rng.IntN(3) == 0 {
		for _, comment := range c.sim.Comments(scheduleRepo, issue) {
			if strings.HasPrefix(comment.Body, "<!-- agora:ballot ") {
				_, _ = c.sim.As(who).React(scheduleRepo, comment.ID, []string{"+1", "+1", "-1", "eyes"}[c.rng.IntN(4)])
			}
		}
		return
	}
	text := []string{"/vote approve", "/vote approve", "/vote reject", "/vote abstain"}[c.rng.IntN(4)]
	if comment, err := c.sim.As(who).Comment(scheduleRepo, issue, text); err == nil {
		c.votes[comment.ID] = said{issue, who, comment.CreatedAt}
	}
}

// patience is how long everything may take to be done after the last act: dead
// workers' lanes are taken over, and what failed is tried again, the later the longer
// it failed.
func patience() time.Duration { return 3*time.Minute + 5**networkFor }

// rest waits until nothing is left to be done and every round is decided.
func (c *cluster) rest() *store.Store {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience())
	defer cancel()
	s, left := c.store, ""
	for still := 0; still < 4; {
		select {
		case <-ctx.Done():
			c.t.Fatalf("not done after %s: %s\n%s", patience(), left, c.logs())
		case <-time.After(250 * time.Millisecond):
		}
		look, stop := context.WithTimeout(ctx, 10*time.Second)
		left = c.left(look, s)
		stop()
		if testing.Verbose() && left != "" {
			c.t.Logf("%s: %.300s", time.Now().Format(time.TimeOnly), left)
		}
		if left == "" {
			still++
		} else {
			still = 0
		}
	}
	return s
}

// left says what is not done yet.
func (c *cluster) left(ctx context.Context, s *store.Store) string {
	if err := c.sim.WaitIdle(ctx); err != nil {
		return err.Error()
	}
	stats, err := s.QueueStats(ctx)
	if err != nil {
		return err.Error()
	}
	if stats.Depth["pending"]+stats.Depth["running"] > 0 {
		waiting, _ := s.ListInbox(ctx, "pending", 3)
		return fmt.Sprintf("%v, such as %+v", stats.Depth, waiting)
	}
	var undecided []string
	err = s.RFC().View(ctx, func(ctx context.Context, tx rfc.Tx) error {
		undecided = nil
		all, err := tx.RFCs(ctx, rfc.Filter{})
		for _, r := range all {
			if !r.State.Decided() {
				undecided = append(undecided, r.Name()+" is "+string(r.State)+c.due(ctx, r))
			}
		}
		if len(all) != len(c.born) {
			undecided = append(undecided, fmt.Sprintf("%d of %d RFCs", len(all), len(c.born)))
		}
		return err
	})
	if err != nil {
		return err.Error()
	}
	return strings.Join(undecided, ", ")
}

// due says when an RFC goes on by itself.
func (c *cluster) due(ctx context.Context, r *rfc.RFC) string {
	text := ", and no timer is set"
	err := c.store.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		var due int64
		err := tx.QueryRowContext(ctx, `SELECT due_at FROM timers WHERE key = $1`, fmt.Sprintf("rfc/%d", r.ID)).Scan(&due)
		if err == nil {
			text = fmt.Sprintf(", and looked at again in %s", time.Until(time.UnixMicro(due)).Round(time.Second))
		}
		v, err := rfc.LoadView(ctx, tx, r, time.Now())
		if err == nil && v.Round != nil {
			text += fmt.Sprintf("; round %d was planned until %s, its deadline is %s, read at %s", v.Round.Number, v.Round.Planned, v.Result.Deadline, v.Round.LastRead)
		}
		return err
	})
	if err != nil {
		text += ": " + err.Error()
	}
	return text
}

func (c *cluster) logs() string {
	var all strings.Builder
	for _, r := range c.replicas {
		fmt.Fprintf(&all, "%s:\n%s\n", r.name, r.log)
	}
	return all.String()
}

// whole checks that nothing was lost or doubled: what must always hold, every
// acknowledged delivery kept and done, every vote counted once, by its instant, and
// every comment answered.
func (c *cluster) whole() (summary string) {
	c.t.Helper()
	s := c.rest()
	ctx := c.t.Context()
	for _, r := range c.replicas {
		r.stop()
	}
	for _, wrong := range violations(ctx, c.url, s, c.sim, c.app.Login, scheduleRepo) {
		c.t.Error(wrong)
	}
	done, err := s.ListInbox(ctx, "done", 1_000_000)
	must(c.t, err)
	kept := map[string]int{}
	for _, entry := range done {
		kept[entry.DedupKey]++
	}
	acknowledged := map[string]bool{}
	for _, d := range c.sim.Deliveries() {
		if d.StatusCode/100 == 2 {
			acknowledged[d.GUID] = true
		}
	}
	for guid := range acknowledged {
		if n := kept["github/"+guid]; n != 1 {
			c.t.Errorf("the acknowledged delivery %s was kept and done %d times", guid, n)
		}
	}
	counted := c.counted(ctx, s)
	if c.t.Failed() {
		c.t.Log(c.logs())
	}
	return fmt.Sprintf("%d acts, %d RFCs decided, %d deliveries acknowledged, %d votes by comment counted", c.acts, len(c.born), len(acknowledged), counted)
}

// answer is what Agora replied to a comment.
func (c *cluster) answer(issue int, comment int64) string {
	for _, reply := range c.sim.Comments(scheduleRepo, issue) {
		if strings.HasPrefix(reply.Body, fmt.Sprintf("<!-- agora:reply %d -->", comment)) {
			return reply.Body
		}
	}
	return "none"
}

// counted compares the votes that people wrote with the acts that were counted.
func (c *cluster) counted(ctx context.Context, s *store.Store) (counted int) {
	err := s.RFC().View(ctx, func(ctx context.Context, tx rfc.Tx) error {
		all, err := tx.RFCs(ctx, rfc.Filter{})
		if err != nil {
			return err
		}
		for _, r := range all {
			acts, counts := map[int64]int{}, map[int64]bool{}
			v, err := rfc.LoadView(ctx, tx, r, time.Now())
			if err != nil {
				return err
			}
			for _, b := range v.Result.Ballots {
				if b.Channel == rfc.ByComment {
					acts[b.Source]++
					counts[b.Source] = counts[b.Source] || b.Counted
				}
			}
			round, err := tx.Round(ctx, r.ID, 1)
			if err != nil {
				return err
			}
			for id, vote := range c.votes {
				if vote.issue != r.Ref.Number {
					continue
				}
				in := !vote.at.Before(round.OpenedAt) && vote.at.Before(round.FinalDeadline)
				switch n := acts[id]; {
				case n > 1, counts[id] && !in:
					// One from outside may be kept, and not count: what was read later can take back the
					// extension in which it was cast.
					c.t.Errorf("%s: the vote %d of %s at %s became %d acts, and counts: %v; the round opened at %s and ended at %s",
						r.Name(), id, vote.who, vote.at, n, counts[id], round.OpenedAt, round.FinalDeadline)
				case n == 0 && vote.at.After(round.OpenedAt.Add(3*time.Second)) && in:
					c.t.Errorf("%s: the vote %d of %s at %s was not counted; the round opened at %s and ended at %s; the answer: %s",
						r.Name(), id, vote.who, vote.at, round.OpenedAt, round.FinalDeadline, c.answer(vote.issue, id))
				case n == 1:
					counted++
				}
				if worn := len(c.sim.CommentReactions(id)); worn != 1 {
					c.t.Errorf("%s: the comment %d wears %d answers", r.Name(), id, worn)
				}
			}
		}
		return nil
	})
	must(c.t, err)
	return counted
}
