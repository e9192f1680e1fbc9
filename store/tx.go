package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/agora-rfc/agora/app"
)

// Tx is one transaction: it sees and changes the store as a whole or not at all.
// It belongs to the function that InTx called and ends with it.
type Tx struct {
	*sql.Tx
	store  *Store
	now    int64
	locked map[string]bool // the lanes whose rows this transaction has locked
	wake   bool            // somebody may have work after the commit
}

// Now is the instant of the transaction; it stays the same to its end.
func (tx *Tx) Now() time.Time { return instant(tx.now) }

type insideKey struct{}

// InTx runs fn in a transaction. It commits when fn returns nil and rolls back
// otherwise. A transaction that lost against another one runs again, so fn must
// have no effects outside of it, and no network inside.
//
// When ctx carries a lease (app.WithLease) the transaction first renews it, and
// fails with app.CodeFenced when the lane has passed to another worker: fence
// and lock in one.
func (s *Store) InTx(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if ctx.Value(insideKey{}) != nil {
		// On SQLite it would wait for its own connection for ever.
		return errors.New("a transaction inside a transaction")
	}
	const attempts = 10
	for attempt := 1; ; attempt++ {
		tx, err := s.try(ctx, fn)
		if err == nil {
			if tx.wake {
				s.wake()
			}
			return nil
		}
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

func (s *Store) try(ctx context.Context, fn func(context.Context, *Tx) error) (_ *Tx, err error) {
	sqlTx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("beginning a transaction: %w", err)
	}
	committed := false
	defer func() { // also when fn panics
		if !committed {
			_ = sqlTx.Rollback()
		}
	}()
	tx := &Tx{Tx: sqlTx, store: s, now: s.now(), locked: map[string]bool{}}
	if lease, ok := app.LeaseFrom(ctx); ok {
		if err := tx.renew(ctx, lease); err != nil {
			return nil, err
		}
	}
	if err := fn(context.WithValue(ctx, insideKey{}, true), tx); err != nil {
		return nil, err
	}
	if err := sqlTx.Commit(); err != nil {
		return nil, fmt.Errorf("committing: %w", err)
	}
	committed = true
	return tx, nil
}

// renew extends the lease and locks its lane's row to the transaction's end.
func (tx *Tx) renew(ctx context.Context, lease app.Lease) error {
	until := tx.store.leaseClock().Add(lease.For).UnixMicro()
	result, err := tx.ExecContext(ctx,
		`UPDATE lanes SET lease_until = $1 WHERE key = $2 AND lease_token = $3`,
		until, lease.Lane, lease.Token)
	if err != nil {
		return fmt.Errorf("renewing the lease of %s: %w", lease.Lane, err)
	}
	if n, err := result.RowsAffected(); err != nil {
		return fmt.Errorf("renewing the lease of %s: %w", lease.Lane, err)
	} else if n == 0 {
		return app.Errorf(app.CodeFenced, "The lane %s now belongs to another worker.", lease.Lane)
	}
	tx.locked[lease.Lane] = true
	return nil
}
