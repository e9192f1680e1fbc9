// Package worker takes lanes of the queue and runs what stands in them:
// deliveries, effects, due timers. The entries of a lane run in order, alone;
// lanes run side by side, here and on as many replicas as there are.
package worker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/rs/zerolog"
)

// Queue is what a worker needs of the store's queue. Every call but ClaimLane,
// Idle, RescueLanes and FireTimers fails with app.CodeFenced when the lease was
// lost.
type Queue interface {
	// ClaimLane leases the lane that has been ready longest; nil when none is.
	ClaimLane(ctx context.Context, leaseFor time.Duration) (*app.Lease, error)
	// Head marks the lane's first entry running; nil when none is due.
	Head(ctx context.Context, lease app.Lease) (*app.Entry, error)
	Finish(ctx context.Context, lease app.Lease, id int64) error
	// Retry counts a failed attempt, Postpone does not.
	Retry(ctx context.Context, lease app.Lease, id int64, at time.Time, cause error) error
	Postpone(ctx context.Context, lease app.Lease, id int64, at time.Time, cause error) error
	ParkEntry(ctx context.Context, lease app.Lease, id int64, cause error) error
	Renew(ctx context.Context, lease app.Lease) error
	Release(ctx context.Context, lease app.Lease) error
	// RescueLanes takes back the lanes of workers that fell silent.
	RescueLanes(ctx context.Context) (int, error)
	// FireTimers puts due timers into their lanes and says when the next is due.
	FireTimers(ctx context.Context, limit int) (fired int, next time.Time, err error)
	// Idle reports that no lane is ready or leased and no timer due.
	Idle(ctx context.Context) (bool, error)
	// Subscribe returns a channel that receives when there may be work.
	Subscribe() (<-chan struct{}, func())
}

// Handler runs one entry. It may run again after any outcome, so it is
// idempotent. Its error decides what comes next: app.RetryAfter, app.Park, or
// else another try after a growing pause. The context carries the lease, a
// logger, and the entry's deadline.
type Handler func(ctx context.Context, entry app.Entry) error

// Options tune a worker; the zero value of each field stands for its default.
type Options struct {
	Clock        app.Clock     // time.Now
	Concurrency  int           // lanes at the same time: 8
	LeaseFor     time.Duration // silence after which others take over: 15 s
	EntryTimeout time.Duration // longest run of one entry: 5 min
	Grace        time.Duration // what may still finish at shutdown: 20 s
	MaxAttempts  int           // failures after which an entry is parked: 20
	Logger       zerolog.Logger
	// Observe is told how each run ended ("done", "retried", "postponed",
	// "parked", "fenced") and how long it took. May be nil.
	Observe func(kind, outcome string, took time.Duration)
}

const (
	poll           = 250 * time.Millisecond // behind lost wake-ups, and for timers
	timersAtOnce   = 100
	entriesPerTurn = 64          // then the lane stands in line again, behind older ones
	firstPause     = time.Second // after the first failure; doubles
	longestPause   = 15 * time.Minute
	settleTime     = 5 * time.Second // to note an outcome when all else is being stopped
	// queueTimeout is how long the queue may take to answer: a database that fell silent
	// must not keep a worker from finding out that it is back.
	queueTimeout = 30 * time.Second
)

// Worker runs lanes.
type Worker struct {
	queue    Queue
	handlers map[string]Handler
	options  Options
	kick     chan struct{}
}

// New makes a worker that runs each kind of entry by its handler. An entry of
// an unknown kind is retried: a newer replica may know it.
func New(queue Queue, handlers map[string]Handler, options Options) *Worker {
	setDefault(&options.Concurrency, 8)
	setDefault(&options.LeaseFor, 15*time.Second)
	setDefault(&options.EntryTimeout, 5*time.Minute)
	setDefault(&options.Grace, 20*time.Second)
	setDefault(&options.MaxAttempts, 20)
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Observe == nil {
		options.Observe = func(string, string, time.Duration) {}
	}
	return &Worker{queue: queue, handlers: handlers, options: options, kick: make(chan struct{}, 1)}
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Kick has the worker look at timers at once, as after a test's clock jumped.
func (w *Worker) Kick() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// WaitIdle waits until there is nothing to do at this moment of the clock: no
// lane ready or running, no timer due. What waits for a later try does not count.
func (w *Worker) WaitIdle(ctx context.Context) error {
	for {
		idle, err := w.queue.Idle(ctx)
		if err != nil || idle {
			return err
		}
		w.Kick()
		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
}

// Drain runs what is ready or due at this moment of the clock, lane after lane, and
// returns when nothing is left but what waits for a later try. It is Run for those
// who lead the clock themselves; lanes of workers that fell silent stay theirs.
func (w *Worker) Drain(ctx context.Context) error {
	for {
		fired, _, err := w.queue.FireTimers(ctx, timersAtOnce)
		if err != nil {
			return err
		}
		lease, err := w.queue.ClaimLane(ctx, w.options.LeaseFor)
		switch {
		case err != nil:
			return err
		case lease != nil:
			w.runLane(ctx, ctx, *lease)
		case fired == 0:
			return ctx.Err()
		}
	}
}

// Run works until ctx ends. Then it takes no more lanes, gives what runs the
// grace to finish, cancels the rest, which goes back into its lane without
// counting as a failure, and returns.
func (w *Worker) Run(ctx context.Context) {
	work, stopWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopWork(nil)
	var running sync.WaitGroup
	running.Go(func() { w.tend(ctx) })
	running.Go(func() { w.dispatch(ctx, work, &running) })

	<-ctx.Done()
	finished := make(chan struct{})
	go func() { running.Wait(); close(finished) }()
	select {
	case <-finished:
		return
	case <-time.After(w.options.Grace):
		stopWork(errDraining)
	}
	select {
	case <-finished:
	case <-time.After(2 * settleTime):
		w.options.Logger.Error().Msg("a handler ignores that it was cancelled; its lane will be taken over when the lease ends")
	}
}

var errDraining = errors.New("the worker is shutting down")

// dispatch claims lanes while there are free places and starts a goroutine for
// each.
func (w *Worker) dispatch(ctx, work context.Context, running *sync.WaitGroup) {
	wake, unsubscribe := w.queue.Subscribe()
	defer unsubscribe()
	places := make(chan struct{}, w.options.Concurrency)
	var away atomic.Int64
	for {
		select {
		case <-ctx.Done():
			return
		case places <- struct{}{}:
		}
		lease, err := w.claim(ctx)
		if lease != nil {
			running.Go(func() {
				p := place{places: places, away: &away}
				defer p.end()
				w.runLane(ctx, app.WithPlace(work, p.leave), *lease)
			})
			continue
		}
		<-places
		if err != nil {
			w.troubled(ctx, err, "looking for work")
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(poll):
		}
	}
}

func (w *Worker) claim(ctx context.Context) (*app.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	return w.queue.ClaimLane(ctx, w.options.LeaseFor)
}

// tend fires timers when they are due and takes back the lanes of the dead.
func (w *Worker) tend(ctx context.Context) {
	var rescued time.Time
	for ctx.Err() == nil {
		if time.Since(rescued) >= w.options.LeaseFor/4 {
			rescued = time.Now()
			asking, cancel := context.WithTimeout(ctx, queueTimeout)
			n, err := w.queue.RescueLanes(asking)
			cancel()
			if err != nil {
				w.troubled(ctx, err, "rescuing lanes")
			} else if n > 0 {
				w.options.Logger.Warn().Int("lanes", n).Msg("took over from workers that fell silent")
			}
		}
		asking, cancel := context.WithTimeout(ctx, queueTimeout)
		fired, next, err := w.queue.FireTimers(asking, timersAtOnce)
		cancel()
		if err != nil {
			w.troubled(ctx, err, "firing timers")
			continue
		}
		if fired == timersAtOnce {
			continue // there may be more
		}
		pause := poll
		if !next.IsZero() {
			pause = min(poll, max(next.Sub(w.options.Clock()), time.Millisecond))
		}
		select {
		case <-ctx.Done():
		case <-w.kick:
		case <-time.After(pause):
		}
	}
}

// troubled logs what the queue answered, unless it is only that we stop, and
// pauses so as not to pester a database that is down.
func (w *Worker) troubled(ctx context.Context, err error, doing string) {
	if ctx.Err() != nil {
		return
	}
	w.options.Logger.Error().Err(err).Msg(doing)
	_ = sleep(ctx, time.Second)
}

// sleep pauses, or returns ctx's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
