package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
)

// The kinds of a row of budgets that are no budget: until when all requests of an
// installation wait, until when the App is taken to be suspended there, and how often
// GitHub said that it is not.
const (
	paused  = "paused"
	stopped = "stopped"
	resumed = "resumed"
)

// Reserve takes up to want tokens from a budget that all replicas share. It gives
// how many it took; when there is none now, it takes the next one if that comes
// within patience, and says how long to wait for it. With none taken, wait is when
// to ask again.
func (s *Store) Reserve(ctx context.Context, budget app.Budget, want int, patience time.Duration) (taken int, wait time.Duration, err error) {
	every := budget.Every.Microseconds()
	err = s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		taken, wait = 0, 0
		spent, err := tx.budget(ctx, budget.Installation, budget.Kind)
		if err != nil {
			return err
		}
		// What came back in a quiet spell is bounded by the burst.
		spent = max(spent, tx.now-int64(budget.Burst)*every)
		taken = int(min(int64(want), (tx.now-spent)/every))
		if taken <= 0 {
			taken, wait = 1, time.Duration(spent+every-tx.now)*time.Microsecond
		}
		if wait > patience {
			taken = 0
			return nil
		}
		return tx.setBudget(ctx, budget.Installation, budget.Kind, spent+int64(taken)*every)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("reserving %s of installation %d: %w", budget.Kind, budget.Installation, err)
	}
	return taken, wait, nil
}

func (tx *Tx) budget(ctx context.Context, installation int64, kind string) (at int64, err error) {
	// The row is there before it is locked: of two that make it at once, one would
	// not see what the other took.
	if _, err := tx.ExecContext(ctx, `INSERT INTO budgets (installation, kind, at) VALUES ($1, $2, 0)
		ON CONFLICT (installation, kind) DO NOTHING`, installation, kind); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `SELECT at FROM budgets WHERE installation = $1 AND kind = $2`+tx.forUpdate(),
		installation, kind).Scan(&at)
	return at, err
}

// setBudget never goes back in time.
func (tx *Tx) setBudget(ctx context.Context, installation int64, kind string, at int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO budgets (installation, kind, at) VALUES ($1, $2, $3)
		ON CONFLICT (installation, kind) DO UPDATE SET
			at = CASE WHEN excluded.at > budgets.at THEN excluded.at ELSE budgets.at END`, installation, kind, at)
	return err
}

// Pause has every replica leave an installation alone until an instant, as GitHub
// asked. It never shortens a pause.
func (s *Store) Pause(ctx context.Context, installation int64, until time.Time) error {
	err := s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		return tx.setBudget(ctx, installation, paused, until.UnixMicro())
	})
	if err != nil {
		return fmt.Errorf("keeping that installation %d is paused: %w", installation, err)
	}
	return nil
}

// Stop has every replica take the App for suspended there until an instant, or
// until GitHub says that it is not (SaveInstallation). It does nothing, and reports
// false, when GitHub said so since Standing counted: who was refused asked before.
func (s *Store) Stop(ctx context.Context, installation, since int64, until time.Time) (stands bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		now, err := tx.budget(ctx, installation, resumed)
		stands = now == since
		if err != nil || !stands {
			return err
		}
		return tx.setBudget(ctx, installation, stopped, until.UnixMicro())
	})
	if err != nil {
		return false, fmt.Errorf("keeping that installation %d is stopped: %w", installation, err)
	}
	return stands, nil
}

// Standing says how an installation stands.
func (s *Store) Standing(ctx context.Context, installation int64) (app.Standing, error) {
	var pause, stop, count sql.NullInt64
	err := s.read.QueryRowContext(ctx, `SELECT
		(SELECT at FROM budgets WHERE installation = $1 AND kind = $2),
		(SELECT at FROM budgets WHERE installation = $1 AND kind = $3),
		(SELECT at FROM budgets WHERE installation = $1 AND kind = $4)`, installation, paused, stopped, resumed).Scan(&pause, &stop, &count)
	if err != nil {
		return app.Standing{}, fmt.Errorf("asking how installation %d stands: %w", installation, err)
	}
	found := app.Standing{Resumed: count.Int64}
	if pause.Valid {
		found.PausedUntil = instant(pause.Int64)
	}
	if stop.Valid {
		found.StoppedUntil = instant(stop.Int64)
	}
	return found, nil
}

// suspendedFor is how long an installation of which GitHub told that it is suspended, or
// removed, is left alone before one request looks whether it still is: the event that ends
// it may have been lost. Who only met a refusal looks sooner (see app/ghclient).
const suspendedFor = 24 * time.Hour

// standing keeps whether the App may act for an installation. When it may again,
// what waited there is set going.
func (tx *Tx) standing(ctx context.Context, i app.Installation) error {
	if i.Suspended || i.Removed {
		return tx.setBudget(ctx, i.ID, stopped, tx.now+suspendedFor.Microseconds())
	}
	// Also where nobody was told of a suspension: one may be about to be (Stop).
	if _, err := tx.ExecContext(ctx, `INSERT INTO budgets (installation, kind, at) VALUES ($1, $2, 1)
		ON CONFLICT (installation, kind) DO UPDATE SET at = budgets.at + 1`, i.ID, resumed); err != nil {
		return fmt.Errorf("resuming installation %d: %w", i.ID, err)
	}
	result, err := tx.ExecContext(ctx, `DELETE FROM budgets WHERE installation = $1 AND kind = $2`, i.ID, stopped)
	if err != nil {
		return fmt.Errorf("resuming installation %d: %w", i.ID, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	reached, err := tx.ids(ctx, "repositories that an installation reaches", `SELECT id FROM repositories WHERE installation = $1`, i.ID)
	if err != nil {
		return fmt.Errorf("resuming installation %d: %w", i.ID, err)
	}
	for _, repository := range reached {
		if err := tx.resume(ctx, repository); err != nil {
			return err
		}
	}
	return nil
}

// stands reports whether the App is taken to be suspended there, and has it stay so
// to the transaction's end: who resumes it then finds what began to wait. It waits for
// nobody who resumes it now, who may be waiting for this lane.
func (tx *Tx) stands(ctx context.Context, installation int64) (bool, error) {
	var at int64
	err := tx.QueryRowContext(ctx, `SELECT at FROM budgets WHERE installation = $1 AND kind = $2`+tx.store.dialect.skipDeleted(),
		installation, stopped).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking whether installation %d is still suspended: %w", installation, err)
	}
	return true, nil
}

// resume has everything of a repository that waits for a later try tried now. The
// lanes are locked before their deliveries, all of them: one that is being given back
// would else be ready when its head was due before.
func (tx *Tx) resume(ctx context.Context, repository int64) error {
	lane, issues := fmt.Sprintf("repository/%d", repository), fmt.Sprintf("issue/%d/%%", repository)
	for _, statement := range []string{
		`UPDATE lanes SET ready_at = CASE WHEN ready_at > $3 THEN $3 ELSE ready_at END WHERE key = $1 OR key LIKE $2`,
		`UPDATE deliveries SET run_at = $3 WHERE state = 'pending' AND run_at > $3 AND (lane = $1 OR lane LIKE $2)`,
	} {
		if _, err := tx.ExecContext(ctx, statement, lane, issues, tx.now); err != nil {
			return fmt.Errorf("setting repository %d going again: %w", repository, err)
		}
	}
	tx.wake = true
	return nil
}
