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

// addAtOnce is addAll on PostgreSQL, in one round trip: what is sent before an answer is
// asked for is one transaction.
func (s *Store) addAtOnce(ctx context.Context, entries []app.Entry) (added map[string]bool, err error) {
	err = s.again(ctx, func() error {
		var batch pgx.Batch
		now := s.now()
		added = make(map[string]bool, len(entries))
		batch.Queue(`SELECT set_config('lock_timeout', $1, true)`, batchPatience)
		for chunk := range chunks(lanesOf(entries)) {
			text, args := openLanes(now, chunk)
			batch.Queue(text, args...)
		}
		for chunk := range chunks(entries) {
			text, args := insertEntries(now, chunk)
			batch.Queue(text, args...).Query(func(rows pgx.Rows) error {
				var key sql.NullString
				_, err := pgx.ForEachRow(rows, []any{&key}, func() error {
					added[key.String] = true
					return nil
				})
				return err
			})
		}
		return s.send(ctx, &batch)
	})
	if err != nil {
		return nil, fmt.Errorf("queueing %d deliveries: %w", len(entries), err)
	}
	s.wake()
	return added, nil
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
