package notification

import (
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
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
		return giveUp(err, age)
	}
	next := pause(age)
	if asked, told := app.RetryDelay(err); told {
		next = max(next, asked)
	}
	// Not beyond the end, so that it is given up in time.
	return app.RetryAfter(err, min(next, max(giveUpAfter-age, shortestPause)))
}

// giveUp sets aside what was tried, or waited, for long.
func giveUp(err error, age time.Duration) error {
	return app.Park(fmt.Errorf("given up after %d hours: %w", int(age.Hours()), err))
}
