package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/agora-rfc/agora/app"
)

// forUpdate locks the rows of a SELECT in a transaction that may change them:
// without it, of two that read, change and write, one would be lost.
func (tx *Tx) forUpdate() string {
	if tx.readOnly {
		return ``
	}
	return tx.store.dialect.forUpdate()
}

// remember notes what a row says that the transaction has locked, or written.
func (tx *Tx) remember(row, says string) { tx.rows[row] = says }

// unchanged reports whether a row that the transaction has locked says this already.
func (tx *Tx) unchanged(row, says string) bool {
	known, locked := tx.rows[row]
	return locked && known == says
}

// one reads a document: the columns that keys point to, which are no part of its
// JSON, then its JSON body. When there is none, it fails with app.CodeNotFound and calls it by its name.
func one[T any](row *sql.Row, keys func(*T) []any, name string, args ...any) (T, error) {
	value, err := scan(row, keys)
	if errors.Is(err, sql.ErrNoRows) {
		return value, app.Errorf(app.CodeNotFound, "There is no "+name+".", args...)
	}
	if err != nil {
		return value, fmt.Errorf("reading the "+name+": %w", append(args, err)...)
	}
	return value, nil
}

// list reads documents as one does.
func list[T any](ctx context.Context, tx *Tx, keys func(*T) []any, name, query string, args ...any) (_ []T, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing the %s: %w", name, err)
		}
	}()
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []T
	for rows.Next() {
		value, err := scan(rows, keys)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}

func scan[T any](row interface{ Scan(...any) error }, keys func(*T) []any) (T, error) {
	var value T
	var body []byte
	var columns []any
	if keys != nil {
		columns = keys(&value)
	}
	if err := row.Scan(append(columns, &body)...); err != nil {
		return value, err
	}
	return value, json.Unmarshal(body, &value)
}

// save writes a document. The JSON of value is its last argument.
func (tx *Tx) save(ctx context.Context, name, query string, value any, args ...any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("saving the %s: %w", name, err)
	}
	if _, err := tx.ExecContext(ctx, query, append(args, body)...); err != nil {
		return fmt.Errorf("saving the %s: %w", name, err)
	}
	return nil
}
