package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/agora-rfc/agora/config"
)

// newServeCommand makes `agora serve`, the real thing.
func newServeCommand() *cobra.Command {
	var file string
	var noMigrate bool
	c := &cobra.Command{
		Use: "serve", Short: "Run Agora: take webhooks, count votes, keep GitHub true", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := config.LoadServer(file, os.LookupEnv)
			if err != nil {
				return err
			}
			collectSeldom()
			logger := newLogger(server, cmd.ErrOrStderr())
			if unknown := config.UnknownNames(os.Environ()); len(unknown) > 0 {
				logger.Warn().Strs("names", unknown).Msg("the environment holds names that begin with AGORA_ and mean nothing to this version: are they misspelt?")
			}
			return serve(cmd.Context(), server, surroundings{clock: utcNow, logger: logger, migrate: !noMigrate, alone: true})
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file (agora.yaml when it is there)")
	c.Flags().BoolVar(&noMigrate, "no-migrate", false, "do not bring the database's schema up to date first")
	return c
}

// collectSeldom has garbage collected half as often as by default: a flood of deliveries
// leaves little that lives, so that a tenth more of them is taken for 10 MB of memory.
// Whoever sets GOGC knows better.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}

func utcNow() time.Time { return time.Now().UTC() }

func newLogger(server config.Server, out io.Writer) zerolog.Logger {
	level, err := zerolog.ParseLevel(server.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel
	}
	format := server.LogFormat
	if file, ok := out.(*os.File); format == config.LogAuto && ok && isatty.IsTerminal(file.Fd()) {
		format = config.LogConsole
	}
	if format == config.LogConsole {
		out = zerolog.ConsoleWriter{Out: out, TimeFormat: time.TimeOnly}
	}
	return zerolog.New(out).Level(level).With().Timestamp().Logger()
}

// serve runs until ctx ends, then drains: no new requests, what runs may finish.
func serve(ctx context.Context, server config.Server, around surroundings) error {
	err := start(ctx, server, around)
	if ctx.Err() != nil && interrupted(err) { // it was stopped before it was there
		around.logger.Debug().Err(err).Msg("what the stop interrupted")
		around.logger.Info().Msg("stopped while starting")
		return nil
	}
	return err
}

// interrupted reports whether an error says that a context was cancelled, or that a
// transaction ended with one, and nothing else beside.
func interrupted(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // those that are wrapped are one
	if !ok {
		return errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrTxDone)
	}
	return !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return !interrupted(e) })
}

func start(ctx context.Context, server config.Server, around surroundings) (err error) {
	a, err := assemble(ctx, server, around)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.store.Ready(ctx); err != nil { // as with --no-migrate
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", server.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", server.Listen, err)
	}
	around.logger.Info().Str("listen", listener.Addr().String()).Str("public_url", server.PublicURL).
		Str("database", config.NameDatabase(server.DatabaseURL)).Msg("serving")
	asking, stop := context.WithCancel(ctx)
	var introduction sync.WaitGroup
	introduction.Go(func() { a.introduce(asking, server.GitHub.WebURL) }) // nothing waits for GitHub
	defer introduction.Wait()
	defer stop()
	return a.run(ctx, listener)
}

// drainTime is how long requests may still take at the end.
const drainTime = 10 * time.Second

// run serves requests and runs the queue until ctx ends.
func (a *application) run(ctx context.Context, listener net.Listener) error {
	if err := a.begin(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	httpServer := &http.Server{
		Handler: a.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	var working sync.WaitGroup
	workCtx, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	working.Go(func() { a.worker.Run(workCtx) })
	working.Go(func() { a.repeat(workCtx, sealEvery, "ordering the audit trail to be sealed", a.orderSeal) })
	working.Go(func() {
		a.repeat(workCtx, numberEvery, "ordering notifications to be given their places", a.orderNumber)
	})
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(listener) }()
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-served:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := httpServer.Shutdown(drain)
	stopWork()
	working.Wait()
	if errors.Is(failure, http.ErrServerClosed) {
		failure = nil
	}
	return errors.Join(failure, err)
}

func (a *application) close() error {
	a.github.Close()
	return a.store.Close()
}
