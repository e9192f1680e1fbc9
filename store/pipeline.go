package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/agora-rfc/agora/app"
)

// addAtOnce is adding on PostgreSQL in one round trip: what is sent before an answer is
// asked for is one transaction. It waits so long for a lane that somebody holds.
func (s *Store) addAtOnce(patience string) adding {
	return func(ctx context.Context, entries []app.Entry) (added map[string]bool, err error) {
		err = s.again(ctx, func() error {
			added = make(map[string]bool, len(entries))
			return s.send(ctx, adds(s.now(), entries, patience, func(key string) { added[key] = true }))
		})
		if err != nil {
			return nil, fmt.Errorf("queueing %d deliveries: %w", len(entries), err)
		}
		s.wake()
		return added, nil
	}
}

// adds is what is sent to add entries; isNew is told the key of each that was.
func adds(now int64, entries []app.Entry, patience string, isNew func(key string)) *pgx.Batch {
	var batch pgx.Batch
	batch.Queue(`SELECT set_config('lock_timeout', $1, true)`, patience)
	for chunk := range chunks(lanesOf(entries)) {
		text, args := openLanes(now, chunk)
		batch.Queue(text, args...)
	}
	for chunk := range chunks(entries) {
		text, args := insertEntries(now, chunk)
		batch.Queue(text, args...).Query(func(rows pgx.Rows) error {
			var key sql.NullString
			_, err := pgx.ForEachRow(rows, []any{&key}, func() error {
				isNew(key.String)
				return nil
			})
			return err
		})
	}
	return &batch
}

// send has PostgreSQL run a batch as one transaction.
func (s *Store) send(ctx context.Context, batch *pgx.Batch) error {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return &beginError{err}
	}
	return errors.Join(conn.Raw(func(driver any) error {
		pg, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("PostgreSQL's driver is %T", driver)
		}
		return pg.Conn().SendBatch(ctx, batch).Close()
	}), conn.Close())
}
