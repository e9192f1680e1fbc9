package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

// newDemoCommand makes `agora demo`.
func newDemoCommand() *cobra.Command {
	var exit bool
	var speed float64
	c := &cobra.Command{
		Use: "demo", Short: "Play a whole story against a simulated GitHub, and show what Agora does", Args: cobra.NoArgs,
		Long: "Starts a simulated GitHub and Agora itself on a temporary database, plays the story of one RFC, prints it,\n" +
			"and then keeps serving, so that the pages can be looked at, until Ctrl-C. Nothing leaves this machine.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var pace time.Duration
			if speed <= 0 {
				return usageError("--speed must be greater than 0")
			}
			if !exit || cmd.Flags().Changed("speed") {
				pace = time.Duration(float64(time.Second) / speed)
			}
			return demo(cmd.Context(), cmd.OutOrStdout(), pace, exit)
		},
	}
	c.Flags().BoolVar(&exit, "exit", false, "end after the story: with status 0 only if everything it expects came true")
	c.Flags().Float64Var(&speed, "speed", 1, "how fast the story is told: 2 is twice as fast")
	return c
}

// errStory says that the story did not go as told.
var errStory = errors.New("the story did not go as expected")

// demo plays the story and, unless it is to end, keeps serving.
func demo(ctx context.Context, out io.Writer, pace time.Duration, exit bool) (err error) {
	database, remove, err := temporaryDatabase()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	set := staging{databaseURL: database, logger: zerolog.New(out).Level(zerolog.ErrorLevel)}
	s, err := newStage(ctx, set)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	t := &story{stage: s, ctx: ctx, out: out, pace: pace}
	if err := t.play(); err != nil {
		return err
	}
	if exit {
		if t.failed > 0 {
			return fmt.Errorf("%w: %d of its expectations failed", errStory, t.failed)
		}
		return nil
	}
	t.print("\nAgora keeps serving until Ctrl-C. Look around:\n  the RFC      %s/c/acme/rfcs/1\n  the API      %s/api/v1/communities/acme/rfcs/1\n  the gate     %s/api/v1/gate?repo=acme/rfcs&rfc=1\n  \"GitHub\"     %s\n",
		s.url, s.url, s.url, s.sim.URL())
	<-ctx.Done()
	return nil
}
