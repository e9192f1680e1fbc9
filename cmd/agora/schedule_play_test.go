package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/tidwall/gjson"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
)

// playing is one playing of a schedule: a world and Agora in it, without a network,
// a worker of its own time, or any goroutine that the story does not lead. So the
// same seed always plays the same way.
type playing struct {
	ctx    context.Context // of the play
	sim    *ghsim.Server
	app    ghsim.App
	server config.Server
	logger zerolog.Logger

	instant atomic.Int64 // microseconds: the world's clock
	leases  atomic.Int64 // the clock by which workers are found dead
	wire    *wire

	agora   *application
	running context.Context // of the program that runs now
	kill    context.CancelFunc

	mail           []ghsim.Delivery // sent by GitHub, not delivered yet
	community      int64
	number         int              // of the issue
	implementation int              // the number of the pull request that does what it says
	comments       map[string]int64 // by the names that acts have for them
	crashes        int
}

// The schedule's world: two stewards, a writer, people of the triage, and two who
// only pass by. Everybody but these is in the electorate from the start.
var (
	stewards  = []string{"maya", "ola"}
	regulars  = []string{"maya", "ola", "kim", "lee", "noor", "sam", "ida", "max"}
	passersby = []string{"zoe", "rob"}
	everybody = append(append([]string{}, regulars...), passersby...)
)

const author = "kim"

var dawn = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// emptyDatabase is a migrated SQLite file, copied for each playing.
var emptyDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "agora-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "agora.db")
	s, err := store.Open(context.Background(), "sqlite://"+path, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Migrate(context.Background()), s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// newPlaying sets the world up, with the rules, and starts Agora. Its database is
// in dir.
func newPlaying(ctx context.Context, dir, rules string, logger zerolog.Logger) (_ *playing, err error) {
	p := &playing{ctx: ctx, logger: logger, comments: map[string]int64{}}
	p.set(dawn)
	p.sim, err = ghsim.Start(ghsim.Options{Clock: p.now, InProcess: true, RateLimit: -1})
	if err != nil {
		return nil, err
	}
	p.wire = &wire{next: p.sim.Transport()}
	p.app = p.sim.AddApp(ghsim.NewApp{Slug: "agora", WebhookSecret: "a schedule's secret"})
	p.sim.SetWebhookURL(p.app.ID, "http://agora.invalid/")
	p.sim.HoldWebhooks()
	empty, err := emptyDatabase()
	if err != nil {
		return nil, errors.Join(err, p.sim.Close())
	}
	path := filepath.Join(dir, "agora.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		return nil, errors.Join(err, p.sim.Close())
	}
	p.server = config.DefaultServer()
	p.server.PublicURL = "https://agora.example"
	p.server.GitHub.V3APIURL = p.sim.APIURL()
	p.server.GitHub.App = config.GitHubApp{IntegrationID: p.app.ID, WebhookSecret: config.Secret(p.app.WebhookSecret), PrivateKey: config.Secret(p.app.PrivateKey)}
	p.server.DatabaseURL = config.Secret("sqlite://" + path)
	if err := p.start(); err != nil {
		return nil, errors.Join(err, p.sim.Close())
	}
	p.sim.AddUsers(everybody...)
	p.community = p.sim.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}, Members: regulars[1:]})
	p.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "rfcs", Files: map[string]string{".github/agora.yml": rules},
		Collaborators: map[string]string{"ola": "maintain", "kim": "write", "lee": "write", "noor": "triage", "sam": "triage", "ida": "triage", "max": "triage"}})
	p.sim.Install(p.app.ID, "acme")
	return p, p.deliverInOrder()
}

func (p *playing) now() time.Time { return time.UnixMicro(p.instant.Load()).UTC() }

// set moves the world's clock.
func (p *playing) set(to time.Time) { p.instant.Store(to.UnixMicro()) }

// start runs Agora, as after a crash: what a dead one left running is taken over.
func (p *playing) start() error {
	p.leases.Add(int64(time.Hour))
	p.running, p.kill = context.WithCancel(p.ctx)
	a, err := assemble(p.running, p.server, surroundings{clock: p.now, logger: p.logger, unpaced: true, transport: p.wire,
		leaseClock: func() time.Time { return time.Unix(0, p.leases.Load()) }})
	if err != nil {
		return fmt.Errorf("starting Agora: %w", err)
	}
	p.agora = a
	p.wire.crash = func() {
		p.kill()
		_ = a.store.Close() // nothing more of this program reaches the disk
	}
	if _, err := a.store.RescueLanes(p.running); err != nil {
		return err
	}
	return a.begin(p.running)
}

// restart ends Agora in order and starts it again.
func (p *playing) restart() error {
	p.kill()
	if err := p.agora.close(); err != nil {
		return fmt.Errorf("ending Agora: %w", err)
	}
	return p.start()
}

func (p *playing) close() error {
	p.kill()
	return errors.Join(p.agora.close(), p.sim.Close())
}

// drain lets Agora do what is to be done at this instant; when it crashes over it,
// another one is started and goes on.
func (p *playing) drain() error {
	for {
		err := p.agora.worker.Drain(p.running)
		if !p.wire.crashed {
			return err
		}
		p.crashes++
		p.wire.crashed = false
		p.agora.github.Close()
		if err := p.start(); err != nil {
			return err
		}
	}
}

// collect takes what GitHub has sent since. Of what Agora itself commented and
// labelled, which is no news, most is lost.
func (p *playing) collect() {
	for _, d := range p.sim.TakeWebhooks() {
		switch d.Action {
		case "created", "edited", "labeled", "unlabeled":
			if d.Event != "installation" && d.ID%8 != 0 && gjson.GetBytes(d.Payload, "sender.login").String() == p.app.Login {
				continue
			}
		}
		p.mail = append(p.mail, d)
	}
}

// deliver brings one webhook to Agora; GitHub has its answer when it returns.
func (p *playing) deliver(d ghsim.Delivery) error {
	r := httptest.NewRequestWithContext(p.running, http.MethodPost, "/api/github/hook", bytes.NewReader(d.Payload))
	r.Header = d.RequestHeader.Clone()
	answer := httptest.NewRecorder()
	p.agora.webhooks.ServeHTTP(answer, r)
	if answer.Code/100 != 2 {
		return fmt.Errorf("delivering %s.%s: %d %s", d.Event, d.Action, answer.Code, answer.Body)
	}
	return nil
}

// deliverInOrder brings everything, in order, each at once dealt with, and what
// follows from it too.
func (p *playing) deliverInOrder() error {
	for p.collect(); len(p.mail) > 0; p.collect() {
		mail := p.mail
		p.mail = nil
		for _, d := range mail {
			if err := p.deliver(d); err != nil {
				return err
			}
			if err := p.drain(); err != nil {
				return err
			}
		}
	}
	return p.drain()
}

// deliverSome brings some of the mail, in any order, some of it twice.
func (p *playing) deliverSome(rng *rand.Rand, share float64) error {
	p.collect()
	var batch, rest []ghsim.Delivery
	for _, d := range p.mail {
		if rng.Float64() < share {
			batch = append(batch, d)
			if rng.IntN(4) == 0 {
				batch = append(batch, d)
			}
		} else {
			rest = append(rest, d)
		}
	}
	p.mail = rest
	rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	for _, d := range batch {
		if err := p.deliver(d); err != nil {
			return err
		}
		if rng.IntN(3) == 0 {
			if err := p.drain(); err != nil {
				return err
			}
		}
	}
	return nil
}

// wire carries requests to GitHub and ends the program at one of them, before or
// after GitHub did what it was asked.
type wire struct {
	next    http.RoundTripper
	crash   func()
	left    int // requests until the crash; 0 for none to come
	after   bool
	crashed bool
}

var errCrashed = errors.New("the program was killed")

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.crashed {
		return nil, errCrashed
	}
	if w.left > 0 {
		if w.left--; w.left == 0 {
			if w.after {
				if answer, err := w.next.RoundTrip(r); err == nil {
					_ = answer.Body.Close()
				}
			}
			w.crashed = true
			w.crash()
			return nil, errCrashed
		}
	}
	return w.next.RoundTrip(r)
}

// fastFolder is a place for files that need not outlive the test: memory where the
// system offers it.
func fastFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "agora-schedules-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
