package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/store"
)

// newMigrateCopyCommand makes `agora migrate copy`.
func newMigrateCopyCommand() *cobra.Command {
	var from, to string
	c := &cobra.Command{
		Use: "copy --from URL --to URL", Short: "Copy everything into another, empty database, as from SQLite to PostgreSQL", Args: cobra.NoArgs,
		Long: "Copies everything into another, empty database, which may be of the other kind: all of it or nothing.\n" +
			"Stop every server first: what one takes meanwhile is missing in the copy. A SQLite database that is being\n" +
			"served is refused; of PostgreSQL it cannot always be told. Afterwards `agora verify` must say the same of both.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" || to == "" || from == to {
				return usageError("`agora migrate copy` needs two different databases, --from and --to")
			}
			return migrateCopy(cmd, from, to)
		},
	}
	c.Flags().StringVar(&from, "from", "", "address of the database to read")
	c.Flags().StringVar(&to, "to", "", "address of the database to fill")
	return c
}

func migrateCopy(cmd *cobra.Command, from, to string) (err error) {
	// No server may begin on a SQLite file meanwhile: what it took would be in one of the two only.
	alone := store.Options{Alone: true}
	source, err := openExisting(cmd.Context(), from, alone)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := openCurrent(cmd.Context(), to, alone)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	var total int64
	err = source.CopyTo(cmd.Context(), target, func(table string, rows int64) {
		total += rows
		fmt.Fprintf(cmd.OutOrStdout(), "%s\t%d\n", table, rows)
	})
	if err == nil {
		fmt.Fprintf(cmd.OutOrStdout(), "copied %d rows\n", total)
	}
	return err
}

// openCurrent opens a database and brings its schema up to date.
func openCurrent(ctx context.Context, address string, opts store.Options) (*store.Store, error) {
	s, err := store.Open(ctx, address, opts)
	if err != nil {
		return nil, err
	}
	if err := s.Migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
