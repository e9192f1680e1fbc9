package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/google/uuid"
)

// makeReady locks the lane's row, makes it when missing, and has it claimed if
// it was empty. A lane whose head waits for a later try keeps waiting.
func (tx *Tx) makeReady(ctx context.Context, lane string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO lanes (key, ready_at) VALUES ($1, $2)
		ON CONFLICT (key) DO UPDATE SET ready_at = excluded.ready_at WHERE lanes.ready_at IS NULL`,
		clean(lane), tx.now)
	if err != nil {
		return fmt.Errorf("opening the lane %s: %w", lane, err)
	}
	tx.locked[lane] = true
	tx.wake = true
	return nil
}

// lockLane locks the lane's row, and makes it when missing.
func (tx *Tx) lockLane(ctx context.Context, lane string) error {
	if tx.locked[lane] {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO lanes (key) VALUES ($1)
		ON CONFLICT (key) DO UPDATE SET ready_at = lanes.ready_at WHERE false`, clean(lane))
	if err != nil {
		return fmt.Errorf("locking the lane %s: %w", lane, err)
	}
	tx.locked[lane] = true
	return nil
}

// hasten has a locked lane claimed now, whatever its head was waiting for.
func (tx *Tx) hasten(ctx context.Context, lane string) error {
	_, err := tx.ExecContext(ctx, `UPDATE lanes SET ready_at = $1 WHERE key = $2`, tx.now, clean(lane))
	if err != nil {
		return fmt.Errorf("opening the lane %s: %w", lane, err)
	}
	tx.wake = true
	return nil
}

// Enqueue puts work of our own at the end of a lane when the transaction
// commits. With a coalesceKey nothing is added while an entry of the same lane,
// kind and key is still waiting; one that already runs does not count, because
// it may have read what it needs before this transaction.
func (tx *Tx) Enqueue(ctx context.Context, lane, kind, coalesceKey string, body []byte) error {
	if err := tx.makeReady(ctx, lane); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO deliveries (lane, kind, coalesce_key, body, run_at, state, created_at)
		SELECT $1, $2, $3, $4, $5, 'pending', $5 WHERE NOT EXISTS (
			SELECT 1 FROM deliveries WHERE lane = $1 AND kind = $2 AND coalesce_key = $3 AND state = 'pending')`,
		clean(lane), clean(kind), nullable(coalesceKey), stored(body), tx.now)
	if err != nil {
		return fmt.Errorf("queueing %s in %s: %w", kind, lane, err)
	}
	return nil
}

// ClaimLane leases the lane that has been ready longest; nil when none is. Two
// claimers never get the same lane. It is on disk once Head is, before anything runs.
func (s *Store) ClaimLane(ctx context.Context, leaseFor time.Duration) (*app.Lease, error) {
	lease := app.Lease{Token: uuid.NewString(), For: leaseFor}
	var setting sql.NullString
	err := s.write.QueryRowContext(ctx, `
		UPDATE lanes SET lease_token = $1, lease_until = $2
		WHERE key = (
			SELECT key FROM lanes WHERE lease_token IS NULL AND ready_at <= $3
			ORDER BY ready_at LIMIT 1`+s.dialect.skipLocked()+`)
		RETURNING key, `+s.dialect.unawaited(),
		lease.Token, s.leaseClock().Add(leaseFor).UnixMicro(), s.now()).Scan(&lease.Lane, &setting)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claiming a lane: %w", err)
	}
	return &lease, nil
}

// leased runs fn in a transaction that has seized the lane.
func (s *Store) leased(ctx context.Context, lease app.Lease, fn func(context.Context, *Tx) error) error {
	return s.InTx(context.WithValue(app.WithLease(ctx, lease), holds{}, hold((*Tx).seize)), fn)
}

// Renew extends the lease; it fails with app.CodeFenced when it was lost.
func (s *Store) Renew(ctx context.Context, lease app.Lease) error {
	ctx = context.WithValue(app.WithLease(ctx, lease), holds{}, hold((*Tx).renew))
	return s.InTx(ctx, func(context.Context, *Tx) error { return nil })
}

// Head marks the first entry of the lane running and returns it; nil when the
// lane is empty or its head waits for a later try. What stands behind the head
// never overtakes it.
func (s *Store) Head(ctx context.Context, lease app.Lease) (*app.Entry, error) {
	var head *app.Entry
	err := s.leased(ctx, lease, func(ctx context.Context, tx *Tx) error {
		head = nil
		entry := app.Entry{Lane: lease.Lane}
		var dedup sql.NullString
		var createdAt int64
		err := tx.QueryRowContext(ctx, `
			UPDATE deliveries SET state = 'running' WHERE run_at <= $2 AND id = (
				SELECT id FROM deliveries WHERE lane = $1 AND state IN ('pending', 'running') ORDER BY id LIMIT 1)
			RETURNING id, kind, dedup_key, body, attempts, created_at`, lease.Lane, tx.now).
			Scan(&entry.ID, &entry.Kind, &dedup, (*packed)(&entry.Body), &entry.Attempts, &createdAt)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("starting the head of %s: %w", lease.Lane, err)
		}
		entry.DedupKey = dedup.String
		entry.EnqueuedAt = instant(createdAt)
		head = &entry
		return nil
	})
	return head, err
}

// Finish marks the running entry done.
func (s *Store) Finish(ctx context.Context, lease app.Lease, id int64) error {
	return s.settle(ctx, lease, id, outcome{state: "done"})
}

// Retry has the running entry tried again at an instant, and counts the failed
// attempt. The lane waits for it: order is kept.
func (s *Store) Retry(ctx context.Context, lease app.Lease, id int64, at time.Time, cause error) error {
	return s.settle(ctx, lease, id, outcome{state: "pending", at: at, cause: cause, counts: true})
}

// Postpone is Retry for what was not the entry's fault: no attempt is counted. What
// waits for an installation (app.RetryResumed) that resumed while it ran waits no more.
func (s *Store) Postpone(ctx context.Context, lease app.Lease, id int64, at time.Time, cause error) error {
	return s.settle(ctx, lease, id, outcome{state: "pending", at: at, cause: cause})
}

// ParkEntry sets the running entry aside for an operator to look at. It blocks
// its lane no longer.
func (s *Store) ParkEntry(ctx context.Context, lease app.Lease, id int64, cause error) error {
	return s.settle(ctx, lease, id, outcome{state: "parked", cause: cause, counts: true})
}

// outcome is how a run of an entry ended.
type outcome struct {
	state  string
	at     time.Time // of the next try, when pending
	cause  error
	counts bool // as a failed attempt
}

// settle ends a run. What it says may be lost with the database's last moment: then the
// entry runs once more, as after a crash of its worker.
func (s *Store) settle(ctx context.Context, lease app.Lease, id int64, out outcome) error {
	return s.leased(ctx, lease, func(ctx context.Context, tx *Tx) error {
		runAt, failed := tx.now, 0
		finishedAt := sql.NullInt64{Int64: tx.now, Valid: true}
		if out.state == "pending" {
			runAt, finishedAt = out.at.UnixMicro(), sql.NullInt64{}
			if i := app.WaitsFor(out.cause); i != 0 {
				stands, err := tx.stands(ctx, i)
				if err != nil {
					return err
				}
				if !stands {
					runAt = min(runAt, tx.now)
				}
			}
		}
		if out.counts {
			failed = 1
		}
		message := ""
		if out.cause != nil {
			message = clean(out.cause.Error())
		}
		result, err := tx.ExecContext(ctx, `
			UPDATE deliveries
			SET state = $1, run_at = $2, finished_at = $3, error = $4, attempts = attempts + $5
			WHERE id = $6 AND lane = $7 AND state = 'running'
			RETURNING `+s.dialect.unawaited(),
			out.state, runAt, finishedAt, message, failed, id, lease.Lane)
		if err != nil {
			return fmt.Errorf("marking entry %d %s: %w", id, out.state, err)
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(fmt.Errorf("marking entry %d %s: it is not running", id, out.state), err)
		}
		return nil
	})
}

// Release gives the lane back. It becomes ready when its head is due.
func (s *Store) Release(ctx context.Context, lease app.Lease) error {
	return s.leased(ctx, lease, func(ctx context.Context, tx *Tx) error { return tx.openLane(ctx, lease.Lane, 0) })
}

// openLane takes the lease off a lane whose row is locked: an entry that was
// left running waits again, and the lane is ready when its head is due. The
// head is looked up in a statement of its own, after the lock: in the statement
// that waits for the lock, PostgreSQL would miss what was just committed.
func (tx *Tx) openLane(ctx context.Context, lane string, failed int) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE deliveries SET state = 'pending', attempts = attempts + $1,
			error = CASE WHEN $1 > 0 THEN 'the worker that ran it fell silent' ELSE error END
		WHERE lane = $2 AND state = 'running'`, failed, lane); err != nil {
		return fmt.Errorf("putting back what ran in %s: %w", lane, err)
	}
	var readyAt sql.NullInt64
	var setting sql.NullString
	if err := tx.QueryRowContext(ctx, `
		UPDATE lanes SET lease_token = NULL, lease_until = NULL, ready_at = (
			SELECT run_at FROM deliveries
			WHERE lane = $1 AND state IN ('pending', 'running') ORDER BY id LIMIT 1)
		WHERE key = $1
		RETURNING ready_at, `+tx.store.dialect.unawaited(), lane).Scan(&readyAt, &setting); err != nil {
		return fmt.Errorf("releasing the lane %s: %w", lane, err)
	}
	if readyAt.Valid && readyAt.Int64 <= tx.now {
		tx.wake = true
	}
	return nil
}

// RescueLanes takes back the lanes whose workers fell silent for longer than
// their lease, and returns how many. What ran there waits again and counts as a
// failed attempt, so that an entry which kills its worker is parked in the end.
func (s *Store) RescueLanes(ctx context.Context) (int, error) {
	for rescued := 0; ; rescued++ {
		found := false
		err := s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
			var lane string
			err := tx.QueryRowContext(ctx, `
				SELECT key FROM lanes WHERE lease_token IS NOT NULL AND lease_until <= $1
				ORDER BY lease_until LIMIT 1`+s.dialect.skipLocked(),
				s.leaseClock().UnixMicro()).Scan(&lane)
			found = err == nil
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("looking for silent workers: %w", err)
			}
			return tx.openLane(ctx, lane, 1)
		})
		if err != nil || !found {
			return rescued, err
		}
	}
}

// DropIdleLanes forgets lanes in which nothing waits and nothing will by a timer, a
// bounded number of them. Who has work for one makes it anew.
func (s *Store) DropIdleLanes(ctx context.Context) (dropped int64, err error) {
	const batch, batches = 1000, 100 // so that no transaction holds up the others for long
	for range batches {
		var n int64
		err := s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
			// What the outer conditions ask is asked again of a row that somebody changed
			// meanwhile, and whoever brings work to a lane sets ready_at.
			result, err := tx.ExecContext(ctx, `
				DELETE FROM lanes WHERE lease_token IS NULL AND ready_at IS NULL AND key IN (
					SELECT key FROM lanes l WHERE lease_token IS NULL AND ready_at IS NULL
					  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = l.key AND d.state IN ('pending', 'running'))
					  AND key NOT IN (SELECT lane FROM timers)
					`+atMost(batch)+`)`)
			if err == nil {
				n, err = result.RowsAffected()
			}
			return err
		})
		if err != nil {
			return dropped, fmt.Errorf("dropping idle lanes: %w", err)
		}
		if dropped += n; n < batch {
			break
		}
	}
	return dropped, nil
}
