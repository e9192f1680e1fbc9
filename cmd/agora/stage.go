package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/config"
)

// stage is a simulated GitHub and Agora beside it, on a clock that can jump. The
// demo plays on it, and so do the tests of the whole program. Agora reaches the
// simulator over HTTP only, by its production client.
type stage struct {
	sim   *ghsim.Server
	app   ghsim.App
	agora *application
	clock *jumpingClock
	url   string // of Agora

	server  config.Server
	around  surroundings
	stop    context.CancelFunc
	stopped chan error
}

// jumpingClock is real time plus what the story jumped ahead.
type jumpingClock struct{ ahead atomic.Int64 }

func (c *jumpingClock) now() time.Time {
	return time.Now().UTC().Add(time.Duration(c.ahead.Load()))
}

// staging says how a stage is set up; the zero value is the demo's.
type staging struct {
	databaseURL string // a temporary SQLite file when empty
	listen      string // any free port when empty
	logger      zerolog.Logger
	// through is the address of a proxy in front of the simulator's API, given the
	// simulator's own address.
	through func(upstream string) (string, error)
	// poll is the shortest interval between readings of reactions; a minute when 0.
	poll time.Duration
	// paced keeps the production limits on writing.
	paced bool
	sim   ghsim.Options
	// configure changes what the server is configured with, when set.
	configure func(*config.Server)
}

// newStage starts the simulator, with the App registered and its webhook pointing
// at Agora, and Agora.
func newStage(ctx context.Context, set staging) (_ *stage, err error) {
	s := &stage{clock: &jumpingClock{}, stopped: make(chan error, 1)}
	set.sim.Clock = s.clock.now
	if s.sim, err = ghsim.Start(set.sim); err != nil {
		return nil, fmt.Errorf("starting the simulated GitHub: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.sim.Close())
		}
	}()
	s.app = s.sim.AddApp(ghsim.NewApp{Slug: "agora", Name: "Agora", WebhookSecret: "a story's secret"})
	api := s.sim.APIURL()
	if set.through != nil {
		if api, err = set.through(s.sim.URL()); err != nil {
			return nil, err
		}
	}
	if set.listen == "" {
		set.listen = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", set.listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", set.listen, err)
	}
	s.url = "http://" + listener.Addr().String()
	s.server = config.DefaultServer()
	s.server.PublicURL = s.url
	s.server.GitHub.V3APIURL = api
	s.server.GitHub.App = config.GitHubApp{IntegrationID: s.app.ID, WebhookSecret: config.Secret(s.app.WebhookSecret), PrivateKey: config.Secret(s.app.PrivateKey)}
	s.server.DatabaseURL = config.Secret(set.databaseURL)
	if set.poll > 0 {
		s.server.ReactionPoll = config.Duration(set.poll)
	}
	if set.configure != nil {
		set.configure(&s.server)
	}
	s.around = surroundings{clock: s.clock.now, logger: set.logger, unpaced: !set.paced, migrate: true}
	s.sim.SetWebhookURL(s.app.ID, s.url+"/api/github/hook")
	return s, s.begin(ctx, listener)
}

// begin puts Agora together and lets it run behind the listener.
func (s *stage) begin(ctx context.Context, listener net.Listener) (err error) {
	if s.agora, err = assemble(ctx, s.server, s.around); err != nil {
		return errors.Join(err, listener.Close())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() { s.stopped <- s.agora.run(running, listener) }()
	return nil
}

// close stops Agora and the simulator.
func (s *stage) close() error {
	s.stop()
	return errors.Join(<-s.stopped, s.agora.close(), s.sim.Close())
}

// settle waits until every webhook was delivered and everything that follows from
// it at this moment is done.
func (s *stage) settle(ctx context.Context) error {
	for range 3 { // what is done may cause webhooks, which cause more
		if err := s.sim.WaitIdle(ctx); err != nil {
			return fmt.Errorf("waiting for webhooks: %w", err)
		}
		if err := s.agora.worker.WaitIdle(ctx); err != nil {
			return fmt.Errorf("waiting for Agora: %w", err)
		}
		if err := s.agora.orderNumber(ctx); err != nil { // a story does not wait for the next look
			return err
		}
	}
	if err := s.agora.worker.WaitIdle(ctx); err != nil {
		return fmt.Errorf("waiting for Agora: %w", err)
	}
	return nil
}

// jump lets time pass at once, and everything due in it happen.
func (s *stage) jump(ctx context.Context, d time.Duration) error {
	s.clock.ahead.Add(int64(d))
	s.agora.worker.Kick()
	return s.settle(ctx)
}

// temporaryDatabase makes a place for a SQLite file and the function that removes it.
func temporaryDatabase() (url string, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "agora-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("making a place for the database: %w", err)
	}
	return "sqlite://" + filepath.Join(dir, "agora.db"), sync.OnceValue(func() error { return os.RemoveAll(dir) }), nil
}
