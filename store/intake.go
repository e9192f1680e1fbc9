package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/agora-rfc/agora/app"
)

// maxBatch bounds how many deliveries share one commit.
const maxBatch = 256

// intake collects the deliveries that arrive while SQLite commits the ones
// before them: many callers share one commit, and none starves for the lock.
type intake struct {
	arrivals chan arrival
}

type arrival struct {
	entry  app.Entry
	answer chan<- answer // has room for one
}

type answer struct {
	receipt app.Receipt
	err     error
}

func newIntake() *intake { return &intake{arrivals: make(chan arrival, maxBatch)} }

// Receive puts what arrived from outside into its lane. When it returns without
// an error the entry is committed to disk. An entry whose DedupKey is known is
// ignored while that one waits, runs or is done, and sets it going again, with
// the new body, when it was parked. When ctx ends first, the entry may have
// been queued all the same: sending it again is harmless.
func (s *Store) Receive(ctx context.Context, entry app.Entry) (app.Receipt, error) {
	if s.intake == nil {
		var receipt app.Receipt
		err := s.InTx(ctx, func(ctx context.Context, tx *Tx) (err error) {
			receipt, err = tx.receive(ctx, entry)
			return err
		})
		return receipt, err
	}
	answers := make(chan answer, 1)
	select {
	case s.intake.arrivals <- arrival{entry, answers}:
	case <-ctx.Done():
		return 0, fmt.Errorf("queueing %s: %w", entry.Lane, ctx.Err())
	case <-s.quit.Done():
		return 0, errClosed
	}
	select {
	case a := <-answers:
		return a.receipt, a.err
	case <-ctx.Done():
		return 0, fmt.Errorf("queueing %s: %w", entry.Lane, ctx.Err())
	case <-s.quit.Done():
		return 0, errClosed
	}
}

var errClosed = errors.New("the store is closed")

// runIntake commits batch after batch until the store closes.
func (s *Store) runIntake() {
	batch := make([]arrival, 0, maxBatch)
	for {
		batch = batch[:0]
		select {
		case <-s.quit.Done():
			return
		case a := <-s.intake.arrivals:
			batch = append(batch, a)
		}
		for more := true; more && len(batch) < maxBatch; {
			select {
			case a := <-s.intake.arrivals:
				batch = append(batch, a)
			default:
				more = false
			}
		}
		s.receiveBatch(batch)
		clear(batch) // lets go of the bodies
	}
}

// receiveBatch queues a batch in one transaction. A statement that SQLite
// refuses does not abort the others; a commit that fails fails them all.
func (s *Store) receiveBatch(batch []arrival) {
	answers := make([]answer, len(batch))
	err := s.InTx(s.quit, func(ctx context.Context, tx *Tx) error {
		for i, a := range batch {
			answers[i].receipt, answers[i].err = tx.receive(ctx, a.entry)
		}
		return nil
	})
	for i, a := range batch {
		if err != nil {
			answers[i].err = err
		}
		a.answer <- answers[i]
	}
}

// receive is Receive inside a transaction.
func (tx *Tx) receive(ctx context.Context, entry app.Entry) (app.Receipt, error) {
	if err := tx.makeReady(ctx, entry.Lane); err != nil {
		return 0, err
	}
	var id int64
	err := tx.QueryRowContext(ctx, `
		INSERT INTO deliveries (lane, kind, dedup_key, body, run_at, state, created_at)
		VALUES ($1, $2, $3, $4, $5, 'pending', $5)
		ON CONFLICT (dedup_key) DO NOTHING
		RETURNING id`,
		clean(entry.Lane), clean(entry.Kind), nullable(entry.DedupKey), stored(entry.Body), tx.now).Scan(&id)
	if err == nil {
		return app.Accepted, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("queueing in %s: %w", entry.Lane, err)
	}
	err = tx.QueryRowContext(ctx, `
		UPDATE deliveries
		SET lane = $1, kind = $2, body = $3, run_at = $4, created_at = $4,
		    state = 'pending', attempts = 0, error = '', finished_at = NULL
		WHERE dedup_key = $5 AND state = 'parked'
		RETURNING id`,
		clean(entry.Lane), clean(entry.Kind), stored(entry.Body), tx.now, nullable(entry.DedupKey)).Scan(&id)
	switch {
	case err == nil:
		return app.Redelivered, tx.hasten(ctx, entry.Lane)
	case errors.Is(err, sql.ErrNoRows):
		return app.Duplicate, nil
	}
	return 0, fmt.Errorf("queueing in %s again: %w", entry.Lane, err)
}
