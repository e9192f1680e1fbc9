package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/palantir/go-githubapp/githubapp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/ghclient"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/handlers/web"
	"github.com/agora-rfc/agora/handlers/webhook"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
)

// surroundings are what differs between a real server and a story that plays on
// its own clock.
type surroundings struct {
	clock  app.Clock
	logger zerolog.Logger
	// unpaced lifts the limits on writing, for a GitHub that has none.
	unpaced bool
	// migrate brings the database up to date first.
	migrate bool
	// alone refuses a SQLite database that another server works on.
	alone bool
	// transport carries the requests to GitHub; one of the client's own when nil.
	transport http.RoundTripper
	// leaseClock tells how long a worker was silent; the machine's when nil.
	leaseClock app.Clock
}

// application is Agora put together: the one place where the parts meet.
type application struct {
	surroundings
	store     *store.Store
	github    *ghclient.GitHub
	community *community.Service
	digests   *community.Digests
	rfcs      *rfc.Service

	notifications *notification.Service

	worker   *worker.Worker
	webhooks *webhook.Webhooks
	handler  http.Handler
	keep     time.Duration // how long processed deliveries keep their bodies
}

// assemble opens the database and puts the parts together; it sends nothing.
func assemble(ctx context.Context, server config.Server, around surroundings) (_ *application, err error) {
	a := &application{surroundings: around, keep: server.KeepDeliveries.Std()}
	a.store, err = store.Open(ctx, server.DatabaseURL.Reveal(), store.Options{Clock: around.clock, LeaseClock: around.leaseClock, Logger: around.logger, Alone: around.alone})
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.store.Close())
		}
	}()
	if around.migrate {
		if err := a.store.Migrate(ctx); err != nil {
			return nil, fmt.Errorf("migrating the database: %w", err)
		}
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := a.connect(server, metrics); err != nil {
		return nil, err
	}
	if err := a.domains(server); err != nil {
		return nil, err
	}
	return a, a.edges(server, metrics)
}

// connect makes the client of GitHub.
func (a *application) connect(server config.Server, metrics prometheus.Registerer) (err error) {
	options := ghclient.Options{Clock: a.clock, Logger: a.logger, Metrics: metrics, UserAgent: "agora/" + version(), HTTP: a.transport, Shared: a.store}
	if a.unpaced {
		options.WriteRate, options.ContentRate = rate.Inf, rate.Inf
	}
	a.github, err = ghclient.New(githubConfig(server.GitHub), options)
	if err != nil {
		return fmt.Errorf("connecting to GitHub: %w", err)
	}
	return nil
}

// githubConfig is go-githubapp's own form of our configuration.
func githubConfig(g config.GitHub) githubapp.Config {
	c := githubapp.Config{WebURL: g.WebURL, V3APIURL: g.V3APIURL, V4APIURL: g.V4APIURL}
	c.App.IntegrationID = g.App.IntegrationID
	c.App.WebhookSecret = g.App.WebhookSecret.Reveal()
	c.App.PrivateKey = g.App.PrivateKey.Reveal()
	return c
}

// domains makes the services and the runner of their commands.
func (a *application) domains(server config.Server) error {
	renderer := render.New()
	a.community = community.New(a.store.Community(), func(r app.Repository) community.GitHub { return a.github.Repo(r) }, a.clock)
	a.rfcs = rfc.New(rfc.Options{
		Store: a.store.RFC(), Community: a.community, Repos: func(r app.Repository) rfc.GitHub { return a.github.Repo(r) },
		InstallationOf: func(ctx context.Context, owner, name string) (int64, error) {
			found, err := a.github.InstallationOf(ctx, owner, name)
			return found.ID, err
		},
		Identity: identity{a.github}, Renderer: renderer, Clock: a.clock,
		ReactionPoll: server.ReactionPoll.Std(), PublicURL: strings.TrimSuffix(server.PublicURL, "/"),
	})
	a.community.RFCs = a.rfcs
	if err := a.notify(server); err != nil {
		return err
	}
	a.digests = community.NewDigests(a.community, func(r app.Repository) community.DigestIssues { return a.github.Repo(r) }, renderer.Escape)
	registry := command.Default()
	runner := command.NewRunner(registry, a.store.Commands(), renderer.Escape,
		a.rfcs.Commands(), a.community.Commands(renderer.Escape), command.AgoraCommands(registry, version()))
	if missing := runner.Missing(); len(missing) > 0 {
		return fmt.Errorf("no handler carries out %s", strings.Join(missing, ", "))
	}
	a.rfcs.Runner = runner
	return nil
}

// identity knows the App's own comments.
type identity struct{ github *ghclient.GitHub }

func (i identity) Mine(ctx context.Context, comment app.Comment) (bool, error) {
	own, err := i.github.App(ctx)
	return err == nil && comment.ByApp == own.ID, err
}

func (i identity) Self(ctx context.Context, user app.User) (bool, error) {
	own, err := i.github.App(ctx)
	return err == nil && user.Bot && strings.EqualFold(user.Login, own.BotLogin), err
}

// edges makes what faces the outside: webhooks, workers, pages.
func (a *application) edges(server config.Server, metrics *prometheus.Registry) (err error) {
	meters, err := newMeters(metrics, a.store, a.clock)
	if err != nil {
		return err
	}
	told, err := newNotificationMeters(metrics, a.store, config.NotificationTypes())
	if err != nil {
		return err
	}
	a.notifications.Numbered = func(t notification.Type) { told.numbered.WithLabelValues(string(t)).Inc() }
	a.notifications.Observe = told.observe
	a.webhooks, err = webhook.New(webhook.Options{
		Observe: meters.delivered,
		Secret:  server.GitHub.App.WebhookSecret.Reveal(), Queue: a.store, RFCs: a.rfcs, Community: a.community, Clock: a.clock,
		GitHub: func(r app.Repository) webhook.MergeQueue { return a.github.Repo(r) },
		Self: func(ctx context.Context) string {
			own, err := a.github.App(ctx)
			if err != nil {
				return "" // taken for somebody else: reading once more does no harm
			}
			return own.BotLogin
		},
	})
	if err != nil {
		return err
	}
	a.worker = worker.New(a.store, meters.timed(a.entries()), worker.Options{Clock: a.clock, Logger: a.logger, Observe: meters.ran})
	a.handler = logged(a.logger, web.New(web.Options{
		Store: a.store.RFC(), Clock: a.clock, PublicURL: strings.TrimSuffix(server.PublicURL, "/"), Ready: a.store.Ready,
		Gatherer: metrics, Hook: a.webhooks, Members: a.community,
		Prover: web.NewActionsProver(web.ActionsIssuer(server.GitHub.WebURL), strings.TrimSuffix(server.PublicURL, "/"), a.clock),
	}))
	return nil
}

// logged gives requests the logger.
func logged(logger zerolog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(logger.WithContext(r.Context())))
	})
}
