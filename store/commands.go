package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app/command"
)

// CommandRun is what ran of a comment's commands.
func (tx *Tx) CommandRun(ctx context.Context, repository, comment int64) (command.Run, error) {
	return one(tx.QueryRowContext(ctx,
		`SELECT repository, comment, body FROM command_runs WHERE repository = $1 AND comment = $2`+tx.forUpdate(),
		repository, comment),
		func(r *command.Run) []any { return []any{&r.Repository, &r.CommentID} }, "run of comment %d", comment)
}

// SaveCommandRun keeps what ran of a comment's commands.
func (tx *Tx) SaveCommandRun(ctx context.Context, run command.Run) error {
	return tx.save(ctx, "run of a comment", `
		INSERT INTO command_runs (repository, comment, body) VALUES ($1, $2, $3)
		ON CONFLICT (repository, comment) DO UPDATE SET body = excluded.body`, run, run.Repository, run.CommentID)
}

// CommandsGiven is how many commands a person gave in a community in the minute of
// an instant.
func (tx *Tx) CommandsGiven(ctx context.Context, community, member int64, at time.Time) (given int, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT given FROM command_rates WHERE community = $1 AND member = $2 AND minute = $3`,
		community, member, minute(at)).Scan(&given)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("counting the commands of member %d: %w", member, err)
	}
	return given, nil
}

// CountCommand adds one to them, and returns how many these are.
func (tx *Tx) CountCommand(ctx context.Context, community, member int64, at time.Time) (given int, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO command_rates (community, member, minute, given) VALUES ($1, $2, $3, 1)
		ON CONFLICT (community, member, minute) DO UPDATE SET given = command_rates.given + 1 RETURNING given`,
		community, member, minute(at)).Scan(&given)
	if err != nil {
		return 0, fmt.Errorf("counting a command of member %d: %w", member, err)
	}
	return given, nil
}

// DropCommandCounts forgets how many commands were given before an instant.
func (s *Store) DropCommandCounts(ctx context.Context, before time.Time) error {
	return s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM command_rates WHERE minute < $1`, minute(before)); err != nil {
			return fmt.Errorf("forgetting counts of commands: %w", err)
		}
		return nil
	})
}

func minute(at time.Time) int64 { return at.Unix() / 60 }
