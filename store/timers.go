package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// SetTimer puts an entry of kind into lane when due, in place of what the timer
// of this key was set to before. Timers stand apart from lanes because a future
// entry would hold up what stands behind it.
func (tx *Tx) SetTimer(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error {
	return tx.setTimer(ctx, key, due, lane, kind, body, ``)
}

// SetTimerEarlier is SetTimer unless the timer is already set to an earlier
// instant; then it changes nothing.
func (tx *Tx) SetTimerEarlier(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error {
	return tx.setTimer(ctx, key, due, lane, kind, body, ` WHERE excluded.due_at < timers.due_at`)
}

func (tx *Tx) setTimer(ctx context.Context, key string, due time.Time, lane, kind string, body []byte, unless string) error {
	if err := tx.lockLane(ctx, lane); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO timers (key, due_at, lane, kind, body) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (key) DO UPDATE SET due_at = excluded.due_at, lane = excluded.lane,
			kind = excluded.kind, body = excluded.body`+unless,
		clean(key), due.UnixMicro(), clean(lane), clean(kind), stored(body))
	if err != nil {
		return fmt.Errorf("setting the timer %s: %w", key, err)
	}
	tx.wake = true
	return nil
}

// CancelTimer removes a timer; one that is not set is no error. What it already
// put into its lane stays there.
func (tx *Tx) CancelTimer(ctx context.Context, key string) error {
	key = clean(key)
	var lane string
	err := tx.QueryRowContext(ctx, `SELECT lane FROM timers WHERE key = $1`, key).Scan(&lane)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for the timer %s: %w", key, err)
	}
	if err := tx.lockLane(ctx, lane); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM timers WHERE key = $1`, key); err != nil {
		return fmt.Errorf("cancelling the timer %s: %w", key, err)
	}
	return nil
}

// Waiting lists the bodies of what waits of a kind for a lane, or in it.
func (tx *Tx) Waiting(ctx context.Context, lane, kind string) (_ [][]byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("looking for what waits in %s: %w", lane, err)
		}
	}()
	rows, err := tx.QueryContext(ctx, `
		SELECT body FROM timers WHERE lane = $1 AND kind = $2
		UNION ALL
		SELECT body FROM deliveries WHERE lane = $1 AND kind = $2 AND state IN ('pending', 'running')`, clean(lane), clean(kind))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var bodies [][]byte
	for rows.Next() {
		var body []byte
		if err := rows.Scan((*packed)(&body)); err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, rows.Err()
}

// FireTimers puts up to limit due timers into their lanes, earliest first, each
// exactly once however many do it at the same time. It returns how many it
// fired, and when the next one is due (zero when none is set).
func (s *Store) FireTimers(ctx context.Context, limit int) (fired int, next time.Time, err error) {
	due, err := s.dueTimers(ctx, limit)
	if err != nil {
		return 0, time.Time{}, err
	}
	for _, timer := range due {
		won := false
		err := s.InTx(ctx, func(ctx context.Context, tx *Tx) (err error) {
			won, err = tx.fire(ctx, timer.key, timer.lane)
			return err
		})
		if err != nil {
			return fired, time.Time{}, err
		}
		if won {
			fired++
		}
	}
	var nextDue sql.NullInt64
	if err := s.read.QueryRowContext(ctx, `SELECT MIN(due_at) FROM timers`).Scan(&nextDue); err != nil {
		return fired, time.Time{}, fmt.Errorf("looking for the next timer: %w", err)
	}
	if nextDue.Valid {
		next = instant(nextDue.Int64)
	}
	return fired, next, nil
}

type dueTimer struct{ key, lane string }

func (s *Store) dueTimers(ctx context.Context, limit int) (_ []dueTimer, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reading the due timers: %w", err)
		}
	}()
	rows, err := s.read.QueryContext(ctx,
		`SELECT key, lane FROM timers WHERE due_at <= $1 ORDER BY due_at, key `+atMost(limit), s.now()) //nolint:gosec // a number
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var due []dueTimer
	for rows.Next() {
		var timer dueTimer
		if err := rows.Scan(&timer.key, &timer.lane); err != nil {
			return nil, err
		}
		due = append(due, timer)
	}
	return due, rows.Err()
}

// fire moves one timer into its lane, unless somebody else did, or set it anew,
// since it was seen.
func (tx *Tx) fire(ctx context.Context, key, lane string) (bool, error) {
	if err := tx.lockLane(ctx, lane); err != nil {
		return false, err
	}
	var kind string
	var body []byte
	err := tx.QueryRowContext(ctx, `
		DELETE FROM timers WHERE key = $1 AND lane = $2 AND due_at <= $3
		RETURNING kind, body`, key, lane, tx.now).Scan(&kind, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("firing the timer %s: %w", key, err)
	}
	// One that waits already looks at everything this one would.
	return true, tx.Enqueue(ctx, lane, kind, key, body)
}
