package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/app/rfc"
)

// differencesShown bounds what one verification prints.
const differencesShown = 100

// newVerifyCommand makes `agora verify`.
func newVerifyCommand() *cobra.Command {
	var database databaseFlags
	c := &cobra.Command{
		Use: "verify", Short: "Recount every decision, and check the audit trail", Args: cobra.NoArgs,
		Long: "Recounts every decision from what is stored, and recomputes the chain of the audit trail. It changes\n" +
			"nothing and may run beside a working server. The status is 1 when anything differs.",
		RunE: func(cmd *cobra.Command, _ []string) error { return verify(cmd, database) },
	}
	database.add(c)
	return c
}

func verify(cmd *cobra.Command, database databaseFlags) (err error) {
	s, err := database.openExisting(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	entries, broken, err := s.VerifyAudit(cmd.Context())
	if err != nil {
		return err
	}
	found, err := rfc.Verify(cmd.Context(), s.RFC())
	if err != nil {
		return err
	}
	differences := make([]string, 0, len(broken)+len(found.Differences))
	for _, b := range broken {
		differences = append(differences, b.Error())
	}
	for _, d := range found.Differences {
		differences = append(differences, d.String())
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "verified %d entries of the audit trail, %s, %s, %s and %s\n", entries, rfc.Plural(found.RFCs, "RFC"),
		rfc.Plural(found.Rounds, "round"), rfc.Plural(found.Ballots, "ballot"), rfc.Plural(found.Decisions, "decision"))
	if len(differences) == 0 {
		fmt.Fprintln(out, "all is as it was decided")
		return nil
	}
	for i, difference := range differences {
		if i == differencesShown {
			fmt.Fprintf(out, "and %d more\n", len(differences)-i)
			break
		}
		fmt.Fprintln(out, difference)
	}
	return exitError{status: statusFailed, message: rfc.Plural(len(differences), "difference") + "; the first: " + differences[0]}
}
