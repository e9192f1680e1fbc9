package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/archive"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/store"
)

// newExportCommand makes `agora export`.
func newExportCommand() *cobra.Command {
	var database databaseFlags
	var login, output string
	var private bool
	c := &cobra.Command{
		Use: "export", Short: "Write everything that decisions follow from, for anybody to verify", Args: cobra.NoArgs,
		Long: "Writes policies, RFCs, rounds with their frozen rules, electorates, ballots and the audit trail as JSON Lines,\n" +
			"from one consistent look at the database; it may run beside a working server. People stand in it by numeric\n" +
			"id. What belongs to private repositories is left out, except for the hashes that hold its place in the chain.\n" +
			"`agora verify --export FILE` verifies it without the database.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := database.openExisting(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			scope := archive.Scope{Private: private}
			if login != "" {
				if scope.Community, err = accountOf(cmd.Context(), s, login); err != nil {
					return err
				}
			}
			if output == "" || output == "-" {
				return export(cmd.Context(), s, scope, cmd.OutOrStdout())
			}
			return exportTo(cmd.Context(), s, scope, output)
		},
	}
	database.add(c)
	c.Flags().StringVar(&login, "community", "", "only the community of this organisation or user")
	c.Flags().StringVar(&output, "output", "", "file to write, in place of standard output; it is there when it is whole")
	c.Flags().BoolVar(&private, "include-private", false, "also what belongs to private repositories: do not publish that")
	return c
}

func accountOf(ctx context.Context, s *store.Store, login string) (id int64, err error) {
	err = s.Community().View(ctx, func(ctx context.Context, tx community.Tx) error {
		installation, err := tx.InstallationByLogin(ctx, login)
		id = installation.Account.ID
		return err
	})
	if app.Is(err, app.CodeNotFound) {
		err = fmt.Errorf("there is no community %q", login)
	}
	return id, err
}

// export writes from one look at the store. One that broke off cannot be repeated
// behind what was written.
func export(ctx context.Context, s *store.Store, scope archive.Scope, out io.Writer) error {
	writer := archive.NewWriter(out)
	err := s.Archive().View(ctx, func(ctx context.Context, tx archive.Tx) error {
		if writer.Begun() {
			return errors.New("the database broke off; export again")
		}
		return archive.Walk(ctx, tx, scope, utcNow(), writer)
	})
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	return nil
}

// exportTo writes beside the file first, so that nobody takes half of it for whole.
func exportTo(ctx context.Context, s *store.Store, scope archive.Scope, path string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("making the export: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := errors.Join(export(ctx, s, scope, file), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
