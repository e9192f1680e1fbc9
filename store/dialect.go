package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	modernc "modernc.org/sqlite"
)

// dialect is the little that differs between the two databases.
type dialect int

const (
	sqlite dialect = iota
	postgres
)

// forUpdate locks the rows of a SELECT until the transaction ends. SQLite needs
// none of it: its transactions begin immediate, one writer at a time.
func (d dialect) forUpdate() string {
	if d == postgres {
		return ` FOR UPDATE`
	}
	return ``
}

// skipLocked is forUpdate for whoever can take another row instead of waiting.
func (d dialect) skipLocked() string {
	if d == postgres {
		return ` FOR UPDATE SKIP LOCKED`
	}
	return ``
}

// openSQLite opens one writing connection, because SQLite has one writer and a
// queue in the process is fairer than busy-waiting, and a pool of readers.
func (s *Store) openSQLite(ctx context.Context, path string, readers int) error {
	if path == "" || strings.HasPrefix(path, ":") || strings.ContainsAny(path, "?#\x00") {
		return errors.New("sqlite:// wants the path of a file")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the database's folder: %w", err)
	}
	s.dialect, s.schema = sqlite, "main"
	pragmas := url.Values{"_pragma": {
		"busy_timeout(10000)", // for another process; inside this one nobody waits
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(1)",
		"secure_delete(1)", // what people have erased is gone from the file too
	}, "_dqs": {"0"}}
	pragmas.Set("_txlock", "immediate")
	var err error
	if s.write, err = sql.Open("sqlite", sqliteName(path, pragmas)); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	// The file and its journal mode exist before the first reader comes.
	if err := s.write.PingContext(ctx); err != nil {
		return errors.Join(err, s.write.Close())
	}
	pragmas.Set("_txlock", "deferred")
	pragmas.Set("_query_only", "1")
	if s.read, err = sql.Open("sqlite", sqliteName(path, pragmas)); err != nil {
		return errors.Join(err, s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return nil
}

func sqliteName(path string, pragmas url.Values) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode()
}

// openPostgres opens one pool for everything.
func (s *Store) openPostgres(connections int) error {
	config, err := pgx.ParseConfig(s.url)
	if err != nil {
		return errors.New("the postgres:// address cannot be read")
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "agora"
	}
	// A replica that hangs inside a transaction must not hold its lanes for ever.
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "60000"
	s.dialect = postgres
	s.write = stdlib.OpenDB(*config)
	s.write.SetMaxOpenConns(connections)
	s.write.SetMaxIdleConns(connections)
	s.write.SetConnMaxIdleTime(5 * time.Minute)
	s.read = s.write
	return nil
}

// conflicts reports whether the transaction lost against another one, or never
// reached the database, so that running it again is safe and may succeed.
func conflicts(err error) bool {
	if errors.Is(err, errShared) || errors.Is(err, driver.ErrBadConn) { // which drivers say only of what was not done
		return true
	}
	var lite *modernc.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == 5 // SQLITE_BUSY and its extended codes
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01" // serialization, deadlock
	}
	return err != nil && pgconn.SafeToRetry(err)
}

// duplicates reports whether a unique key refused the row.
func duplicates(err error) bool {
	var lite *modernc.Error
	if errors.As(err, &lite) {
		return lite.Code() == 2067 || lite.Code() == 1555 // unique index, primary key
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}
