package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/app/render"
)

// newGateCommand makes `agora gate`.
func newGateCommand() *cobra.Command {
	var g gate
	var timeout time.Duration
	c := &cobra.Command{
		Use: "gate --server URL --repo OWNER/NAME", Short: "Pass only when an RFC was accepted, for workflows that wait for a decision", Args: cobra.NoArgs,
		Long: "Asks an Agora server whether an RFC lets something through. With --rfc auto it asks for the pull request that\n" +
			"the GitHub Actions run is about: every RFC that it is, or says it implements, must pass.\n\n" +
			"The status is 0 when it passed, 1 when not, 2 when called wrongly, 3 when the server cannot be reached.\n" +
			"In GitHub Actions it also writes the step's summary and the outputs passed, state, rfc, reason and url.\n" +
			"For a private repository the job needs the permission `id-token: write`.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return usageError("--timeout must be greater than 0")
			}
			if err := g.complete(); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return g.run(ctx, cmd)
		},
	}
	c.Flags().StringVar(&g.server, "server", "", "address of the Agora server")
	c.Flags().StringVar(&g.repo, "repo", os.Getenv("GITHUB_REPOSITORY"), "repository of the RFC, as owner/name")
	c.Flags().StringVar(&g.rfc, "rfc", autoRFC, "number of the RFC, or auto to find it from the pull request")
	c.Flags().StringVar(&g.require, "require", requirements[0], "the state that passes: "+strings.Join(requirements, " or "))
	c.Flags().DurationVar(&timeout, "timeout", 20*time.Second, "how long to try to reach the server")
	return c
}

// autoRFC finds the RFC from the pull request.
const autoRFC = "auto"

// requirements are the states that may be required; accepted is also passed by what
// was implemented since.
var requirements = []string{"accepted", "implemented"}

// gate is one question to a server.
type gate struct {
	server, repo, rfc, require string
	// Asked for when rfc is auto: a pull request, or the head of a merge group.
	pull int
	sha  string // the pull request's head, "" when the run does not tell
	head string
}

// verdict is the server's answer, or ours when there is none.
type verdict struct {
	Passed *bool  `json:"passed"`
	State  string `json:"state"`
	RFC    int    `json:"rfc"`
	Reason string `json:"reason"`
	URL    string `json:"url"`
}

func (v verdict) passed() bool { return v.Passed != nil && *v.Passed }

var (
	repoPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	rfcPattern  = regexp.MustCompile(`^(?:RFC-)?([1-9][0-9]{0,8})$`)
)

// complete checks what was given and finds the pull request.
func (g *gate) complete() error {
	server, err := url.Parse(g.server)
	if err != nil || server.Scheme != "https" && server.Scheme != "http" || server.Host == "" ||
		server.User != nil || server.RawQuery != "" || server.Fragment != "" {
		return usageError("--server needs the address of the Agora server, such as https://agora.example.com")
	}
	g.server = strings.TrimRight(server.String(), "/")
	if !repoPattern.MatchString(g.repo) {
		return usageError("--repo needs a repository as owner/name")
	}
	if !slices.Contains(requirements, g.require) {
		return usageError("--require must be %s", strings.Join(requirements, " or "))
	}
	if !strings.EqualFold(g.rfc, autoRFC) {
		number := rfcPattern.FindStringSubmatch(strings.ToUpper(g.rfc))
		if number == nil {
			return usageError("--rfc must be a number or %s", autoRFC)
		}
		g.rfc = number[1]
		return nil
	}
	g.rfc = ""
	if own := os.Getenv("GITHUB_REPOSITORY"); own != "" && !strings.EqualFold(own, g.repo) {
		return usageError("the pull request is one of %s, not of %s: name the RFC with --rfc", own, g.repo)
	}
	g.pull, g.sha, g.head, err = subjectOfRun()
	return err
}

// query is the question as the API takes it.
func (g *gate) query() string {
	values := url.Values{"repo": {g.repo}, "require": {g.require}}
	switch {
	case g.rfc != "":
		values.Set("rfc", g.rfc)
	case g.head != "":
		values.Set("head", g.head)
	default:
		values.Set("pull", strconv.Itoa(g.pull))
		if g.sha != "" {
			values.Set("sha", g.sha)
		}
	}
	return values.Encode()
}

// run asks, and says the answer wherever it is read.
func (g *gate) run(ctx context.Context, cmd *cobra.Command) error {
	answer, err := ask(ctx, g.server, g.query(), cmd.ErrOrStderr())
	var exit exitError
	switch {
	case errors.As(err, &exit) && exit.status == statusUsage:
		return err
	case err != nil:
		answer = verdict{Reason: "The server could not be asked: " + err.Error()}
		err = exitError{status: statusUnreachable, message: err.Error()}
	case !answer.passed():
		err = exitError{status: statusFailed, message: "not passed: " + render.Plain(answer.Reason, 500)}
	default:
		fmt.Fprintf(cmd.OutOrStdout(), "passed: %s\n", render.Plain(answer.Reason, 500))
	}
	return errors.Join(err, report(answer))
}
