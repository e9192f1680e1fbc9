package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// errNotAlone is for people: two servers on one SQLite file would count, write and poll
// side by side, each as if it were the only one.
var errNotAlone = errors.New("another process serves this SQLite database already, and only one may: stop it first, or use PostgreSQL, which any number can share")

// aloneWithin is how long a process waits for the one before it to end, as in a restart.
const aloneWithin = 10 * time.Second

// holdAlone holds the lock beside a SQLite file. It is the system's, on an open file: it
// ends with the process, however that ends, and the file that stays behind says nothing.
// It is not on the database itself, since closing that would drop SQLite's own locks.
func (s *Store) holdAlone(ctx context.Context, path string) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // whichever name it goes by
	}
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err == nil && !held {
		s.log.Warn().Dur("at_most", aloneWithin).Msg("another process serves this SQLite database: waiting for it to end")
		ctx, cancel := context.WithTimeout(ctx, aloneWithin)
		defer cancel()
		held, err = lock.TryLockContext(ctx, aloneWithin/100)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errNotAlone
	}
	if err != nil {
		return fmt.Errorf("locking the database: %w", err)
	}
	if !held {
		return errNotAlone
	}
	s.letGo = lock.Unlock
	return nil
}
