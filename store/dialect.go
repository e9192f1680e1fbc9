package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	modernc "modernc.org/sqlite"

	"github.com/agora-rfc/agora/config"
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

// forKeyShare keeps the rows of a SELECT from being claimed or deleted until the
// transaction ends, and from nothing else: others may change them meanwhile.
func (d dialect) forKeyShare() string {
	if d == postgres {
		return ` FOR KEY SHARE`
	}
	return ``
}

// skipDeleted is forKeyShare that leaves out what somebody is about to delete.
func (d dialect) skipDeleted() string {
	if d == postgres {
		return ` FOR KEY SHARE SKIP LOCKED`
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

// unawaited is a value for the RETURNING clause of bookkeeping that a crash of the
// database may take back: its transaction need not be on disk when it is done. Whatever
// is committed after it and waited for brings it there too.
func (d dialect) unawaited() string {
	if d == postgres {
		return `set_config('synchronous_commit', 'off', true)`
	}
	return `NULL`
}

// openSQLite opens one writing connection, because SQLite has one writer and a
// queue in the process is fairer than busy-waiting, and a pool of readers.
func (s *Store) openSQLite(ctx context.Context, path string, opts Options) error {
	if path == "" || strings.HasPrefix(path, ":") || strings.ContainsAny(path, "?#\x00") {
		return errors.New("sqlite:// wants the path of a file")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the database's folder: %w", err)
	}
	if opts.Alone {
		if err := s.holdAlone(ctx, path); err != nil {
			return err
		}
	}
	if err := makePrivate(path); err != nil {
		return err
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
	s.write = sql.OpenDB(connector{sqliteName(path, pragmas)})
	s.write.SetMaxOpenConns(1)
	// The file and its journal mode exist before the first reader comes.
	if err := s.write.PingContext(ctx); err != nil {
		return errors.Join(err, s.write.Close())
	}
	pragmas.Set("_txlock", "deferred")
	pragmas.Set("_query_only", "1")
	s.read = sql.OpenDB(connector{sqliteName(path, pragmas)})
	s.read.SetMaxOpenConns(opts.MaxConnections)
	s.read.SetMaxIdleConns(opts.MaxConnections)
	return nil
}

// makePrivate makes a database's file, when it is not there, for its owner alone: the
// driver would let every user of the machine read it. What SQLite puts beside it has the
// same mode. A file that is there is not even opened, since closing it would drop the
// locks that this process may have on it.
func makePrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the database's file: %w", err)
	}
	return file.Close()
}

func sqliteName(path string, pragmas url.Values) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode()
}

// openPostgres opens one pool for everything.
func (s *Store) openPostgres(connections int) error {
	// Whoever named the address on the command line is told too that a password in it is not escaped, before errors
	// of the connection show a part of it as the host.
	if err := config.CheckDatabaseURL(s.url); err != nil {
		return fmt.Errorf("the address %w", err)
	}
	connect, err := pgx.ParseConfig(s.url)
	if err != nil {
		return errors.New("the postgres:// address cannot be read")
	}
	if connect.RuntimeParams["application_name"] == "" {
		connect.RuntimeParams["application_name"] = "agora"
	}
	// A replica that hangs inside a transaction, or is cut off in one, must not hold its
	// lanes for long; and who waits behind it must not go on to hold them after it, one
	// dead session after the other.
	connect.RuntimeParams["idle_in_transaction_session_timeout"] = "15000"
	connect.RuntimeParams["lock_timeout"] = "10000"
	s.dialect = postgres
	s.write = stdlib.OpenDB(*connect)
	s.write.SetMaxOpenConns(connections)
	s.write.SetMaxIdleConns(connections)
	s.write.SetConnMaxIdleTime(5 * time.Minute)
	s.read = s.write
	return nil
}

// conflicts reports whether the transaction lost against another one, or never
// reached the database, so that running it again is safe and may succeed.
func conflicts(err error) bool {
	var begin *beginError
	if errors.As(err, &begin) && errors.Is(err, driver.ErrBadConn) {
		return true // the pool had dead connections
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

// waited reports whether the transaction waited for a lock as long as it may.
func waited(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}
