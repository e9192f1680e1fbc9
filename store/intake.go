package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agora-rfc/agora/app"
)

const (
	// maxBatch bounds how many deliveries share one commit.
	maxBatch = 256
	// maxRows bounds how many rows one statement writes.
	maxRows = 32
	// batchWithin bounds a batch's transaction: a connection may be dead.
	batchWithin = 5 * time.Second
	// batchPatience is how long a batch waits for a lane that somebody holds. Then
	// each of it waits for itself.
	batchPatience = "500ms"
	// gathering is how long a batch waits for more while deliveries come together: a
	// commit costs about the same for one as for many.
	gathering = 2 * time.Millisecond
	// enough is how many deliveries a batch waits for.
	enough = 64
	// intakesOnPostgres collect deliveries at once, so that one whose connection died
	// does not stop the others. SQLite has one connection that writes.
	intakesOnPostgres = 2
)

// intake collects the deliveries that arrive while the database commits the ones
// before them: many callers share one commit and few statements, and none starves for
// a lock or a connection.
type intake struct {
	arrivals chan arrival
}

type arrival struct {
	ctx    context.Context // of the caller
	entry  app.Entry
	answer chan<- answer // has room for one
}

type answer struct {
	receipt app.Receipt
	err     error
}

func newIntake() *intake { return &intake{arrivals: make(chan arrival, maxBatch)} }

// Receive puts what arrived from outside into its lane. When it returns without
// an error the entry is committed to disk. Its body is the caller's again, in any
// case. An entry whose DedupKey is known is ignored while that one waits, runs or is
// done, and sets it going again, with the new body, when it was parked. When ctx ends
// first, the entry may have been queued all the same: sending it again is harmless.
func (s *Store) Receive(ctx context.Context, entry app.Entry) (app.Receipt, error) {
	answers := make(chan answer, 1)
	entry.Body = pack(entry.Body)
	select {
	case s.intake.arrivals <- arrival{ctx, entry, answers}:
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
		crowded := len(batch) > 1
		if batch = s.intake.gather(s.quit, batch[:0], crowded); len(batch) == 0 {
			return
		}
		s.receiveBatch(batch)
		clear(batch) // lets go of the bodies
	}
}

// gather collects what is there; in a crowd it waits for more. None comes when the
// store closes.
func (i *intake) gather(quit context.Context, batch []arrival, crowded bool) []arrival {
	select {
	case <-quit.Done():
		return nil
	case a := <-i.arrivals:
		batch = append(batch, a)
	}
	for len(batch) < maxBatch {
		select {
		case a := <-i.arrivals:
			batch = append(batch, a)
			continue
		default:
		}
		break
	}
	if !crowded {
		return batch
	}
	late := time.NewTimer(gathering)
	defer late.Stop()
	for len(batch) < enough {
		select {
		case a := <-i.arrivals:
			batch = append(batch, a)
		case <-late.C:
			return batch
		case <-quit.Done():
			return batch
		}
	}
	return batch
}

// receiveBatch queues a batch in one transaction. When that fails, because of any one
// of them, each is queued by itself, as are those whose key is known.
func (s *Store) receiveBatch(batch []arrival) {
	if len(batch) > 1 || s.dialect == postgres {
		batch = s.receiveTogether(batch)
	}
	var alone sync.WaitGroup
	defer alone.Wait()
	for _, a := range batch {
		receive := func() {
			var got answer
			got.err = s.alone(a.ctx, func(ctx context.Context, tx *Tx) (err error) {
				got.receipt, err = tx.receive(ctx, a.entry)
				return err
			})
			a.answer <- got
		}
		if s.dialect == sqlite || len(batch) == 1 {
			receive()
		} else {
			alone.Go(receive)
		}
	}
}

// receiveTogether queues what is new of a batch, or nothing, and returns what is still to
// be queued.
func (s *Store) receiveTogether(batch []arrival) (rest []arrival) {
	ctx, cancel := context.WithTimeout(s.quit, batchWithin)
	defer cancel()
	entries := make([]app.Entry, len(batch))
	for i, a := range batch {
		entries[i] = a.entry
	}
	add := s.addAll
	if s.dialect == postgres {
		add = s.addAtOnce
	}
	added, err := add(ctx, entries)
	if err != nil {
		return batch // who is at fault is told when each is queued by itself
	}
	for _, a := range batch {
		if key := clean(a.entry.DedupKey); key == "" || added[key] {
			added[key] = false // who comes with the same key after it is a duplicate
			a.answer <- answer{receipt: app.Accepted}
		} else {
			rest = append(rest, a)
		}
	}
	return rest
}

// addAll adds the entries whose key is new, in one transaction, and tells their keys.
// Lanes and keys may repeat.
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
