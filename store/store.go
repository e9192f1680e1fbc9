// Package store keeps what Agora knows, on SQLite (the embedded default) or on
// PostgreSQL (how it grows: several replicas, all equal), behind one set of
// queries in PostgreSQL's words. It holds the durable queue as well: lanes,
// the deliveries that stand in them, and timers.
//
// Instants are BIGINT microseconds in UTC, from an injected clock: SQLite's
// driver stores time.Time as text that does not compare.
//
// Locks are taken in one order: a lane's row before its deliveries and timers.
// The row lock makes the order of ids within a lane equal the order of commits.
// Every transaction that runs under a lease begins by making sure of it, without
// locking its lane: whoever brings work there does not wait for it.
//
// The queue is our own because order and solitude per lane are the heart of a
// fair vote and the kept library for PostgreSQL offers them only in its paid
// edition.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// Options are what a Store needs besides its address. The zero value works.
type Options struct {
	// Clock tells when entries and timers are due; time.Now when nil.
	Clock app.Clock
	// LeaseClock measures how long a worker has been silent; time.Now when nil.
	// It stands apart from Clock so that a story which jumps ahead by days does
	// not declare its own workers dead.
	LeaseClock app.Clock
	// MaxConnections bounds the pool of readers on SQLite and the whole pool on
	// PostgreSQL; 16 when zero.
	MaxConnections int
	// Alone refuses a SQLite file that another process has opened alone, until Close.
	// Those who only read do not need it. PostgreSQL is shared by any number.
	Alone bool
	// Logger gets what happens in the background, where nobody is there to be
	// told by an error.
	Logger zerolog.Logger
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	dialect dialect
	write   *sql.DB // one connection on SQLite
	read    *sql.DB // the same pool as write on PostgreSQL
	url     string  // holds a password: never shown
	schema  string  // "main", or PostgreSQL's current schema

	clock      app.Clock
	leaseClock app.Clock
	log        zerolog.Logger

	intake   *intake
	together *together // nil on PostgreSQL, whose own log groups commits
	wakeups  wakeups
	instance string // tells our own notifications from those of other replicas

	letGo func() error // of the lock beside a SQLite file

	quit       context.Context // ends with Close
	stop       context.CancelFunc
	ended      chan struct{} // closed when no transaction runs together any more
	background sync.WaitGroup
}

// Open connects to sqlite://path (the folder is made when missing) or to
// postgres://…; it does not touch the schema, see Migrate. Errors never show
// the address, which may hold a password.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	s := &Store{
		url:        url,
		clock:      opts.Clock,
		leaseClock: opts.LeaseClock,
		log:        opts.Logger,
		wakeups:    wakeups{remote: make(chan struct{}, 1)},
		instance:   uuid.NewString(),
		ended:      make(chan struct{}),
		letGo:      func() error { return nil },
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.leaseClock == nil {
		s.leaseClock = time.Now
	}
	if opts.MaxConnections <= 0 {
		opts.MaxConnections = 16
	}
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite://"):
		err = s.openSQLite(ctx, strings.TrimPrefix(url, "sqlite://"), opts)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		err = s.openPostgres(opts.MaxConnections)
	default:
		return nil, errors.New("opening the database: its address begins neither with sqlite:// nor with postgres://")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", err), s.letGo())
	}
	s.quit, s.stop = context.WithCancel(context.Background())
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", err), s.Close())
	}
	return s, nil
}

// start checks that the database answers and sets the background going.
func (s *Store) start(ctx context.Context) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	s.intake = newIntake()
	s.background.Go(s.runIntake)
	if s.dialect == sqlite {
		s.together = newTogether()
		s.background.Go(s.runTogether)
		return nil
	}
	if err := s.read.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&s.schema); err != nil {
		return fmt.Errorf("reading the current schema: %w", err)
	}
	for range intakesOnPostgres - 1 {
		s.background.Go(s.runIntake)
	}
	s.background.Go(s.runNotifier)
	return nil
}

// Close ends the background work and the connections.
func (s *Store) Close() error {
	s.stop()
	s.background.Wait()
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close(), s.letGo())
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return fmt.Errorf("asking the database: %w", err)
	}
	return nil
}

// now is the present in the database's unit.
func (s *Store) now() int64 { return s.clock().UnixMicro() }

// instant is the time.Time of a stored instant.
func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// clean makes text storable: PostgreSQL refuses NUL and broken UTF-8. It is cut
// at a length no name or message of ours needs.
func clean(text string) string {
	const limit = 4096
	if len(text) > limit {
		text = text[:limit]
	}
	return printable(text)
}

// printable is clean for what people wrote, whose length others bound.
func printable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "�")
}

// nullable stores "" as NULL, which a unique index ignores.
func nullable(text string) sql.NullString {
	return sql.NullString{String: clean(text), Valid: text != ""}
}

// stored is a body that is there, if empty; NULL stands for one that was dropped.
func stored(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}
