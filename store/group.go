package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agora-rfc/agora/app"
)

// Bounds of what shares one commit.
const (
	groupParts = 64
	groupAge   = 10 * time.Millisecond
)

// group lets SQLite's writers share commits, each of which waits for the disk: who
// finds others waiting behind leaves the transaction open for them. Each is a part
// that can fail by itself, and returns only when the whole is committed. PostgreSQL's
// own log groups commits.
type group struct {
	turn    sync.Mutex   // held by who writes
	waiting atomic.Int64 // for their turn
	open    *shared      // what the next one joins, nil for none
}

// shared is a transaction of several writers.
type shared struct {
	tx    *sql.Tx
	parts int
	began time.Time
	ended chan struct{}
	err   error // how it ended
}

// errShared says that a transaction was undone because another one broke off what
// they shared. It runs again.
var errShared = errors.New("what others wrote with it broke off")

// inGroup runs fn as one of the parts of a transaction.
func (s *Store) inGroup(ctx context.Context, fn func(context.Context, *Tx) error) error {
	part, tx, err := s.takeTurn(ctx, fn)
	if err != nil {
		return err
	}
	<-part.ended
	if part.err == nil && tx.wake {
		s.wake()
	}
	return part.err
}

// takeTurn runs fn when its turn has come, and commits unless somebody waits who will.
func (s *Store) takeTurn(ctx context.Context, fn func(context.Context, *Tx) error) (part *shared, tx *Tx, err error) {
	g := &s.group
	g.waiting.Add(1)
	g.turn.Lock() // whoever waits comes: others count on it
	g.waiting.Add(-1)
	defer g.turn.Unlock()
	defer g.commit() // also when fn panics
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if g.open == nil {
		tx, err := s.write.BeginTx(context.WithoutCancel(ctx), nil) // it outlives its first writer's patience
		if err != nil {
			return nil, nil, fmt.Errorf("beginning a transaction: %w", err)
		}
		g.open = &shared{tx: tx, began: time.Now(), ended: make(chan struct{})}
	}
	part = g.open
	part.parts++
	tx = &Tx{Tx: part.tx, store: s, now: s.now(), locked: map[string]bool{}}
	return part, tx, g.run(ctx, tx, fn)
}

// run runs a part. When its end shows that the whole is gone, so are the others.
func (g *group) run(ctx context.Context, tx *Tx, fn func(context.Context, *Tx) error) (err error) {
	finished, whole := false, context.WithoutCancel(ctx)
	if _, err := tx.ExecContext(whole, `SAVEPOINT turn`); err != nil {
		g.breakOff()
		return fmt.Errorf("beginning a part of a transaction: %w", err)
	}
	defer func() {
		if finished && err == nil {
			return
		}
		for _, undo := range []string{`ROLLBACK TO SAVEPOINT turn`, `RELEASE SAVEPOINT turn`} {
			if _, failed := tx.ExecContext(whole, undo); failed != nil {
				g.breakOff() // SQLite has rolled it all back
				return
			}
		}
	}()
	err = func() error {
		if lease, ok := app.LeaseFrom(ctx); ok {
			if err := tx.renew(ctx, lease); err != nil {
				return err
			}
		}
		return fn(context.WithValue(ctx, txKey{}, tx), tx)
	}()
	if err == nil {
		if _, err = tx.ExecContext(whole, `RELEASE SAVEPOINT turn`); err != nil {
			err = fmt.Errorf("ending a part of a transaction: %w", err)
		}
	}
	finished = true
	return err
}

// breakOff undoes the open transaction.
func (g *group) breakOff() {
	part := g.open
	if part == nil {
		return
	}
	g.open, part.err = nil, errShared
	_ = part.tx.Rollback()
	close(part.ended)
}

// commit ends the open transaction unless the next writer may join it.
func (g *group) commit() {
	part := g.open
	if part == nil || g.waiting.Load() > 0 && part.parts < groupParts && time.Since(part.began) < groupAge {
		return
	}
	g.open = nil
	if err := part.tx.Commit(); err != nil {
		part.err = fmt.Errorf("committing: %w", err)
	}
	close(part.ended)
}
