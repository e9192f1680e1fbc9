package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/store"
)

// newMigrateCommand makes `agora migrate up`, `status` and `copy`.
func newMigrateCommand() *cobra.Command {
	var database databaseFlags
	c := newGroup("migrate", "Bring the database's schema up to date, say where it is, or copy it",
		&cobra.Command{
			Use: "up", Short: "Apply the migrations that are missing", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return migrateUp(cmd, database) },
		},
		&cobra.Command{
			Use: "status", Short: "List the migrations", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return migrateStatus(cmd, database) },
		},
		newMigrateCopyCommand(),
	)
	database.add(c)
	return c
}

func migrateUp(cmd *cobra.Command, database databaseFlags) (err error) {
	s, err := database.open(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	before, err := s.MigrationStatus(cmd.Context())
	if err != nil {
		return err
	}
	if err := s.Migrate(cmd.Context()); err != nil {
		return err
	}
	applied := 0
	for _, m := range before {
		if !m.Applied {
			applied++
			fmt.Fprintf(cmd.OutOrStdout(), "applied %s\n", m.Name)
		}
	}
	if applied == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "the schema is current")
	}
	return nil
}

func migrateStatus(cmd *cobra.Command, database databaseFlags) (err error) {
	address, err := database.address()
	if err != nil {
		return err
	}
	if err := isThere(address); err != nil {
		fmt.Fprintf(cmd.OutOrStdout(), "%s; `agora migrate up` makes it\n", err)
		return nil
	}
	s, err := database.open(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	migrations, err := s.MigrationStatus(cmd.Context())
	if err != nil {
		return err
	}
	for _, m := range migrations {
		fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", m.Name, since(m))
	}
	return nil
}

func since(m store.Migration) string {
	if !m.Applied {
		return "missing"
	}
	return "applied " + m.AppliedAt.UTC().Format(time.DateTime) + " UTC"
}
