package notification

import (
	"errors"
	"fmt"
	"math/rand/v2"
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

// giveUpAfter is how long a letter or webhook is tried.
const giveUpAfter = 3 * 24 * time.Hour

// The pauses between two tries grow with the age of what is sent.
const (
	shortestPause = 5 * time.Second
	longestPause  = 6 * time.Hour
)

// pause is how long after a failure it is tried again: half of the time it has been
// tried for, within bounds.
func pause(age time.Duration) time.Duration {
	return min(max(age/2, shortestPause), longestPause)
}

// outcome decides what becomes of a try that failed with err: another one later, or, when
// it was refused for good or tried for long, none (app.Parked).
func outcome(err error, age time.Duration) error {
	switch {
	case app.Parked(err):
		return err
	case age >= giveUpAfter:
		return app.Park(fmt.Errorf("given up after %d hours: %w", int(age.Hours()), err))
	}
	next := pause(age)
	if asked, told := app.RetryDelay(err); told {
		next = max(next, asked)
	}
	// Not beyond the end, so that it is given up in time.
	return app.RetryAfter(err, min(next, max(giveUpAfter-age, shortestPause)))
}

// errBusy has an entry wait for its turn without holding a worker.
func errBusy() error {
	return app.RetryAfter(errors.New("others are being sent"), time.Second+rand.N(2*time.Second))
}

// slots bound what runs at the same time, and let nothing run twice at once.
type slots struct {
	mu    sync.Mutex
	free  int
	taken map[string]bool
}

func newSlots(n int) *slots { return &slots{free: n, taken: map[string]bool{}} }

// take reserves a slot for a name, nobody's when "". release is nil when there is none.
func (s *slots) take(name string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 || s.taken[name] {
		return nil
	}
	s.free--
	s.taken[name] = name != ""
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free++
		delete(s.taken, name)
	}
}
