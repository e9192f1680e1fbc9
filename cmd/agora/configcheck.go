package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/config"
)

// newConfigCommand makes `agora config check`.
func newConfigCommand() *cobra.Command {
	return newGroup("config", "Look at configuration", &cobra.Command{
		Use: "check [FILE]", Short: "Check the server's configuration, or a repository's agora.yml", Args: cobra.MaximumNArgs(1),
		Long: "Without FILE, checks the server's configuration as `agora serve` would read it: agora.yaml, when it is there,\n" +
			"and the environment over it. With FILE, checks that file: a repository's agora.yml, or a server's agora.yaml\n" +
			"together with the environment; which of the two it is, its content says, and its name in doubt.\n" +
			"Prints every problem with its line and key; the status is then 1.",
		RunE: func(cmd *cobra.Command, args []string) error {
			file := ""
			if len(args) > 0 {
				file = args[0]
				data, err := readConfiguration(file)
				if err != nil {
					return err
				}
				if isPolicy(file, data) {
					return checkPolicy(cmd.OutOrStdout(), file, data)
				}
			}
			if _, err := config.LoadServer(file, os.LookupEnv); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the server's configuration is good")
			return nil
		},
	})
}

// readConfiguration reads a file as far as any configuration reaches.
func readConfiguration(path string) ([]byte, error) {
	const most = 1 << 20
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return data, nil
}

// The keys at the left margin that only one of the two files has. They are found
// line by line, so that a file that is no YAML is told apart too.
var (
	policyKeys = regexp.MustCompile(`(?m)^(?:version|locked|rfc|stewards|announce|digest|reputation)[ \t]*:`)
	serverKeys = regexp.MustCompile(`(?m)^(?:listen|public_url|database_url|log_level|log_format|reaction_poll|keep_deliveries|smtp_url|mail_from|webhooks|github)[ \t]*:`)
)

// isPolicy tells a repository's agora.yml from a server's agora.yaml.
func isPolicy(path string, data []byte) bool {
	policy, server := len(policyKeys.FindAll(data, -1)), len(serverKeys.FindAll(data, -1))
	if policy != server {
		return policy > server
	}
	return filepath.Ext(path) == ".yml"
}

// checkPolicy checks a repository's file. Some keys only the owner's file may have;
// which of the two it is, cannot be seen here.
func checkPolicy(out io.Writer, path string, data []byte) error {
	policy, err := config.ParsePolicy(data, config.DefaultPolicy())
	if err != nil {
		return inFile(path, err)
	}
	fmt.Fprintf(out, "%s is good: version %s of the rules\n", path, policy.Version())
	if _, err := config.ResolvePolicy(nil, data); err != nil {
		fmt.Fprintf(out, "but only in the owner's .github repository; anywhere else:\n%s\n", inFile(path, err))
	}
	return nil
}

// inFile names the file as it was given.
func inFile(path string, err error) error {
	var problems *config.Problems
	if errors.As(err, &problems) {
		problems.File = path
	}
	return err
}
