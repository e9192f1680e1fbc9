package notification

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/outbound"
	"github.com/agora-rfc/agora/config"
)

// hears reports whether a notification of the account goes to the webhook.
func hears(w config.Webhook, n Notification, account string, private bool) bool {
	return strings.EqualFold(w.Community, account) && (!private || w.Private) &&
		(len(w.Types) == 0 || slices.Contains(w.Types, string(n.Type))) &&
		!strings.HasPrefix(n.Source, lostPrefix) // nobody listens to news of their own silence
}

// Poster posts to webhooks. An error made by app.Park is a refusal for good; any other is
// tried again.
type Poster interface {
	Post(ctx context.Context, webhook config.Webhook, m outbound.Message) error
}

// place is where a notification belongs.
type place struct {
	account    string // login
	repository app.Repository
	private    bool
}

func placeOf(ctx context.Context, tx Tx, n Notification) (p place, err error) {
	installation, err := tx.Installation(ctx, n.Community)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return p, err
	}
	p.account = installation.Account.Login
	if n.Repository == 0 {
		return p, nil
	}
	p.repository, err = tx.Repository(ctx, n.Repository)
	p.private = err != nil || !p.repository.Public()
	if app.Is(err, app.CodeNotFound) {
		err = nil
	}
	return p, err
}

// orderWebhooks orders the webhooks that a notification goes to.
func (s *Service) orderWebhooks(ctx context.Context, tx Tx, n Notification) error {
	if len(s.Webhooks) == 0 {
		return nil
	}
	p, err := placeOf(ctx, tx, n)
	if err != nil {
		return err
	}
	for _, w := range s.Webhooks {
		if !hears(w, n, p.account, p.private) {
			continue
		}
		o := Order{Community: n.Community, Position: n.Position, Webhook: w.Name}
		if err := tx.Enqueue(ctx, o.lane(WebhookKind), WebhookKind, "", o.body()); err != nil {
			return err
		}
	}
	return nil
}

// Post posts one notification to one webhook. One that cannot be delivered for three days
// is given up, and the stewards are told.
func (s *Service) Post(ctx context.Context, e app.Entry) error {
	o, err := ReadOrder(e.Body)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Webhooks, func(w config.Webhook) bool { return w.Name == o.Webhook })
	if i < 0 {
		return nil // it is no longer configured
	}
	var n Notification
	var p place
	found, closed := false, false
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		if closed, err = tx.WebhookClosed(ctx, configured(s.Webhooks[i])); err != nil || closed {
			return err
		}
		if n, found, err = s.find(ctx, tx, o); err != nil || !found {
			return err
		}
		p, err = placeOf(ctx, tx, n)
		return err
	})
	if closed {
		s.Observe(ByWebhook, Withheld) // the receiver wants no more
		return nil
	}
	if err != nil || !found {
		return err
	}
	if !hears(s.Webhooks[i], n, p.account, p.private) {
		s.Observe(ByWebhook, Withheld) // it was made private since
		return nil
	}
	body, err := json.Marshal(s.payload(n, p))
	if err != nil {
		return app.Park(fmt.Errorf("writing a webhook: %w", err))
	}
	now := s.Clock()
	age := now.Sub(e.EnqueuedAt)
	release, err := s.posts.take(o.Webhook, age)
	if app.Parked(err) {
		s.Observe(ByWebhook, GivenUp)
		return s.lost(ctx, o, now, err)
	}
	if err != nil {
		return err
	}
	defer release()
	m := outbound.Message{ID: fmt.Sprintf("agora-%d-%d", o.Community, o.Position), At: now, Body: body}
	if err := s.Poster.Post(ctx, s.Webhooks[i], m); err != nil {
		if app.Parked(err) {
			s.Observe(ByWebhook, GivenUp)
			return s.closed(ctx, o, s.Webhooks[i], now, err)
		}
		if ctx.Err() == nil {
			s.posts.failed(o.Webhook, err)
		}
		result := s.failed(ByWebhook, err, age)
		if app.Parked(result) {
			return s.lost(ctx, o, now, result)
		}
		return result
	}
	s.posts.succeeded(o.Webhook)
	s.Observe(ByWebhook, Sent)
	return nil
}

// lostPrefix begins the source of a notification that a webhook was given up.
const lostPrefix = "webhook-lost/"

// configured names a webhook as it is configured now: who changes anything about it has
// it tried again.
func configured(w config.Webhook) string {
	sum := sha256.Sum256([]byte(w.Name + "\n" + w.URL.Reveal() + "\n" + w.Secret.Reveal()))
	return hex.EncodeToString(sum[:])
}

// closed posts no more to a webhook whose receiver said so, tells the stewards once, and
// gives the reason on.
func (s *Service) closed(ctx context.Context, o Order, w config.Webhook, now time.Time, result error) error {
	stewards, err := s.Stewards(ctx, o.Community)
	if err != nil {
		return fmt.Errorf("telling the stewards of a webhook that wants no more: %w", err)
	}
	err = s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.CloseWebhook(ctx, configured(w)); err != nil {
			return err
		}
		return Enter(ctx, tx, Notification{
			Community: o.Community, Type: Governance, Subject: "Webhook", Title: w.Name, At: now, For: stewards,
			Text:   "answered that it wants no more (410); nothing is posted to it until the server's operator changes its configuration",
			Source: lostPrefix + w.Name + "/" + configured(w),
		})
	})
	if err != nil {
		return fmt.Errorf("telling the stewards of a webhook that wants no more: %w", err)
	}
	return result
}

// lost tells the stewards, once a day, that what was for a webhook is given up, and gives
// the reason on.
func (s *Service) lost(ctx context.Context, o Order, now time.Time, result error) error {
	stewards, err := s.Stewards(ctx, o.Community)
	if err != nil {
		return fmt.Errorf("telling the stewards of a webhook that was given up: %w", err)
	}
	err = s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return Enter(ctx, tx, Notification{
			Community: o.Community, Type: Governance, Subject: "Webhook", Title: o.Webhook, At: now, For: stewards,
			Text:   "could not be delivered and was given up; the server's operator finds why in `agora inbox list`",
			Source: lostPrefix + o.Webhook + "/" + now.UTC().Format(time.DateOnly),
		})
	})
	if err != nil {
		return fmt.Errorf("telling the stewards of a webhook that was given up: %w", err)
	}
	return result
}

// payload is the body of a webhook: the form that Standard Webhooks propose, and the text
// that Slack shows.
type payload struct {
	Type      Type      `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Text      string    `json:"text"`
	Data      data      `json:"data"`
}

type data struct {
	Community   string `json:"community"`
	CommunityID int64  `json:"community_id"`
	Repository  string `json:"repository,omitempty"`
	RFC         int    `json:"rfc,omitempty"`
	Title       string `json:"title"`
	URL         string `json:"url,omitempty"`
	ActorID     int64  `json:"actor_id,omitempty"`
}

func (s *Service) payload(n Notification, p place) payload {
	d := data{Community: p.account, CommunityID: n.Community, RFC: n.RFC, Title: n.Title, URL: n.URL, ActorID: n.Actor}
	if p.repository.ID != 0 {
		d.Repository = p.repository.FullName()
	}
	return payload{Type: n.Type, Timestamp: n.At.UTC(), Text: s.slack(n), Data: d}
}

// slack writes a notification as Slack reads it: & < > are all that has a meaning there.
func (s *Service) slack(n Notification) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	name := escape(n.name(s.title))
	if n.URL != "" {
		name = "<" + strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C").Replace(n.URL) + "|" + name + ">"
	}
	return name + ": " + escape(n.Text)
}
