package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// recoveredUntil names the cursor of what GitHub delivered and we compared.
const recoveredUntil = "deliveries"

// KnownKeys says which of the keys, a few hundred at most, belong to a delivery
// that is in the inbox, in whatever state.
func (tx *Tx) KnownKeys(ctx context.Context, keys []string) (_ map[string]bool, err error) {
	known := make(map[string]bool, len(keys))
	if len(keys) == 0 {
		return known, nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("looking for deliveries in the inbox: %w", err)
		}
	}()
	places, args := make([]string, len(keys)), make([]any, len(keys))
	for i, key := range keys {
		places[i], args[i] = fmt.Sprintf("$%d", i+1), clean(key)
	}
	rows, err := tx.QueryContext(ctx,
		`SELECT dedup_key FROM deliveries WHERE dedup_key IN (`+strings.Join(places, ", ")+`)`, args...) //nolint:gosec // numbered places
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		known[key] = true
	}
	return known, rows.Err()
}

// RecoveredUntil is the instant up to which GitHub's deliveries were compared with
// the inbox; before the first time, when the newest delivery came, or the zero
// instant when none ever did.
func (tx *Tx) RecoveredUntil(ctx context.Context) (time.Time, error) {
	var at int64
	err := tx.QueryRowContext(ctx, `SELECT at FROM cursors WHERE name = $1`, recoveredUntil).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRowContext(ctx,
			`SELECT created_at FROM deliveries WHERE dedup_key IS NOT NULL ORDER BY id DESC LIMIT 1`).Scan(&at)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("asking until when deliveries were recovered: %w", err)
	}
	return instant(at), nil
}

// SetRecoveredUntil keeps that instant.
func (tx *Tx) SetRecoveredUntil(ctx context.Context, at time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO cursors (name, at) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET at = excluded.at`, recoveredUntil, at.UnixMicro())
	if err != nil {
		return fmt.Errorf("keeping until when deliveries were recovered: %w", err)
	}
	return nil
}
