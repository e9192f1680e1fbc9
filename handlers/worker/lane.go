package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/rs/zerolog"
)

// runLane runs the entries of a leased lane in order and gives the lane back.
// ctx ends when no more entries may start, work when those that run must stop.
func (w *Worker) runLane(ctx, work context.Context, lease app.Lease) {
	logger := w.options.Logger.With().Str("lane", lease.Lane).Logger()
	held, lost := context.WithCancelCause(app.WithLease(logger.WithContext(work), lease))
	defer lost(nil)
	stopHeartbeat := w.heartbeat(held, lease, lost)
	defer stopHeartbeat()

	for turn := 0; turn < entriesPerTurn && ctx.Err() == nil; turn++ {
		entry, err := w.head(held, lease)
		if err == nil && entry != nil {
			err = w.runEntry(held, lease, *entry)
		}
		if app.Fenced(err) || app.Fenced(context.Cause(held)) {
			logger.Info().Msg("the lane was taken over by another worker")
			return
		}
		if err != nil { // the database: others can try when the lease ends, if not now
			logger.Error().Err(err).Msg("running a lane")
			_ = sleep(ctx, time.Second)
			break
		}
		if entry == nil {
			break
		}
	}
	settle, cancel := settling(held)
	defer cancel()
	if err := w.queue.Release(settle, lease); err != nil && !app.Fenced(err) {
		logger.Error().Err(err).Msg("releasing a lane")
	}
}

func (w *Worker) head(ctx context.Context, lease app.Lease) (*app.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	return w.queue.Head(ctx, lease)
}

// heartbeat renews the lease until it is stopped; when the lease is lost, it
// cancels what runs under it.
func (w *Worker) heartbeat(ctx context.Context, lease app.Lease, lost context.CancelCauseFunc) (stop func()) {
	beating, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sleep(beating, w.options.LeaseFor/3) == nil {
			renewing, cancel := context.WithTimeout(beating, w.options.LeaseFor)
			err := w.queue.Renew(renewing, lease)
			cancel()
			switch {
			case app.Fenced(err):
				lost(err)
				return
			case err != nil && beating.Err() == nil:
				zerolog.Ctx(ctx).Warn().Err(err).Msg("renewing a lease")
			}
		}
	}()
	return func() { cancel(); <-done }
}

// runEntry runs one entry and notes the outcome. The error it returns is the
// queue's, not the entry's.
func (w *Worker) runEntry(ctx context.Context, lease app.Lease, entry app.Entry) error {
	logger := zerolog.Ctx(ctx).With().Int64("entry", entry.ID).Str("kind", entry.Kind).Logger()
	began := time.Now()
	err := w.call(logger.WithContext(ctx), entry)
	took := time.Since(began)
	if app.Fenced(err) || app.Fenced(context.Cause(ctx)) {
		w.options.Observe(entry.Kind, "fenced", took)
		return app.Errorf(app.CodeFenced, "The lane %s now belongs to another worker.", lease.Lane)
	}
	drained := errors.Is(context.Cause(ctx), errDraining)
	settle, cancel := settling(ctx)
	defer cancel()
	now := w.options.Clock()
	failures := entry.Attempts + 1
	delay, delayed := app.RetryDelay(err)
	var outcome string
	var event *zerolog.Event
	switch {
	case err == nil:
		outcome, event, err = "done", logger.Debug(), w.queue.Finish(settle, lease, entry.ID)
	case app.Parked(err) || !drained && !delayed && failures >= w.options.MaxAttempts:
		outcome, event = "parked", logger.Error().AnErr("cause", err).Int("attempts", failures)
		err = w.queue.ParkEntry(settle, lease, entry.ID, err)
	case drained:
		outcome, event = "postponed", logger.Info().AnErr("cause", err)
		err = w.queue.Postpone(settle, lease, entry.ID, now, err)
	case delayed:
		outcome, event = "postponed", logger.Info().AnErr("cause", err).Dur("pause", delay)
		err = w.queue.Postpone(settle, lease, entry.ID, now.Add(delay), err)
	default:
		outcome, event = "retried", logger.Warn().AnErr("cause", err).Int("attempts", failures)
		err = w.queue.Retry(settle, lease, entry.ID, now.Add(Pause(failures)), err)
	}
	if err != nil {
		return fmt.Errorf("noting that entry %d is %s: %w", entry.ID, outcome, err)
	}
	event.Dur("took", took).Msg("entry " + outcome)
	w.options.Observe(entry.Kind, outcome, took)
	return nil
}

// call runs the entry's handler, bounded in time; a panic becomes an error.
func (w *Worker) call(ctx context.Context, entry app.Entry) (err error) {
	// An entry that kills its worker is never seen to fail; it only comes back.
	if entry.Attempts >= w.options.MaxAttempts {
		return app.Park(fmt.Errorf("given up after %d attempts", entry.Attempts))
	}
	handler := w.handlers[entry.Kind]
	if handler == nil {
		return fmt.Errorf("nothing here runs entries of kind %q", entry.Kind)
	}
	defer func() {
		if r := recover(); r != nil {
			zerolog.Ctx(ctx).Error().Interface("panic", r).Bytes("stack", debug.Stack()).Msg("a handler panicked")
			err = fmt.Errorf("running %s: panic: %v", entry.Kind, r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, w.options.EntryTimeout)
	defer cancel()
	return handler(ctx, entry)
}

// Pause is how long an entry waits after so many failures: a second, doubled
// each time, at most a quarter of an hour.
func Pause(failures int) time.Duration {
	pause := firstPause
	for ; failures > 1 && pause < longestPause; failures-- {
		pause *= 2
	}
	return min(pause, longestPause)
}

// settling returns a context in which an outcome can still be noted after ctx
// was cancelled.
func settling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), settleTime)
}
