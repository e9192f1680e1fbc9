package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	modernc "modernc.org/sqlite"
)

const (
	// statementsKept is how many prepared statements a connection to SQLite keeps, those
	// used last. The store has about as many texts.
	statementsKept = 200
	// longestKept leaves out, in bytes, what is written for one number of rows.
	longestKept = 4 << 10
)

// connector opens connections to SQLite that keep their prepared statements:
// reading SQL costs SQLite about as much as running it. database/sql keeps only
// statements that outlive a transaction, which cannot be prepared inside of the one
// transaction that holds the only writing connection. (pgx keeps them by itself.)
type connector struct{ name string }

// Connect opens one connection.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.Driver().Open(c.name)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(sqliteConn)
	if !ok {
		return nil, fmt.Errorf("the SQLite driver's %T lacks what this store builds on", opened)
	}
	kept, err := simplelru.NewLRU(statementsKept, func(_ string, s *statement) { s.drop() })
	return &connection{sqliteConn: conn, kept: kept}, err
}

// Driver is the driver behind the connections.
func (c connector) Driver() driver.Driver { return &modernc.Driver{} }

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// connection is one connection with its statements. As every driver's, it is used
// by one goroutine at a time.
type connection struct {
	sqliteConn
	kept *simplelru.LRU[string, *statement]
}

// statement is prepared; it is busy while rows of it are being read.
type statement struct {
	driver.Stmt
	busy, dropped bool
}

// drop closes the statement as soon as its rows are read.
func (s *statement) drop() {
	s.dropped = true
	if !s.busy {
		_ = s.Close() // what went wrong with it was said when it ran
	}
}

// ExecContext runs a statement.
func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext runs a statement that gives rows.
func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	found, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	named, ok := found.(namedRows)
	if !ok {
		return found, errors.Join(found.Close(), fmt.Errorf("the SQLite driver's %T lacks what this store builds on", found))
	}
	s.busy = true
	return &rows{namedRows: named, of: s}, nil
}

// statement finds the prepared form of a text, or prepares and keeps it. It is nil
// where the text has to be prepared for this one time: rows of it are being read
// already, or it is none of those that come again.
func (c *connection) statement(ctx context.Context, query string) (*statement, error) {
	if s, ok := c.kept.Get(query); ok {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	if !comesAgain(query) {
		return nil, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{Stmt: prepared}
	c.kept.Add(query, s)
	return s, nil
}

// comesAgain reports whether a text is worth keeping: not what changes the schema,
// as migrations do, nor what is made for one number of rows.
func comesAgain(query string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "SAVEPOINT", "RELEASE":
		return len(query) <= longestKept
	}
	return false
}

// Close closes the statements with the connection.
func (c *connection) Close() error {
	c.kept.Purge()
	return c.sqliteConn.Close()
}

// namedRows are rows that know the types of their columns.
type namedRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
}

// rows give their statement free when they are closed.
type rows struct {
	namedRows
	of *statement
}

// Close ends the reading.
func (r *rows) Close() error {
	err := r.namedRows.Close()
	if r.of.busy = false; r.of.dropped {
		r.of.drop()
	}
	return err
}
