package notification

import (
	"errors"
	"sync"
	"time"

	"github.com/agora-rfc/agora/app"
)

// What leaves the server shares its workers with the counting of votes, so only so much
// of it runs at the same time: others may be slow to answer, or never do.
const (
	lettersAtOnce = 2
	postsAtOnce   = 2
)

// longestCooling is how long a receiver that fails is left alone at most: what waits for
// it comes no more than about twice an hour to ask.
const longestCooling = 30 * time.Minute

// Those who found no slot come back one after the other, with a gap between them.
const (
	firstGap    = 100 * time.Millisecond // before anything was sent
	shortestGap = 10 * time.Millisecond
	longestGap  = time.Second
)

// slots bound what runs at the same time, let nothing run twice at once, and leave alone
// who fails.
type slots struct {
	clock     app.Clock
	mu        sync.Mutex
	free      int
	receivers map[string]*receiver
}

// receiver is one that things are sent to.
type receiver struct {
	taken       bool
	gap         time.Duration // half of what the last one took: somebody stands ready when the next slot is free
	turn        time.Time     // of the last one who waits
	failingFrom time.Time     // zero while it takes what it is sent
	until       time.Time     // nothing is sent before
	cause       error         // why not
}

func newSlots(n int, clock app.Clock) *slots {
	return &slots{clock: clock, free: n, receivers: map[string]*receiver{}}
}

func (s *slots) receiver(name string) *receiver {
	r := s.receivers[name]
	if r == nil {
		r = &receiver{gap: firstGap}
		s.receivers[name] = r
	}
	return r
}

var errBusy = errors.New("others are being sent")

// take reserves a slot for a receiver, which has one at a time; the name "" stands for
// many. Without one the error says when to ask again, without holding a worker meanwhile;
// what is so old that it waits no longer is given up while the receiver fails.
func (s *slots) take(name string, age time.Duration) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, now := s.receiver(name), s.clock()
	switch {
	case now.Before(r.until) && age >= giveUpAfter:
		return nil, giveUp(r.cause, age)
	case now.Before(r.until):
		return nil, app.RetryAfter(r.cause, r.wait(now))
	case s.free == 0 || r.taken:
		return nil, app.RetryAfter(errBusy, r.wait(now))
	}
	s.free--
	r.taken = name != ""
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free++
		r.taken = false
		r.gap = min(max(s.clock().Sub(now)/2, shortestGap), longestGap)
	}, nil
}

// wait gives out the next turn. However many wait, so many come in a second and no more.
func (r *receiver) wait(now time.Time) time.Duration {
	for _, earliest := range []time.Time{now, r.until} {
		if r.turn.Before(earliest) {
			r.turn = earliest
		}
	}
	r.turn = r.turn.Add(r.gap)
	return r.turn.Sub(now)
}

// failed leaves a receiver alone, for as long as it has been failing: longer each time,
// and at least as long as it asked for, within bounds.
func (s *slots) failed(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, now := s.receiver(name), s.clock()
	if r.failingFrom.IsZero() {
		r.failingFrom = now
	}
	asked, _ := app.RetryDelay(err)
	r.until = now.Add(min(max(now.Sub(r.failingFrom), asked, shortestPause), longestCooling))
	r.cause = err
}

// succeeded has a receiver taken for well.
func (s *slots) succeeded(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.receiver(name)
	r.failingFrom, r.until, r.cause = time.Time{}, time.Time{}, nil
}
