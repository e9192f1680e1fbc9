package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app"
)

// maxRows bounds how many rows one statement writes.
const maxRows = 32

// adding adds the entries whose key is new, in one transaction, and tells their keys.
// Lanes and keys may repeat.
type adding func(ctx context.Context, entries []app.Entry) (added map[string]bool, err error)

// addAll is adding.
func (s *Store) addAll(ctx context.Context, entries []app.Entry) (added map[string]bool, err error) {
	err = s.alone(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.makeAllReady(ctx, entries); err != nil {
			return err
		}
		added = make(map[string]bool, len(entries))
		for chunk := range chunks(entries) {
			if err := tx.insert(ctx, chunk, added); err != nil {
				return err
			}
		}
		return nil
	})
	return added, err
}

// chunks cuts a list into parts of a few sizes, so that a few statements serve all.
func chunks(entries []app.Entry) func(yield func([]app.Entry) bool) {
	return func(yield func([]app.Entry) bool) {
		for size := maxRows; len(entries) > 0; {
			for size > len(entries) {
				size /= 2
			}
			if !yield(entries[:size]) {
				return
			}
			entries = entries[size:]
		}
	}
}

// lanesOf lists the lanes of entries, each once, in the order of their names: two that
// want the same do not wait for each other.
func lanesOf(entries []app.Entry) []app.Entry {
	lanes := slices.Clone(entries)
	slices.SortFunc(lanes, func(a, b app.Entry) int { return strings.Compare(a.Lane, b.Lane) })
	return slices.CompactFunc(lanes, func(a, b app.Entry) bool { return clean(a.Lane) == clean(b.Lane) })
}

// openLanes makes lanes ready that are not.
func openLanes(now int64, lanes []app.Entry) (text string, args []any) {
	args = []any{now}
	for _, entry := range lanes {
		args = append(args, clean(entry.Lane))
	}
	return `INSERT INTO lanes (ready_at, key) VALUES ` + rowsOf(len(lanes), 1, "$1") +
		` ON CONFLICT (key) DO UPDATE SET ready_at = excluded.ready_at WHERE lanes.ready_at IS NULL`, args
}

// insertEntries adds the entries whose key is new, and tells it.
func insertEntries(now int64, entries []app.Entry) (text string, args []any) {
	args = []any{now}
	for _, entry := range entries {
		args = append(args, clean(entry.Lane), clean(entry.Kind), nullable(entry.DedupKey), stored(entry.Body))
	}
	return `INSERT INTO deliveries (run_at, created_at, state, lane, kind, dedup_key, body) VALUES ` +
		rowsOf(len(entries), 4, "$1, $1, 'pending'") + ` ON CONFLICT (dedup_key) DO NOTHING RETURNING dedup_key`, args
}

// makeAllReady is makeReady for the entries' lanes.
func (tx *Tx) makeAllReady(ctx context.Context, entries []app.Entry) error {
	for chunk := range chunks(lanesOf(entries)) {
		for _, entry := range chunk {
			tx.locked[entry.Lane] = true
		}
		text, args := openLanes(tx.now, chunk)
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return fmt.Errorf("opening %d lanes: %w", len(chunk), err)
		}
	}
	tx.wake = true
	return nil
}

// insert adds the entries whose key is new, and notes it.
func (tx *Tx) insert(ctx context.Context, entries []app.Entry, added map[string]bool) error {
	text, args := insertEntries(tx.now, entries)
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("queueing %d deliveries: %w", len(entries), err)
	}
	defer rows.Close()
	for rows.Next() {
		var key sql.NullString
		if err := rows.Scan(&key); err != nil {
			return fmt.Errorf("queueing %d deliveries: %w", len(entries), err)
		}
		added[key.String] = true
	}
	return rows.Err()
}

// rowsOf writes the rows of an INSERT: what all have in common, the first parameter
// among it, and so many parameters of each.
func rowsOf(rows, columns int, common string) string {
	var text strings.Builder
	for n, row := 2, 0; row < rows; row++ {
		if row > 0 {
			text.WriteString(", ")
		}
		text.WriteString("(" + common)
		for range columns {
			fmt.Fprintf(&text, ", $%d", n)
			n++
		}
		text.WriteString(")")
	}
	return text.String()
}

// receive is Receive inside a transaction.
func (tx *Tx) receive(ctx context.Context, entry app.Entry) (app.Receipt, error) {
	if err := tx.makeReady(ctx, entry.Lane); err != nil {
		return 0, err
	}
	added := map[string]bool{}
	if err := tx.insert(ctx, []app.Entry{entry}, added); err != nil {
		return 0, err
	}
	if len(added) > 0 {
		return app.Accepted, nil
	}
	return tx.receiveAgain(ctx, entry)
}

// receiveAgain sets an entry whose key is known going again if it was parked.
func (tx *Tx) receiveAgain(ctx context.Context, entry app.Entry) (app.Receipt, error) {
	var id int64
	err := tx.QueryRowContext(ctx, `
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
