package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migration is one step of the schema.
type Migration struct {
	Name      string
	Applied   bool
	AppliedAt time.Time // zero when not applied
}

// Migrate brings the schema up to date. Replicas that start together wait for
// one another.
func (s *Store) Migrate(ctx context.Context) error {
	provider, err := s.provider()
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	applied, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	if len(applied) > 0 && applied[0].Source.Version == 1 {
		s.log.Info().Msg("made a new, empty database; if Agora ran here before, compare AGORA_DATABASE_URL with what it was")
	}
	return nil
}

// MigrationStatus lists the steps in their order.
func (s *Store) MigrationStatus(ctx context.Context) ([]Migration, error) {
	provider, err := s.provider()
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	statuses, err := provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the schema's version: %w", err)
	}
	list := make([]Migration, 0, len(statuses))
	for _, status := range statuses {
		list = append(list, Migration{
			Name:      status.Source.Path,
			Applied:   status.State == goose.StateApplied,
			AppliedAt: status.AppliedAt,
		})
	}
	return list, nil
}

// Ready reports whether the database answers and its schema is current.
func (s *Store) Ready(ctx context.Context) error {
	var current int64
	const version = `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`
	if err := s.read.QueryRowContext(ctx, version).Scan(&current); err != nil {
		return fmt.Errorf("reading the schema's version (a new database needs `agora migrate up`): %w", err)
	}
	provider, err := s.provider()
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	sources := provider.ListSources()
	if latest := sources[len(sources)-1].Version; current < latest {
		return errors.New("the database's schema is older than this program: run `agora migrate up`")
	}
	return nil
}

func (s *Store) provider() (*goose.Provider, error) {
	dialect, folder := goose.DialectSQLite3, "migrations/sqlite"
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.dialect == postgres {
		dialect, folder = goose.DialectPostgres, "migrations/postgres"
		// Advisory locks belong to the database; two schemas in one need two.
		id := fnv.New32a()
		_, _ = id.Write([]byte("agora migrations " + s.schema))
		locker, err := lock.NewPostgresSessionLocker(
			lock.WithLockID(int64(id.Sum32())), lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, s.write, files, options...)
}
