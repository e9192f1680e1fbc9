package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/ghclient"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/recovery"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/handlers/webhook"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
)

// dropKind is the kind of the entry that empties old deliveries.
const dropKind = "deliveries.drop"

// entries says which part runs each kind of queue entry.
func (a *application) entries() map[string]worker.Handler {
	order := func(do func(context.Context, rfc.Order) error) worker.Handler {
		return func(ctx context.Context, e app.Entry) error {
			o, err := rfc.ReadOrder(e.Body)
			if err != nil {
				return err
			}
			return do(ctx, o)
		}
	}
	repository := func(do func(context.Context, community.RepositoryOrder) error) worker.Handler {
		return func(ctx context.Context, e app.Entry) error {
			o, err := community.ReadRepositoryOrder(e.Body)
			if err != nil {
				return err
			}
			return do(ctx, o)
		}
	}
	handlers := a.notificationEntries()
	maps.Copy(handlers, map[string]worker.Handler{
		webhook.Kind: a.webhooks.Handle,
		rfc.TickKind: order(func(ctx context.Context, o rfc.Order) error { return a.rfcs.Tick(ctx, o.Ref) }),
		rfc.RefreshKind: order(func(ctx context.Context, o rfc.Order) error {
			return a.rfcs.RefreshWhole(ctx, o.Ref, o.At)
		}),
		rfc.PublishKind:      order(a.rfcs.PublishOrdered),
		rfc.CheckKind:        order(a.rfcs.PublishCheck),
		rfc.ConfigCheckKind:  order(a.rfcs.CheckConfig),
		rfc.ImplementedKind:  order(a.rfcs.Implemented),
		rfc.SupersededKind:   order(a.rfcs.Superseded),
		rfc.VoidKind:         order(a.rfcs.Void),
		rfc.ForgetKind:       order(a.rfcs.Forgotten),
		rfc.LikesKind:        order(a.rfcs.Likes),
		community.SetUpKind:  repository(a.community.SetUp),
		community.RereadKind: repository(a.rfcs.Reread),
		community.RuledKind:  repository(a.rfcs.Ruled),
		community.RingsKind:  func(ctx context.Context, _ app.Entry) error { return a.community.FlagRings(ctx) },
		community.EraseKind:  func(ctx context.Context, _ app.Entry) error { return a.store.EraseDeliveries(ctx) },
		community.SyncKind: func(ctx context.Context, _ app.Entry) error {
			return a.community.Sync(ctx, apps{a.github})
		},
		community.DigestKind: func(ctx context.Context, _ app.Entry) error {
			return a.digests.Look(ctx)
		},
		community.DigestWriteKind: func(ctx context.Context, e app.Entry) error {
			return a.digests.Write(ctx, e.Body)
		},
		rfc.CommentKind: func(ctx context.Context, e app.Entry) error {
			change, err := rfc.ReadCommentChange(e.Body)
			if err != nil {
				return err
			}
			return a.rfcs.CommentWritten(ctx, change)
		},
		command.AnswerKind: func(ctx context.Context, e app.Entry) error {
			var o command.AnswerOrder
			if err := json.Unmarshal(e.Body, &o); err != nil {
				return app.Park(fmt.Errorf("reading an order: %w", err))
			}
			return a.rfcs.Answer(ctx, o)
		},
		recovery.Kind:  func(ctx context.Context, _ app.Entry) error { return a.recovery().Run(ctx) },
		audit.SealKind: a.seal,
		dropKind:       a.dropBodies,

		community.BalancesKind: func(ctx context.Context, _ app.Entry) error { return a.community.RemakeBalances(ctx) },
	})
	return handlers
}

// keepKeys is how long the key of a processed delivery is known, so that it is not run
// again. GitHub sends none again that is older than three days.
const keepKeys = 30 * 24 * time.Hour

// dropBodies empties deliveries that were processed long ago, and drops whatever else has
// had its time; where one fails, the others are done all the same. The next hour's run is
// ordered first: whatever becomes of this one, that comes.
func (a *application) dropBodies(ctx context.Context, _ app.Entry) error {
	now := a.clock()
	err := a.store.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.SetTimer(ctx, dropKind, now.Add(time.Hour), dropKind, dropKind, nil)
	})
	if err != nil {
		return err
	}
	_, processed := a.store.DropProcessed(ctx, now.Add(-a.keep), now.Add(-max(a.keep, keepKeys)))
	counts := a.store.DropCommandCounts(ctx, now.Add(-a.keep))
	notifications := a.store.DropNotifications(ctx, now.Add(-notification.Keep))
	_, lanes := a.store.DropIdleLanes(ctx)
	return errors.Join(processed, counts, notifications, lanes)
}

// recovery finds the deliveries that were lost.
func (a *application) recovery() *recovery.Service {
	return &recovery.Service{
		Store: a.store.Recovery(), Hook: a.github, Clock: a.clock, Key: webhook.DedupKey, Takes: a.webhooks.Takes,
		Reread: func(ctx context.Context, since time.Time) error {
			if err := a.rfcs.RereadOpen(ctx, since); err != nil {
				return err
			}
			return a.store.InTx(ctx, orderSync)
		},
	}
}

// orderSync orders the installations to be compared with GitHub's.
func orderSync(ctx context.Context, tx *store.Tx) error {
	return tx.Enqueue(ctx, community.SyncLane, community.SyncKind, community.SyncKind, nil)
}

// begin orders what is due at every start: comparing with GitHub, and cleaning up.
func (a *application) begin(ctx context.Context) error {
	return a.store.InTx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := recovery.Order(ctx, tx); err != nil {
			return err
		}
		if err := orderSync(ctx, tx); err != nil {
			return err
		}
		if err := community.OrderBalances(ctx, tx); err != nil {
			return err
		}
		if err := community.OrderRings(ctx, tx, a.clock()); err != nil {
			return err
		}
		if err := notification.OrderDigests(ctx, tx, a.clock()); err != nil {
			return err
		}
		if err := community.OrderDigests(ctx, tx, a.clock()); err != nil {
			return err
		}
		return tx.SetTimer(ctx, dropKind, a.clock(), dropKind, dropKind, nil)
	})
}

// apps is the client of GitHub in the community's words.
type apps struct{ *ghclient.GitHub }

func (a apps) Installations(ctx context.Context) ([]app.Installation, error) {
	found, err := a.GitHub.Installations(ctx)
	list := make([]app.Installation, len(found))
	for i, f := range found {
		list[i] = app.Installation{ID: f.ID, Account: f.Account, Suspended: f.Suspended}
	}
	return list, err
}

// Installed reports whether GitHub still knows the installation.
func (a apps) Installed(ctx context.Context, installation int64) (bool, error) {
	_, err := a.Installation(ctx, installation)
	if app.Is(err, app.CodeNotFound) {
		return false, nil
	}
	return err == nil, err
}
