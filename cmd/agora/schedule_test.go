package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
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

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app/ghsim"
)

var (
	scheduleSeed  = flag.Uint64("schedule.seed", 0, "play this one schedule of TestSchedules only")
	scheduleFrom  = flag.Uint64("schedule.from", 1, "the first schedule's seed")
	scheduleCount = flag.Uint64("schedule.count", 30, "how many schedules to play")
)

// performances is how many schedules share a life, which is rehearsed once.
const performances = 5

// Schedules that once ended otherwise are played for ever: an edit that overtook its
// comment's commands or took them away, votes taken after a deadline that earlier votes, read later, had
// not moved, a check run that was made anew, and a reaction given, without an answer.
func TestSchedulesThatOnceFailed(t *testing.T) {
	t.Parallel()
	folder := fastFolder(t)
	for _, seed := range []uint64{20016, 20620, 20621, 50097, 101771, 110000, 131430} {
		for _, what := range playLife(t.Context(), filepath.Join(folder, fmt.Sprint(seed)), seed/performances, seed, seed) {
			t.Errorf("schedule %d: %s", seed, what)
		}
	}
}

// TestSchedules plays random lives of an RFC calmly and in order, and again with
// webhooks shuffled, repeated, lost and healed, with a GitHub that fails, limits and
// lags, and with an Agora that is killed and started anew. After each passage both
// must have come to the same: GitHub's timestamps decide, and nothing is lost or
// doubled. A failure prints its seed; -schedule.seed plays it again.
func TestSchedules(t *testing.T) {
	t.Parallel()
	folder := fastFolder(t)
	first, last := *scheduleFrom, *scheduleFrom+*scheduleCount-1
	if *scheduleSeed != 0 {
		first, last = *scheduleSeed, *scheduleSeed
	}
	t.Logf("schedules %d to %d", first, last)
	began := time.Now()
	var next, played, failed atomic.Uint64
	next.Store(first / performances)
	var players sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		players.Go(func() {
			for t.Context().Err() == nil && failed.Load() < 5 {
				life := next.Add(1) - 1
				if life > last/performances {
					return
				}
				from, to := max(first, life*performances), min(last, life*performances+performances-1)
				for seed, what := range playLife(t.Context(), filepath.Join(folder, fmt.Sprint(life)), life, from, to) {
					failed.Add(1)
					t.Errorf("schedule %d (play it again with -schedule.seed=%d): %s", seed, seed, what)
				}
				played.Add(to - from + 1)
			}
		})
	}
	players.Wait()
	t.Logf("played %d schedules in %s", played.Load(), time.Since(began).Round(time.Millisecond))
}

// playLife rehearses one life and plays the schedules of it; it says what differed,
// by schedule.
func playLife(ctx context.Context, dir string, life, from, to uint64) map[uint64]string {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	defer os.RemoveAll(dir)
	wrong := map[uint64]string{}
	w := newPlaywright(life)
	story := []string{fmt.Sprintf("pull=%t exact=%t rules:\n%s", w.pull, w.exact, w.rules)}
	tell := func(format string, args ...any) { story = append(story, fmt.Sprintf(format, args...)) }
	passages, pictures, err := rehearse(ctx, filepath.Join(dir, "calm"), w, tell)
	if err != nil {
		wrong[from] = fmt.Sprintf("%v\n%s", err, strings.Join(story, "\n"))
		return wrong
	}
	text := story
	for seed := from; seed <= to; seed++ {
		story = slices.Clone(text)
		if err := perform(ctx, filepath.Join(dir, fmt.Sprint(seed)), w, seed, passages, pictures, tell); err != nil {
			wrong[seed] = fmt.Sprintf("%v\n%s", err, strings.Join(story, "\n"))
		}
	}
	return wrong
}

// longest bounds the passages of a schedule.
const longest = 6

// rehearse writes the schedule while it plays it calmly, and takes a picture after
// each passage.
func rehearse(ctx context.Context, dir string, w *playwright, tell func(string, ...any)) (passages []passage, pictures [][]string, err error) {
	if w.p, err = newPlaying(ctx, mkdir(dir), w.rules, zerolog.Nop()); err != nil {
		return nil, nil, err
	}
	defer func() { err = firstError(err, w.p.close()) }()
	at := w.opening()
	for more := true; more && len(passages) < longest; {
		tell("passage %d at %s", len(passages), at)
		if err := w.p.calmly(at, w.quiet(at)); err != nil {
			return nil, nil, fmt.Errorf("playing passage %d calmly: %w", len(passages), err)
		}
		picture, err := w.p.picture()
		if err != nil {
			return nil, nil, err
		}
		passages, pictures = append(passages, at), append(pictures, picture)
		if at, more, err = w.next(at); err != nil {
			return nil, nil, err
		}
	}
	return passages, pictures, w.p.sound(ctx)
}

// sound is an error when anything is not as it must be at the end.
func (p *playing) sound(ctx context.Context) error {
	if _, err := p.agora.store.SealAudit(ctx); err != nil {
		return err
	}
	wrong := violations(ctx, p.server.DatabaseURL.Reveal(), p.agora.store, p.sim, p.app.Login, scheduleRepo)
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "\n"))
}

func mkdir(dir string) string {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		panic(err)
	}
	return dir
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// calmly plays one passage as if nothing ever went wrong.
func (p *playing) calmly(at passage, quiet []time.Duration) error {
	p.set(at.at)
	if err := p.deliverInOrder(); err != nil {
		return err
	}
	for _, a := range at.acts {
		p.set(at.at.Add(a.after))
		if err := p.perform(a); err != nil {
			return err
		}
		if err := p.deliverInOrder(); err != nil {
			return err
		}
	}
	for _, later := range quiet {
		p.set(end(at).Add(later))
		if err := p.deliverInOrder(); err != nil {
			return err
		}
	}
	return nil
}

// end is the instant of the passage's last act.
func end(at passage) time.Time {
	if len(at.acts) == 0 {
		return at.at
	}
	return at.at.Add(at.acts[len(at.acts)-1].after)
}

// perform plays the passages with everything going wrong, and compares.
func perform(ctx context.Context, dir string, w *playwright, seed uint64, passages []passage, pictures [][]string, tell func(string, ...any)) (err error) {
	p, err := newPlaying(ctx, mkdir(dir), w.rules, zerolog.Nop())
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	for i, at := range passages {
		trouble := &trouble{playing: p, quiet: w.quiet(at), forgetful: w.forgetful, rng: rand.New(rand.NewPCG(seed, uint64(i)+2)), mild: w.exact || at.firm, firm: at.firm,
			tell: func(format string, args ...any) { tell("  in passage %d: "+format, append([]any{i}, args...)...) }}
		if err := trouble.play(at); err != nil {
			return fmt.Errorf("playing passage %d: %w", i, err)
		}
		picture, err := p.picture()
		if err != nil {
			return err
		}
		if diff := cmp.Diff(pictures[i], picture); diff != "" {
			return fmt.Errorf("passage %d ended otherwise than when it was played calmly (-calm +wild):\n%s", i, diff)
		}
	}
	return p.sound(ctx)
}

// trouble plays one passage badly.
type trouble struct {
	*playing
	quiet     []time.Duration
	forgetful bool
	rng       *rand.Rand
	mild      bool // nothing keeps Agora from reading GitHub in time
	firm      bool // nor from hearing at once what people did
	tell      func(string, ...any)
}

func (t *trouble) chance(n int) bool { return t.rng.IntN(n) == 0 }

func (t *trouble) play(at passage) error {
	t.begin()
	t.set(at.at)
	if err := t.deliverSome(t.rng, 0.7); err != nil {
		return err
	}
	if err := t.drain(); err != nil {
		return err
	}
	for _, a := range at.acts {
		t.set(at.at.Add(a.after))
		if err := t.perform(a); err != nil {
			return err
		}
		if t.chance(3) {
			if err := t.deliverSome(t.rng, 0.6); err != nil {
				return err
			}
			if err := t.drain(); err != nil {
				return err
			}
		}
	}
	return t.heal(end(at))
}

// heal lets the quiet hours pass: first webhooks still fail to come and GitHub still
// fails, then everything arrives.
func (t *trouble) heal(from time.Time) error {
	t.collect()
	share := 0.8
	if t.firm {
		share = 1
	}
	if err := t.deliverSome(t.rng, share); err != nil {
		return err
	}
	calm, redelivered := t.rng.IntN(2), t.rng.IntN(2)
	for i, later := range append([]time.Duration{0}, t.quiet...) {
		t.set(from.Add(later))
		if i > calm {
			t.relent()
		}
		if t.chance(12) {
			t.tell("Agora is restarted %s later", later)
			if err := t.restart(); err != nil {
				return err
			}
		}
		if i > redelivered {
			t.forget()
			if err := t.deliverSome(t.rng, 1); err != nil {
				return err
			}
		}
		if err := t.drain(); err != nil {
			return err
		}
	}
	return nil
}

// forget loses some of what was never delivered for good: what a reading of the
// issue and its comments tells as well.
func (t *trouble) forget() {
	t.collect()
	t.mail = slices.DeleteFunc(t.mail, func(d ghsim.Delivery) bool {
		told := d.Event == "issue_comment" && d.Action == "created" || d.Event == "issues" && d.Action != "edited" || d.Event == "pull_request" && d.Action != "synchronize"
		if t.forgetful && !t.firm && told && t.chance(2) {
			t.tell("%s.%s is lost for good", d.Event, d.Action)
			return true
		}
		return false
	})
}

// begin brings the troubles of the passage about.
func (t *trouble) begin() {
	for range t.rng.IntN(4) {
		f := t.fault()
		t.tell("GitHub fails: %+v", f)
		t.sim.Fault(f)
	}
	if !t.mild && t.chance(3) {
		t.sim.LagReads(time.Duration(1+t.rng.IntN(2)) * time.Second)
	}
	if t.chance(2) {
		t.wire.left, t.wire.after = 1+t.rng.IntN(12), t.chance(2)
		t.tell("Agora is killed at request %d, after its effect: %t", t.wire.left, t.wire.after)
	}
}

// relent ends the troubles.
func (t *trouble) relent() {
	t.sim.ClearFaults()
	t.sim.LagReads(0)
	t.wire.left = 0
}

func (t *trouble) fault() ghsim.Fault {
	f := ghsim.Fault{Skip: t.rng.IntN(6), Times: 1 + t.rng.IntN(3)}
	if t.mild {
		f.Method, f.PathPattern = []string{http.MethodPost, http.MethodPatch, http.MethodDelete}[t.rng.IntN(3)], "/repos/**"
	} else {
		f.PathPattern = []string{"", "", "/repos/**", "/repos/*/*/issues/*", "/repos/*/*/issues/*/comments", "/repos/*/*/collaborators/**", "/app/**"}[t.rng.IntN(7)]
	}
	switch k := t.rng.IntN(7); {
	case k == 0:
		f.DropBefore = true
	case k <= 2:
		f.DropAfter = true
	case k == 3 && !t.mild:
		limit := ghsim.TooManyRequests(30*time.Second, f.Times)
		f.Status, f.Headers, f.Body = limit.Status, limit.Headers, limit.Body
	case k == 4 && !t.mild:
		limit := ghsim.SecondaryLimit(time.Minute, f.Times)
		f.Status, f.Headers, f.Body = limit.Status, limit.Headers, limit.Body
	default:
		f.Status = []int{500, 502, 503}[t.rng.IntN(3)]
	}
	return f
}
