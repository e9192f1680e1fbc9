// Package storetest gives tests a fresh, migrated store on each database that
// Agora supports.
//
// PostgreSQL is the one that AGORA_TEST_POSTGRES names, else a private server
// of this test process, run from installed programs, or from programs that are
// fetched when none is installed. A test that gets no PostgreSQL fails; none is
// skipped.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/store"
	"github.com/jackc/pgx/v5"
)

// Each runs test as two parallel subtests, "sqlite" and "postgres", each on a
// store of its own with default options.
func Each(t *testing.T, test func(*testing.T, *store.Store)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) { test(t, Open(t, url, store.Options{})) })
}

// EachURL is Each for tests that open stores themselves: url names an empty
// SQLite file, or an empty schema of PostgreSQL, that goes away with the test.
func EachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Postgres(t))
	})
}

// Open opens and migrates the store at url, and closes it after the test.
func Open(t testing.TB, url string, opts store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// SQLite returns the address of a file that does not exist yet.
func SQLite(t testing.TB) string {
	return "sqlite://" + filepath.Join(t.TempDir(), "agora.db")
}

// Postgres returns the address of a new, empty schema, which is dropped after
// the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server := postgresServer(t)
	schema := "test_" + strings.ToLower(rand.Text())
	execute(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { execute(t, server, "DROP SCHEMA "+schema+" CASCADE") })

	address, err := url.Parse(server)
	if err != nil {
		t.Fatal("AGORA_TEST_POSTGRES is not an address")
	}
	query := address.Query()
	query.Set("search_path", schema)
	address.RawQuery = query.Encode()
	return address.String()
}

// DurablePostgres is Postgres with every commit on disk before it is acknowledged,
// as in production; for benchmarks. The other tests' server does not wait for disks.
func DurablePostgres(t testing.TB) string {
	t.Helper()
	address := Postgres(t)
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		execute(t, postgresServer(t), "ALTER SYSTEM SET "+setting+" = on")
	}
	execute(t, postgresServer(t), "SELECT pg_reload_conf()")
	return address
}

// SQL opens the database at url beside the store, for what no caller of the store asks.
func SQL(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver, name := "pgx", url
	if path, lite := strings.CutPrefix(url, "sqlite://"); lite {
		driver, name = "sqlite", path
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the database: %v", err)
		}
	})
	return db
}

func execute(t testing.TB, server, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // also for clean-up
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("connecting to PostgreSQL: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// VerifyAudit reads every trail and recomputes it: each entry's own hash, its
// place, and the chain through all entries to its head. It returns how many entries
// it read and one error for each trail that was changed after the fact, naming the
// first place.
func VerifyAudit(t testing.TB, s *store.Store) (entries int, broken []error) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		entries, broken = 0, nil
		communities, err := tx.Communities(ctx)
		if err != nil {
			return err
		}
		for _, community := range communities {
			chain := audit.Chain{Community: community}
			var found error
			err := audit.Each(ctx, tx, community, func(e audit.Entry) error {
				entries++
				found = errors.Join(found, chain.Add(e, false))
				return nil
			})
			if err != nil {
				return err
			}
			head, err := tx.AuditHead(ctx, community)
			if err != nil {
				return err
			}
			if found = errors.Join(found, chain.End(head)); found != nil {
				broken = append(broken, found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("reading the audit trails: %v", err)
	}
	return entries, broken
}
