package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands make the commands of the program.
var commands = []func() *cobra.Command{
	newDemoCommand,
	newServeCommand,
	newMigrateCommand,
	newVerifyCommand,
	newExportCommand,
	newInboxCommand,
	newGateCommand,
	newConfigCommand,
	newManifestCommand,
	newVersionCommand,
}

// newRootCommand makes `agora` with all its commands.
func newRootCommand() *cobra.Command {
	root := newGroup("agora", "Runs RFC votes on GitHub, from the discussion to a green check")
	root.SilenceErrors, root.SilenceUsage = true, true // run says errors, on one line
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError("%s; see `%s --help`", flagProblem(cmd, err), cmd.CommandPath())
	})
	for _, newCommand := range commands {
		root.AddCommand(newCommand())
	}
	argumentsAreUsage(root)
	return root
}

// flagProblem says what a flag wants, where its value is no number or length of time:
// the parser says it in words of the programming language.
func flagProblem(cmd *cobra.Command, err error) string {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err.Error()
	}
	wants := map[string]string{"float64": "a number like 2 or 0.5", "int": "a whole number", "duration": "a length of time like 90s or 2m", "bool": "true or false"}
	want, known := wants[invalid.GetFlag().Value.Type()]
	if !known {
		return err.Error()
	}
	return fmt.Sprintf("--%s wants %s, not %q", invalid.GetFlag().Name, want, invalid.GetValue())
}

// newGroup makes a command that does nothing but hold others.
func newGroup(use, short string, members ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{
		Use: use, Short: short, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !cmd.HasParent() {
				return cmd.Help()
			}
			if len(args) == 0 {
				return usageError("`%s` needs a command; see `%[1]s --help`", cmd.CommandPath())
			}
			return usageError("`%s` has no command %q; see `%[1]s --help`", cmd.CommandPath(), args[0])
		},
	}
	group.AddCommand(members...)
	return group
}

// argumentsAreUsage makes usage errors of wrong arguments, for all commands.
func argumentsAreUsage(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError("%s; see `%s --help`", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, member := range c.Commands() {
		argumentsAreUsage(member)
	}
}

// The exit statuses of the program (README, "Commands of the program").
const (
	statusFailed      = 1
	statusUsage       = 2
	statusUnreachable = 3
)

// exitError is an error with the status to exit with. Without a message, what is to
// say has been said.
type exitError struct {
	status  int
	message string
}

func (e exitError) Error() string { return e.message }

// usageError says that the program was called wrongly.
func usageError(format string, args ...any) error {
	return exitError{status: statusUsage, message: fmt.Sprintf(format, args...)}
}

// run executes a command, says its error and returns the exit status.
func run(ctx context.Context, root *cobra.Command) int {
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	say(root.ErrOrStderr(), err)
	var exit exitError
	if errors.As(err, &exit) {
		return exit.status
	}
	return statusFailed
}

// say writes an error, each of its lines with the program's name.
func say(out io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(out, "agora: %s\n", strings.TrimRight(line, "\n"))
	}
}
