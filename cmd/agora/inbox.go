package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
)

// newInboxCommand makes `agora inbox`: what an operator does about entries of the
// queue, above all those that were parked.
func newInboxCommand() *cobra.Command {
	var database databaseFlags
	var state string
	var limit int
	list := &cobra.Command{
		Use: "list", Short: "List entries, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, database, func(s *store.Store) error { return listInbox(cmd, s, state, limit) })
		},
	}
	list.Flags().StringVar(&state, "state", "parked", "pending, running, done or parked")
	list.Flags().IntVar(&limit, "limit", 50, "how many at most")
	show := &cobra.Command{
		Use: "show ID", Short: "Show an entry, with its error and what it carries", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := entryNumbers(args)
			if err != nil {
				return err
			}
			return withStore(cmd, database, func(s *store.Store) error { return showEntry(cmd, s, numbers[0]) })
		},
	}
	retry := &cobra.Command{
		Use: "retry ID...", Short: "Set parked entries going again, or waiting ones at once", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			numbers, err := entryNumbers(args)
			if err != nil {
				return err
			}
			return withStore(cmd, database, func(s *store.Store) error { return retryEntries(cmd, s, numbers) })
		},
	}
	c := newGroup("inbox", "Look at entries of the queue that were given up, and retry them", list, show, retry)
	database.add(c)
	return c
}

// withStore runs a command on a database that is there, and current.
func withStore(cmd *cobra.Command, database databaseFlags, do func(*store.Store) error) (err error) {
	s, err := database.openExisting(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}

func entryNumbers(args []string) ([]int64, error) {
	numbers := make([]int64, len(args))
	for i, arg := range args {
		n, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || n <= 0 {
			return nil, usageError("%q is not the number of an entry", arg)
		}
		numbers[i] = n
	}
	return numbers, nil
}

func listInbox(cmd *cobra.Command, s *store.Store, state string, limit int) error {
	switch state {
	case "pending", "running", "done", "parked":
	default:
		return usageError("there is no state %q: pending, running, done, parked", state)
	}
	if limit <= 0 {
		return usageError("--limit must be positive")
	}
	entries, err := s.ListInbox(cmd.Context(), state, limit)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "nothing is %s\n", state)
		return nil
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tLANE\tKIND\tATTEMPTS\tCAME\tERROR")
	for _, e := range entries {
		fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%s\t%s\n", e.ID, e.Lane, e.Kind, e.Attempts, moment(e.EnqueuedAt), oneLine(e.Error, 120))
	}
	return table.Flush()
}

// showEntry prints an entry. Its body may hold what people wrote, so that only what
// is printable is shown.
func showEntry(cmd *cobra.Command, s *store.Store, id int64) error {
	e, err := s.ShowEntry(cmd.Context(), id)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"entry", strconv.FormatInt(e.ID, 10)}, {"state", e.State}, {"lane", e.Lane}, {"kind", e.Kind}, {"delivery", e.DedupKey},
		{"came", moment(e.EnqueuedAt)}, {"runs at", moment(e.RunAt)}, {"finished", moment(e.FinishedAt)},
		{"attempts", strconv.Itoa(e.Attempts)}, {"error", oneLine(e.Error, 4096)},
	} {
		if row[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(e.Body) == 0 {
		return nil
	}
	return writePrintable(out, e.Body)
}

func writePrintable(out io.Writer, body []byte) error {
	shown := bytes.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !strconv.IsPrint(r) {
			return '�'
		}
		return r
	}, bytes.ToValidUTF8(body, []byte("�")))
	if _, err := fmt.Fprintf(out, "\n%s\n", shown); err != nil {
		return fmt.Errorf("printing the entry: %w", err)
	}
	return nil
}

func retryEntries(cmd *cobra.Command, s *store.Store, numbers []int64) error {
	var problems []error
	for _, id := range numbers {
		err := s.RetryEntry(cmd.Context(), id)
		switch {
		case err == nil:
			fmt.Fprintf(cmd.OutOrStdout(), "entry %d goes again\n", id)
		case app.CodeOf(err) != "":
			problems = append(problems, err)
		default:
			return err
		}
	}
	return errors.Join(problems...)
}

func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.DateTime) + " UTC"
}

// oneLine makes text from outside fit for a line of a table.
func oneLine(text string, limit int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit]) + "…"
	}
	return text
}
