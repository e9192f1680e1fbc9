package store

import (
	"context"

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
