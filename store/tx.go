package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/agora-rfc/agora/app"
)

// Tx is one transaction: it sees and changes the store as a whole or not at all.
// It belongs to the function that InTx or View called, and ends with it.
type Tx struct {
	*sql.Tx
	store    *Store
	now      int64
	readOnly bool
	locked   map[string]bool // the lanes whose rows this transaction has locked
	// rows is what rows say that this transaction has locked, as it read or wrote them:
	// what did not change is not written again.
	rows map[string]string
	wake bool // somebody may have work after the commit
}

// Now is the instant of the transaction; it stays the same to its end.
func (tx *Tx) Now() time.Time { return instant(tx.now) }

type txKey struct{}

// InTx runs fn in a transaction. It commits when fn returns nil and rolls back
// otherwise. A transaction that lost against another one runs again, so fn must
// have no effects outside of it, and no network inside.
//
// When ctx already carries a transaction of this store, fn joins it: what it did
// is undone when it fails, and is saved with the rest otherwise.
//
// When ctx carries a lease (app.WithLease) the transaction fails with
// app.CodeFenced when the lane has passed to another worker, and otherwise none
// takes it over before the transaction ends.
func (s *Store) InTx(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if tx, ok := ctx.Value(txKey{}).(*Tx); ok && tx.store == s {
		if tx.readOnly {
			return errors.New("changing the store inside a view of it")
		}
		return tx.join(ctx, fn)
	}
	if s.together != nil {
		return s.again(ctx, func() error { return s.inTogether(ctx, fn) })
	}
	return s.alone(ctx, fn)
}

// alone runs a transaction that shares its commit with no other.
func (s *Store) alone(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return s.again(ctx, func() error {
		tx, err := s.begin(ctx, s.write, nil)
		if err != nil {
			return err
		}
		defer tx.close() // also when fn panics
		if err := tx.runLeased(ctx, fn); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("committing: %w", err)
		}
		if tx.wake {
			s.wake()
		}
		return nil
	})
}

// runLeased runs fn in the transaction, under the lease that ctx may carry.
func (tx *Tx) runLeased(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if lease, ok := app.LeaseFrom(ctx); ok {
		hold, own := ctx.Value(holds{}).(hold)
		if !own {
			hold = (*Tx).fence
		}
		if err := hold(tx, ctx, lease); err != nil {
			return err
		}
	}
	return fn(context.WithValue(ctx, txKey{}, tx), tx)
}

// join runs fn as a part of the transaction that can fail by itself.
func (tx *Tx) join(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT part`); err != nil {
		return fmt.Errorf("beginning a part of a transaction: %w", err)
	}
	locked := maps.Clone(tx.locked)
	if err := fn(ctx, tx); err != nil {
		tx.locked = locked
		clear(tx.rows)                                                                          // which may say what is undone now
		for _, undo := range []string{`ROLLBACK TO SAVEPOINT part`, `RELEASE SAVEPOINT part`} { // which would hide the one around it
			if _, failed := tx.ExecContext(ctx, undo); failed != nil {
				return errors.Join(err, fmt.Errorf("undoing a part of a transaction: %w", failed))
			}
		}
		return err
	}
	if _, err := tx.ExecContext(ctx, `RELEASE SAVEPOINT part`); err != nil {
		return fmt.Errorf("ending a part of a transaction: %w", err)
	}
	return nil
}

// View runs fn on one consistent state of the store, which it cannot change. It
// waits for nobody, and nobody waits for it. Inside a transaction fn sees what
// that one has changed so far.
func (s *Store) View(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if tx, ok := ctx.Value(txKey{}).(*Tx); ok && tx.store == s {
		return fn(ctx, tx)
	}
	var options *sql.TxOptions // SQLite's readers are made read-only when they connect
	if s.dialect == postgres {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return s.again(ctx, func() error {
		tx, err := s.begin(ctx, s.read, options)
		if err != nil {
			return err
		}
		defer tx.close()
		tx.readOnly = true
		return fn(context.WithValue(ctx, txKey{}, tx), tx)
	})
}

func (s *Store) begin(ctx context.Context, db *sql.DB, options *sql.TxOptions) (*Tx, error) {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return nil, &beginError{err}
	}
	return &Tx{Tx: tx, store: s, now: s.now(), locked: map[string]bool{}, rows: map[string]string{}}, nil
}

// beginError says that a transaction never began.
type beginError struct{ error }

func (e *beginError) Error() string { return "beginning a transaction: " + e.error.Error() }
func (e *beginError) Unwrap() error { return e.error }

// Unreached marks that nothing was asked of the database, since it could not be reached.
func (e *beginError) Unreached() {}

// close undoes what was not committed. What the roll-back itself says matters
// to nobody: the pool discards a broken connection.
func (tx *Tx) close() { _ = tx.Rollback() }

// again runs a transaction until it no longer loses against another one, a
// bounded number of times.
func (s *Store) again(ctx context.Context, transaction func() error) error {
	const attempts = 10
	for attempt := 1; ; attempt++ {
		err := transaction()
		if attempt == attempts || !conflicts(err) {
			return err
		}
		pause := time.Duration(rand.Int64N(int64(attempt) * int64(5*time.Millisecond)))
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// hold is how a transaction makes sure that its lease is held, to its end. It fails
// with app.CodeFenced when the lane belongs to another worker.
type hold func(tx *Tx, ctx context.Context, lease app.Lease) error

// holds marks the context of the queue's own transactions, which hold otherwise than
// by a fence.
type holds struct{}

// fence does not lock the lane: a vote holds its RFC and then brings its effects to
// their lane, where a publication has its lane and then wants the RFC. They would wait
// for each other. Whoever gives a lane to another worker locks it for an update first,
// which is all that a key share waits for.
func (tx *Tx) fence(ctx context.Context, lease app.Lease) error {
	var held int
	err := tx.QueryRowContext(ctx, `SELECT 1 FROM lanes WHERE key = $1 AND lease_token = $2`+tx.store.dialect.forKeyShare(),
		lease.Lane, lease.Token).Scan(&held)
	if errors.Is(err, sql.ErrNoRows) {
		return errFenced(lease)
	}
	if err != nil {
		return fmt.Errorf("making sure of the lease of %s: %w", lease.Lane, err)
	}
	return nil
}

// renew extends the lease beside what runs under it.
func (tx *Tx) renew(ctx context.Context, lease app.Lease) error {
	return tx.extend(ctx, lease, `key = $2 AND lease_token = $3`)
}

// seize extends the lease when nothing runs under it any more, not even a transaction
// of which nobody knows whether it was committed, and locks the lane.
func (tx *Tx) seize(ctx context.Context, lease app.Lease) error {
	return tx.extend(ctx, lease, `key = (SELECT key FROM lanes WHERE key = $2 AND lease_token = $3`+tx.store.dialect.forUpdate()+`)`)
}

func (tx *Tx) extend(ctx context.Context, lease app.Lease, which string) error {
	until := tx.store.leaseClock().Add(lease.For).UnixMicro()
	result, err := tx.ExecContext(ctx, `UPDATE lanes SET lease_until = $1 WHERE `+which, until, lease.Lane, lease.Token)
	if err != nil {
		return fmt.Errorf("renewing the lease of %s: %w", lease.Lane, err)
	}
	if n, err := result.RowsAffected(); err != nil {
		return fmt.Errorf("renewing the lease of %s: %w", lease.Lane, err)
	} else if n == 0 {
		return errFenced(lease)
	}
	tx.locked[lease.Lane] = true
	return nil
}

func errFenced(lease app.Lease) error {
	return app.Errorf(app.CodeFenced, "The lane %s now belongs to another worker.", lease.Lane)
}
