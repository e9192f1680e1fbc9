package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
)

// Delivery is an entry as an operator sees it.
type Delivery struct {
	app.Entry
	State      string // pending, running, done or parked
	Error      string // why the last attempt failed
	RunAt      time.Time
	FinishedAt time.Time // zero unless done or parked
}

// QueueStats is the state of the queue at one moment.
type QueueStats struct {
	// Depth counts the entries by state: pending, running, parked. What is done
	// is not counted.
	Depth map[string]int64
	// OldestPending is how long the oldest entry has waited; 0 when none waits.
	OldestPending time.Duration
	Timers        int64 // that are set
}

// QueueStats counts what stands in the queue.
func (s *Store) QueueStats(ctx context.Context) (QueueStats, error) {
	var pending, running, parked, timers int64
	var oldest sql.NullInt64
	// SQLite uses a partial index only for the very words of its condition.
	err := s.read.QueryRowContext(ctx, `SELECT
		(SELECT COUNT(*) FROM deliveries WHERE state IN ('pending', 'running') AND state = 'pending'),
		(SELECT COUNT(*) FROM deliveries WHERE state = 'running'),
		(SELECT COUNT(*) FROM deliveries WHERE state = 'parked'),
		(SELECT COUNT(*) FROM timers),
		(SELECT MIN(created_at) FROM deliveries WHERE state IN ('pending', 'running') AND state = 'pending')`).
		Scan(&pending, &running, &parked, &timers, &oldest)
	if err != nil {
		return QueueStats{}, fmt.Errorf("counting the queue: %w", err)
	}
	stats := QueueStats{Depth: map[string]int64{"pending": pending, "running": running, "parked": parked}, Timers: timers}
	if oldest.Valid {
		stats.OldestPending = max(0, s.clock().Sub(instant(oldest.Int64)))
	}
	return stats, nil
}

// Idle reports whether there is nothing to do now: no lane ready or leased, and
// no timer due.
func (s *Store) Idle(ctx context.Context) (bool, error) {
	var busy bool
	err := s.read.QueryRowContext(ctx, `SELECT
		EXISTS (SELECT 1 FROM lanes WHERE lease_token IS NOT NULL) OR
		EXISTS (SELECT 1 FROM lanes WHERE lease_token IS NULL AND ready_at <= $1) OR
		EXISTS (SELECT 1 FROM timers WHERE due_at <= $1)`, s.now()).Scan(&busy)
	if err != nil {
		return false, fmt.Errorf("asking whether the queue is idle: %w", err)
	}
	return !busy, nil
}

const deliveryColumns = `id, lane, kind, dedup_key, body, attempts, run_at, state, error, created_at, finished_at`

func scanDelivery(row interface{ Scan(...any) error }) (Delivery, error) {
	var d Delivery
	var dedup sql.NullString
	var runAt, createdAt int64
	var finishedAt sql.NullInt64
	err := row.Scan(&d.ID, &d.Lane, &d.Kind, &dedup, (*packed)(&d.Body), &d.Attempts, &runAt, &d.State,
		&d.Error, &createdAt, &finishedAt)
	d.DedupKey, d.RunAt, d.EnqueuedAt = dedup.String, instant(runAt), instant(createdAt)
	if finishedAt.Valid {
		d.FinishedAt = instant(finishedAt.Int64)
	}
	return d, err
}

// ListInbox lists up to limit entries in a state, newest first, without their
// bodies.
func (s *Store) ListInbox(ctx context.Context, state string, limit int) (_ []Delivery, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing the entries that are %s: %w", state, err)
		}
	}()
	//nolint:gosec // a number
	rows, err := s.read.QueryContext(ctx, `
		SELECT id, lane, kind, dedup_key, NULL, attempts, run_at, state, error, created_at, finished_at
		FROM deliveries WHERE state = $1 ORDER BY id DESC `+atMost(limit), state)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Delivery
	for rows.Next() {
		d, err := scanDelivery(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// ShowEntry reads one entry; app.CodeNotFound when there is none.
func (s *Store) ShowEntry(ctx context.Context, id int64) (Delivery, error) {
	d, err := scanDelivery(s.read.QueryRowContext(ctx,
		`SELECT `+deliveryColumns+` FROM deliveries WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Delivery{}, app.Errorf(app.CodeNotFound, "There is no entry %d.", id)
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("reading entry %d: %w", id, err)
	}
	return d, nil
}

// RetryEntry sets a parked entry going again, or has a waiting one tried now.
// One that runs or is done is refused with app.CodeConflict.
func (s *Store) RetryEntry(ctx context.Context, id int64) error {
	entry, err := s.ShowEntry(ctx, id)
	if err != nil {
		return err
	}
	return s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.lockLane(ctx, entry.Lane); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `
			UPDATE deliveries SET state = 'pending', attempts = 0, run_at = $1, finished_at = NULL
			WHERE id = $2 AND lane = $3 AND state IN ('parked', 'pending')`, tx.now, id, entry.Lane)
		if err != nil {
			return fmt.Errorf("setting entry %d going: %w", id, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(app.Errorf(app.CodeConflict,
				"Entry %d is neither parked nor waiting.", id), err)
		}
		return tx.hasten(ctx, entry.Lane)
	})
}

// DropProcessed forgets what was done before one instant: work of our own altogether,
// deliveries from outside but for the key by which a redelivery is known, which is
// forgotten where they were done before the other. It returns how many entries it touched.
func (s *Store) DropProcessed(ctx context.Context, bodies, keys time.Time) (dropped int64, err error) {
	for _, drop := range []struct {
		statement string
		before    time.Time
	}{
		{`DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries
			WHERE state = 'done' AND body IS NOT NULL AND finished_at < $1 AND dedup_key IS NULL ` + atMost(dropBatch) + `)`, bodies},
		{`UPDATE deliveries SET body = NULL WHERE id IN (SELECT id FROM deliveries
			WHERE state = 'done' AND body IS NOT NULL AND finished_at < $1 AND dedup_key IS NOT NULL ` + atMost(dropBatch) + `)`, bodies},
		{`DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries
			WHERE state = 'done' AND body IS NULL AND finished_at < $1 ` + atMost(dropBatch) + `)`, keys},
	} {
		n, err := s.drop(ctx, drop.statement, drop.before)
		if dropped += n; err != nil {
			return dropped, fmt.Errorf("dropping processed deliveries: %w", err)
		}
	}
	return dropped, nil
}

// dropBatch bounds what one transaction drops, so that it holds up the others not for long.
const dropBatch = 1000

// drop repeats a statement until it finds nothing from before an instant.
func (s *Store) drop(ctx context.Context, statement string, before time.Time) (dropped int64, err error) {
	for {
		var n int64
		err := s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
			result, err := tx.ExecContext(ctx, statement, before.UnixMicro())
			if err != nil {
				return err
			}
			n, err = result.RowsAffected()
			return err
		})
		if dropped += n; err != nil || n == 0 {
			return dropped, err
		}
	}
}
