package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// copyRows and copyBytes bound what one statement of a copy carries.
	copyRows  = 100
	copyBytes = 4 << 20
)

// CopyTo copies everything into another database, which may be of the other kind:
// all of it or nothing. Both must have the current schema, and the other be empty.
// No server may run on either: a lane that is leased now is refused. It tells how
// many rows each table had.
func (s *Store) CopyTo(ctx context.Context, target *Store, copied func(table string, rows int64)) error {
	for _, each := range []*Store{s, target} {
		if err := each.Ready(ctx); err != nil {
			return err
		}
	}
	err := s.View(ctx, func(ctx context.Context, from *Tx) error {
		if err := from.quiet(ctx); err != nil {
			return err
		}
		tables, err := from.tables(ctx)
		if err != nil {
			return fmt.Errorf("reading the schema: %w", err)
		}
		return target.InTx(context.WithoutCancel(ctx), func(_ context.Context, to *Tx) error {
			for _, table := range tables {
				rows, err := copyTable(ctx, from, to, table)
				if err != nil {
					return fmt.Errorf("copying the table %s: %w", table, err)
				}
				copied(table, rows)
			}
			return to.restartIdentities(ctx)
		})
	})
	if err != nil {
		return fmt.Errorf("copying the database: %w", err)
	}
	return nil
}

// quiet refuses a database on which workers run.
func (tx *Tx) quiet(ctx context.Context) error {
	var busy bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM lanes WHERE lease_token IS NOT NULL AND lease_until > $1)`,
		tx.store.leaseClock().UnixMicro()).Scan(&busy)
	if err == nil && busy {
		err = errors.New("a server is running on it; stop it first")
	}
	return err
}

// tables lists the tables that hold data, each after those that it refers to.
func (tx *Tx) tables(ctx context.Context) ([]string, error) {
	names, references := `SELECT name, '' FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
		`SELECT m.name, f."table" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`
	if tx.store.dialect == postgres {
		names = `SELECT tablename, '' FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`
		references = `SELECT c.relname, r.relname FROM pg_constraint k
			JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
			JOIN pg_namespace n ON n.oid = k.connamespace WHERE k.contype = 'f' AND n.nspname = current_schema()`
	}
	all, err := tx.pairs(ctx, names)
	if err != nil {
		return nil, err
	}
	refers, err := tx.pairs(ctx, references)
	if err != nil {
		return nil, err
	}
	var ordered []string
	var visit func(table string)
	visit = func(table string) {
		if table == "goose_db_version" || slices.Contains(ordered, table) {
			return
		}
		for _, r := range refers {
			if r[0] == table && r[1] != table {
				visit(r[1])
			}
		}
		ordered = append(ordered, table)
	}
	for _, table := range all {
		visit(table[0])
	}
	return ordered, nil
}

func (tx *Tx) pairs(ctx context.Context, query string) (list [][2]string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var pair [2]string
		if err := rows.Scan(&pair[0], &pair[1]); err != nil {
			return nil, err
		}
		list = append(list, pair)
	}
	return list, rows.Err()
}

// quoted makes an identifier of a name from the schema.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func copyTable(ctx context.Context, from, to *Tx, table string) (copied int64, err error) {
	var filled bool
	if err := to.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+quoted(table)+`)`).Scan(&filled); err != nil {
		return 0, err
	}
	if filled {
		return 0, errors.New("the other database is not empty")
	}
	rows, err := from.QueryContext(ctx, `SELECT * FROM `+quoted(table)) //nolint:gosec // a table of ours, by the schema
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return 0, err
	}
	batch := copyBatch{to: to, table: table}
	for _, t := range types {
		batch.columns = append(batch.columns, quoted(t.Name()))
	}
	for rows.Next() {
		if err := batch.read(rows, types); err != nil {
			return 0, err
		}
		if batch.rows == copyRows || batch.bytes > copyBytes {
			if err := batch.write(ctx); err != nil {
				return 0, err
			}
		}
		copied++
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	return copied, batch.write(ctx)
}

// copyBatch is what goes into one INSERT.
type copyBatch struct {
	to      *Tx
	table   string
	columns []string
	values  []any
	rows    int
	bytes   int
}

func (b *copyBatch) read(rows *sql.Rows, types []*sql.ColumnType) error {
	row, into := make([]any, len(types)), make([]any, len(types))
	for i := range row {
		into[i] = &row[i]
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	for i, value := range row {
		switch v := value.(type) {
		case int64:
			if strings.EqualFold(types[i].DatabaseTypeName(), "BOOLEAN") {
				row[i] = v != 0 // SQLite has no other truth
			}
		case string:
			b.bytes += len(v)
		case []byte:
			row[i] = stored(v) // SQLite's driver gives nil for an empty one; NULL is no []byte
			b.bytes += len(v)
		}
	}
	b.values = append(b.values, row...)
	b.rows++
	return nil
}

func (b *copyBatch) write(ctx context.Context) error {
	if b.rows == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, `INSERT INTO %s (%s)`, quoted(b.table), strings.Join(b.columns, ", "))
	if b.to.store.dialect == postgres {
		text.WriteString(` OVERRIDING SYSTEM VALUE`)
	}
	text.WriteString(` VALUES `)
	for i := range b.values {
		switch {
		case i == 0:
			text.WriteString("(")
		case i%len(b.columns) == 0:
			text.WriteString("), (")
		default:
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "$%d", i+1)
	}
	text.WriteString(")")
	if _, err := b.to.ExecContext(ctx, text.String(), b.values...); err != nil {
		return err
	}
	b.values, b.rows, b.bytes = nil, 0, 0
	return nil
}

// restartIdentities has new rows numbered after the copied ones. SQLite does so by
// itself.
func (tx *Tx) restartIdentities(ctx context.Context) error {
	if tx.store.dialect != postgres {
		return nil
	}
	columns, err := tx.pairs(ctx, `SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND is_identity = 'YES'`)
	if err != nil {
		return fmt.Errorf("reading the schema: %w", err)
	}
	for _, c := range columns {
		var last sql.NullInt64
		err := tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%s', '%s'), MAX(%s)) FROM %s`, //nolint:gosec // names of our schema
			quoted(c[0]), c[1], quoted(c[1]), quoted(c[0]))).Scan(&last)
		if err != nil {
			return fmt.Errorf("numbering %s: %w", c[0], err)
		}
	}
	return nil
}
