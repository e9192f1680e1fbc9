package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/app/archive"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
)

// newVerifyCommand makes `agora verify`.
func newVerifyCommand() *cobra.Command {
	var database databaseFlags
	var export string
	var heads []string
	c := &cobra.Command{
		Use: "verify", Short: "Recount every decision, and check the audit trail", Args: cobra.NoArgs,
		Long: "Recounts every decision from what is stored, and recomputes the chains of the audit trail. It changes\n" +
			"nothing and may run beside a working server. With --export it reads what `agora export` wrote instead, and\n" +
			"needs no database. With --head a chain must also pass through a place that was noted earlier, from the API,\n" +
			"a status comment or an export. The status is 1 when anything differs.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if export != "" && database.url != "" {
				return usageError("`agora verify` reads an export or a database: --export or --database, not both")
			}
			anchors, err := parseHeads(heads)
			if err != nil {
				return err
			}
			var found archive.Report
			if export != "" {
				found, err = verifyExport(export, cmd.InOrStdin(), anchors)
			} else {
				found, err = verifyDatabase(cmd.Context(), database, anchors)
			}
			if err != nil {
				return err
			}
			return reportVerified(cmd.OutOrStdout(), found)
		},
	}
	database.add(c)
	c.Flags().StringVar(&export, "export", "", "`FILE` that agora export wrote, in place of a database; - for standard input")
	c.Flags().StringArrayVar(&heads, "head", nil, "SEQ:HASH that a chain must pass through; may be repeated")
	return c
}

var headPattern = regexp.MustCompile(`^([1-9][0-9]{0,17}):([0-9a-f]{64})$`)

func parseHeads(texts []string) (heads []audit.Head, err error) {
	for _, text := range texts {
		parts := headPattern.FindStringSubmatch(text)
		if parts == nil {
			return nil, usageError("--head wants SEQ:HASH, a number and 64 hexadecimal digits")
		}
		seq, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			return nil, err
		}
		heads = append(heads, audit.Head{Seq: seq, Hash: parts[2]})
	}
	return heads, nil
}

func verifyExport(path string, in io.Reader, anchors []audit.Head) (_ archive.Report, err error) {
	verifier := archive.NewVerifier(anchors...)
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // whoever runs this names it
		if err != nil {
			return verifier.Report, fmt.Errorf("opening the export: %w", err)
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	if err := archive.Read(in, verifier); err != nil {
		return verifier.Report, fmt.Errorf("reading the export %s: %w", path, err)
	}
	return verifier.Report, nil
}

func verifyDatabase(ctx context.Context, database databaseFlags, anchors []audit.Head) (_ archive.Report, err error) {
	s, err := database.openExisting(ctx)
	if err != nil {
		return archive.Report{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return verifyStore(ctx, s, anchors...)
}

// verifyStore verifies everything that a store holds.
func verifyStore(ctx context.Context, s *store.Store, anchors ...audit.Head) (found archive.Report, err error) {
	err = s.View(ctx, func(ctx context.Context, tx *store.Tx) error {
		verifier := archive.NewVerifier(anchors...)
		if err := archive.Walk(ctx, tx, archive.Scope{Private: true}, utcNow(), verifier); err != nil {
			return err
		}
		found = verifier.Report
		if err := tx.Misfiled(ctx, found.Differs); err != nil {
			return err
		}
		return verifyBalances(ctx, tx, &found)
	})
	if err != nil {
		return found, fmt.Errorf("verifying: %w", err)
	}
	return found, nil
}

// verifyBalances compares what is kept beside the ledgers with what follows from them.
func verifyBalances(ctx context.Context, tx *store.Tx, found *archive.Report) error {
	accounts, err := tx.Communities(ctx)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		difference, err := community.VerifyBalances(ctx, tx, account)
		if err != nil {
			return err
		}
		if difference != "" {
			found.Differs(fmt.Sprintf("the balances of %d: %s", account, difference))
		}
	}
	return nil
}

// reportVerified says what was verified and what was found.
func reportVerified(out io.Writer, r archive.Report) error {
	entries := fmt.Sprintf("%d entries", r.Entries)
	if r.Entries == 1 {
		entries = "1 entry"
	}
	fmt.Fprintf(out, "verified %s of the audit trail, %s, %s, %s and %s\n", entries, rfc.Plural(r.RFCs, "RFC"),
		rfc.Plural(r.Rounds, "round"), rfc.Plural(r.Ballots, "ballot"), rfc.Plural(r.Decisions, "decision"))
	switch {
	case r.Withheld == 1:
		fmt.Fprintln(out, "of 1 entry only the hash is there, because it belongs to a private repository")
	case r.Withheld > 1:
		fmt.Fprintf(out, "of %d entries only the hashes are there, because they belong to private repositories\n", r.Withheld)
	}
	if r.Found == 0 {
		fmt.Fprintln(out, "all is as it was decided")
		return nil
	}
	for _, difference := range r.Differences {
		fmt.Fprintln(out, difference)
	}
	if more := r.Found - len(r.Differences); more > 0 {
		fmt.Fprintf(out, "and %d more\n", more)
	}
	return exitError{status: statusFailed, message: rfc.Plural(r.Found, "difference") + "; the first: " + r.Differences[0]}
}
