package app

import (
	"context"
	"errors"
	"time"
)

// Entry is one piece of work in a lane of the queue. The entries of a lane run
// in the order of their ids, one at a time; lanes run side by side.
type Entry struct {
	ID   int64
	Lane string // what must not run at the same time, e.g. IssueRef.Lane
	Kind string // which handler runs it
	// DedupKey names what arrived from outside ("" for work of our own): a
	// delivery that comes again with a known key is not queued twice.
	DedupKey string
	Body     []byte
	// Attempts counts the runs that failed before this one.
	Attempts   int
	EnqueuedAt time.Time
}

// Receipt says what the queue made of an entry that arrived from outside.
type Receipt int

// The receipts. All three mean that the entry is on disk.
const (
	// Accepted: new, and queued.
	Accepted Receipt = iota
	// Duplicate: known, and waiting, running or done; ignored.
	Duplicate
	// Redelivered: known and parked after it failed; set going again.
	Redelivered
)

// String is one word for it.
func (r Receipt) String() string {
	switch r {
	case Duplicate:
		return "duplicate"
	case Redelivered:
		return "redelivered"
	}
	return "accepted"
}

// Lease is a worker's right to run a lane. The token is unique: it tells this
// holder from an earlier one whose lease ran out, which a time could not.
type Lease struct {
	Lane  string
	Token string
	For   time.Duration // how long one renewal lasts
}

type leaseKey struct{}

// WithLease returns a context that carries the lease under which work runs.
// Every transaction begun with it first proves that the lease still holds.
func WithLease(ctx context.Context, lease Lease) context.Context {
	return context.WithValue(ctx, leaseKey{}, lease)
}

// LeaseFrom finds the lease that WithLease put into the context.
func LeaseFrom(ctx context.Context) (Lease, bool) {
	lease, ok := ctx.Value(leaseKey{}).(Lease)
	return lease, ok
}

// Fenced reports whether the work was stopped because its lane now belongs to
// another worker. Nothing of it was saved, and the other one will do it.
func Fenced(err error) bool { return CodeOf(err) == CodeFenced }

type retryError struct {
	error
	after        time.Duration
	installation int64
}

func (e retryError) Unwrap() error { return e.error }

// RetryAfter decides that the entry which failed with err is tried again in d,
// and that this was not its fault: it does not count as an attempt. GitHub's
// Retry-After is such a case. Any other error is retried with growing pauses.
func RetryAfter(err error, d time.Duration) error { return retryError{error: err, after: d} }

// RetryResumed is RetryAfter where the App is taken to be suspended in an
// installation: the wait ends when that does, were it before the entry is put back.
func RetryResumed(err error, d time.Duration, installation int64) error {
	return retryError{err, d, installation}
}

// WaitsFor finds the installation that RetryResumed named; 0 when there is none.
func WaitsFor(err error) int64 {
	var retry retryError
	if errors.As(err, &retry) {
		return retry.installation
	}
	return 0
}

// RetryDelay finds the delay that RetryAfter decided.
func RetryDelay(err error) (time.Duration, bool) {
	var retry retryError
	if errors.As(err, &retry) {
		return retry.after, true
	}
	return 0, false
}

type parkError struct{ error }

func (e parkError) Unwrap() error { return e.error }

// Park decides that the entry which failed with err can never succeed. It is
// set aside at once, with its error, where it does not block its lane and an
// operator finds it.
func Park(err error) error { return parkError{err} }

// Parked reports whether the error was made by Park.
func Parked(err error) bool {
	var park parkError
	return errors.As(err, &park)
}

type placeKey struct{}

// WithPlace returns a context for work that holds one of a worker's places. leave
// gives the place up, to others who have something to do, and returns how to come
// back to one.
func WithPlace(ctx context.Context, leave func() (back func(context.Context) error)) context.Context {
	return context.WithValue(ctx, placeKey{}, leave)
}

// Rest waits for d by the machine's clock, or until ctx ends, without keeping others
// from working: what one community has to wait for is nothing to the next.
func Rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	back := func(ctx context.Context) error { return ctx.Err() }
	if leave, ok := ctx.Value(placeKey{}).(func() func(context.Context) error); ok {
		back = leave()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return back(ctx)
}
