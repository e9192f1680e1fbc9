package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// LaneStats is the state of the lanes at one moment.
type LaneStats struct {
	Ready   int64 // that wait for a worker
	Leased  int64 // that a worker has
	Waiting int64 // whose head waits for a later try
	// Deepest is how many entries stand in the fullest lane.
	Deepest int64
	// OldestReady is how long a lane has waited for a worker; 0 when none does.
	OldestReady time.Duration
	// TimerOverdue is how late the next timer is; 0 when it is still to come.
	TimerOverdue time.Duration
}

// LaneStats counts the lanes.
func (s *Store) LaneStats(ctx context.Context) (LaneStats, error) {
	var stats LaneStats
	var ready, due sql.NullInt64
	now := s.now()
	err := s.read.QueryRowContext(ctx, `SELECT
		(SELECT COUNT(*) FROM lanes WHERE lease_token IS NULL AND ready_at IS NOT NULL AND ready_at <= $1),
		(SELECT COUNT(*) FROM lanes WHERE lease_token IS NOT NULL),
		(SELECT COUNT(*) FROM lanes WHERE lease_token IS NULL AND ready_at IS NOT NULL AND ready_at > $1),
		(SELECT COALESCE(MAX(n), 0) FROM (
			SELECT COUNT(*) AS n FROM deliveries WHERE state IN ('pending', 'running') GROUP BY lane) AS depths),
		(SELECT MIN(ready_at) FROM lanes WHERE lease_token IS NULL AND ready_at IS NOT NULL),
		(SELECT MIN(due_at) FROM timers)`, now).
		Scan(&stats.Ready, &stats.Leased, &stats.Waiting, &stats.Deepest, &ready, &due)
	if err != nil {
		return LaneStats{}, fmt.Errorf("counting the lanes: %w", err)
	}
	stats.OldestReady, stats.TimerOverdue = since(ready, now), since(due, now)
	return stats, nil
}

// since is how long ago an instant was; 0 for one to come, or none.
func since(at sql.NullInt64, now int64) time.Duration {
	if !at.Valid {
		return 0
	}
	return max(0, time.Duration(now-at.Int64)*time.Microsecond)
}

// RFCStates counts the RFCs by their state.
func (s *Store) RFCStates(ctx context.Context) (_ map[string]int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("counting RFCs: %w", err)
		}
	}()
	rows, err := s.read.QueryContext(ctx, `SELECT state, COUNT(*) FROM rfcs GROUP BY state`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	states := map[string]int64{}
	for rows.Next() {
		var state string
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		states[state] = n
	}
	return states, rows.Err()
}
