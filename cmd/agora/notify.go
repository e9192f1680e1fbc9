package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/outbound"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
)

// numberEvery is how often a replica looks for notifications that have no place yet. As
// with seals it only looks: what is entered waits for nobody.
const numberEvery = time.Second

// orderNumber has new notifications given their places by the queue.
func (a *application) orderNumber(ctx context.Context) error {
	waiting, _, err := a.store.NotificationLag(ctx)
	if err != nil || !waiting {
		return err
	}
	return a.store.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.Enqueue(ctx, notification.NumberLane, notification.NumberKind, notification.NumberKind, nil)
	})
}

// notify makes the service that brings notifications to people.
func (a *application) notify(server config.Server) error {
	options := notification.Options{
		Store: a.store.Notifications(), Clock: a.clock, Webhooks: server.Webhooks, Poster: outbound.NewPoster(outbound.PosterOptions{}),
		Repos:    func(r app.Repository) notification.Readers { return a.github.Repo(r) },
		Stewards: a.community.KnownStewards, Plain: render.Plain,
	}
	if server.SMTPURL.IsSet() {
		mailer, err := outbound.NewMailer(server.SMTPURL, server.MailFrom)
		if err != nil {
			return fmt.Errorf("setting up e-mail: %w", err)
		}
		mailer.Clock = a.clock
		options.Mailer, a.community.Mails = mailer, true
	}
	a.notifications = notification.New(options)
	return nil
}

// notificationEntries says what runs the entries of notifications.
func (a *application) notificationEntries() map[string]worker.Handler {
	return map[string]worker.Handler{
		notification.NumberKind:  func(ctx context.Context, _ app.Entry) error { return a.notifications.Number(ctx) },
		notification.DigestsKind: func(ctx context.Context, _ app.Entry) error { return a.notifications.Digests(ctx) },
		notification.FanOutKind: func(ctx context.Context, e app.Entry) error {
			o, err := notification.ReadOrder(e.Body)
			if err != nil {
				return err
			}
			return a.notifications.FanOut(ctx, o)
		},
		notification.LetterKind:  a.notifications.Letter,
		notification.DigestKind:  a.notifications.Digest,
		notification.WebhookKind: a.notifications.Post,
	}
}

// notificationMeters count what members are told.
type notificationMeters struct {
	numbered *prometheus.CounterVec
	letters  *prometheus.CounterVec
	webhooks *prometheus.CounterVec
	db       *store.Store
}

var notificationLag = prometheus.NewDesc("agora_notification_lag_seconds", "Age of the oldest notification that is in no inbox yet.", nil, nil)

// newNotificationMeters registers them, with every outcome there is, so that a rate is
// known from the first one on.
func newNotificationMeters(metrics prometheus.Registerer, db *store.Store, types []string) (*notificationMeters, error) {
	m := &notificationMeters{
		db: db,
		numbered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agora_notifications_total", Help: "Notifications, by type; one for all members counts once.",
		}, []string{"type"}),
		letters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agora_mails_total", Help: "Tries to send e-mail, by outcome.",
		}, []string{"outcome"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agora_webhooks_total", Help: "Tries to post to outgoing webhooks, by outcome.",
		}, []string{"outcome"}),
	}
	for _, t := range types {
		m.numbered.WithLabelValues(t)
	}
	for _, outcome := range []string{notification.Sent, notification.Failed, notification.GivenUp, notification.Withheld} {
		m.letters.WithLabelValues(outcome)
		m.webhooks.WithLabelValues(outcome)
	}
	for _, c := range []prometheus.Collector{m.numbered, m.letters, m.webhooks, m} {
		if err := metrics.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

// observe is told what became of a letter or webhook.
func (m *notificationMeters) observe(channel, outcome string) {
	counter := m.letters
	if channel == notification.ByWebhook {
		counter = m.webhooks
	}
	counter.WithLabelValues(outcome).Inc()
}

// Describe names what is asked of the store.
func (m *notificationMeters) Describe(out chan<- *prometheus.Desc) { out <- notificationLag }

// Collect asks the store when it is scraped.
func (m *notificationMeters) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, oldest, err := m.db.NotificationLag(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(notificationLag, err)
		return
	}
	out <- prometheus.MustNewConstMetric(notificationLag, prometheus.GaugeValue, oldest.Seconds())
}
