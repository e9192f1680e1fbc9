package notification

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// The kinds of queue entries that notifications put into lanes.
const (
	NumberKind  = "notification.number"  // give what is new its place
	FanOutKind  = "notification.fanout"  // order the letters about one notification
	LetterKind  = "notification.letter"  // one letter to one member
	DigestsKind = "notification.digests" // order the digests that are due
	DigestKind  = "notification.digest"  // one digest to one member
	WebhookKind = "notification.webhook" // one webhook
)

// The channels besides the inbox, and what becomes of a try to send by one.
const (
	ByMail    = "mail"
	ByWebhook = "webhook"

	Sent     = "sent"
	Failed   = "failed"   // tried again
	GivenUp  = "given_up" // refused for good, or tried for three days
	Withheld = "withheld" // who would get it may not read it
)

// NumberLane is the lane of the entries that give places: one at a time, over all
// replicas.
const NumberLane = NumberKind

// LanePrefix begins the names of the lanes that each serve one letter or webhook, and are
// of no use after it.
const LanePrefix = "notify/"

// Keep is how long notifications are kept.
const Keep = 400 * 24 * time.Hour

// Order is the body of such entries; what is of no concern is zero.
type Order struct {
	Community int64  `json:"community,omitempty"`
	Position  int64  `json:"position,omitempty"`
	Member    int64  `json:"member,omitempty"`
	Webhook   string `json:"webhook,omitempty"`
}

func (o Order) body() []byte {
	data, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("marshalling an order: %v", err)) // plain fields always marshal
	}
	return data
}

// lane is the lane of such an order and of no other; but the digests of a member stand
// in one, so that each begins where the one before it ended.
func (o Order) lane(kind string) string {
	if kind == DigestKind {
		o.Position = 0
	}
	return fmt.Sprintf("%s%s/%d/%d/%d/%s", LanePrefix, kind, o.Community, o.Position, o.Member, o.Webhook)
}

// ReadOrder reads an entry's body; one that cannot be read is parked.
func ReadOrder(body []byte) (Order, error) {
	var o Order
	if err := json.Unmarshal(body, &o); err != nil {
		return o, app.Park(fmt.Errorf("reading an order: %w", err))
	}
	return o, nil
}

// Tx is what the service needs of a transaction. Lookups that find nothing return an
// error with app.CodeNotFound.
type Tx interface {
	Entering
	Reading
	Setting

	// NumberNotifications gives up to limit new notifications the next places in their
	// communities, puts those for some into their inboxes, and returns them.
	NumberNotifications(ctx context.Context, limit int) ([]Notification, error)
	// AnybodyMailed reports whether some member of the community wants letters one by one.
	AnybodyMailed(ctx context.Context, community int64) (bool, error)
	// NextMailed lists members who are to have a letter about the notification and none
	// was ordered for, and notes that one is.
	NextMailed(ctx context.Context, n Notification, limit int) ([]int64, error)
	// NextDigests lists members whose digest is due, and sets when their next one is.
	NextDigests(ctx context.Context, now, next time.Time, limit int) ([]Order, error)
	// Received lists the newest notifications of a member after one place and up to
	// another, newest first.
	Received(ctx context.Context, community, member int64, joined time.Time, after, upTo int64, limit int) ([]Header, error)
	// MailedUpTo notes that no letter is due any more up to a place.
	MailedUpTo(ctx context.Context, community, member, position int64) error
	// ReadyLanes counts the lanes with a prefix that wait for a worker, as far as limit.
	ReadyLanes(ctx context.Context, prefix string, limit int) (int, error)

	// CloseWebhook notes that a webhook's receiver wants no more, and WebhookClosed tells
	// whether it does. They know a webhook by a digest of its configuration.
	CloseWebhook(ctx context.Context, webhook string) error
	WebhookClosed(ctx context.Context, webhook string) (bool, error)

	Installation(ctx context.Context, account int64) (app.Installation, error)
	SetTimerEarlier(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error
}

// Store runs transactions; see rfc.Store.
type Store interface {
	InTx(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
	View(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
}

// Readers tells who may read a repository on GitHub at this moment. An error means
// unknown, never no.
type Readers interface {
	PermissionOf(ctx context.Context, user app.User) (app.Permission, error)
}

// Options are what a Service is made of.
type Options struct {
	Store Store
	Clock app.Clock
	// Mailer sends letters; nil when the server has nothing to send them with.
	Mailer Mailer
	// Webhooks are those of the server's configuration, and Poster sends to them.
	Webhooks []config.Webhook
	Poster   Poster
	// Repos gives GitHub as one repository's installation sees it.
	Repos func(app.Repository) Readers
	// Stewards lists a community's stewards who are members, as far as is known.
	Stewards func(ctx context.Context, community int64) ([]int64, error)
	// Plain makes people's text fit for one line of text that is no Markdown.
	Plain func(text string, limit int) string
	// Numbered is told the type of each notification when it has its place, and Observe
	// what became of each letter and webhook. May be nil.
	Numbered func(t Type)
	Observe  func(channel, outcome string)
}

// Service brings notifications to people.
type Service struct {
	Options
	letters *slots
	posts   *slots
}

// New makes the service.
func New(options Options) *Service {
	if options.Numbered == nil {
		options.Numbered = func(Type) {}
	}
	if options.Observe == nil {
		options.Observe = func(string, string) {}
	}
	return &Service{Options: options, letters: newSlots(lettersAtOnce, options.Clock), posts: newSlots(postsAtOnce, options.Clock)}
}

// numberBatch is how many notifications one transaction gives places.
const numberBatch = 100

// Number gives every new notification its place, and orders what follows from it. It can
// be stopped at any moment and run again; when several run, each gets one place.
func (s *Service) Number(ctx context.Context) error {
	for {
		var numbered []Notification
		err := s.Store.InTx(ctx, func(ctx context.Context, tx Tx) (err error) {
			if numbered, err = tx.NumberNotifications(ctx, numberBatch); err != nil {
				return err
			}
			return s.follow(ctx, tx, numbered)
		})
		if err != nil {
			return fmt.Errorf("giving notifications their places: %w", err)
		}
		for _, n := range numbered {
			s.Numbered(n.Type)
		}
		if len(numbered) < numberBatch {
			return nil
		}
	}
}

// follow orders the letters and webhooks that follow from new notifications.
func (s *Service) follow(ctx context.Context, tx Tx, numbered []Notification) error {
	mailed := map[int64]bool{}
	for _, n := range numbered {
		mails, asked := mailed[n.Community]
		if !asked && s.Mailer != nil {
			var err error
			if mails, err = tx.AnybodyMailed(ctx, n.Community); err != nil {
				return err
			}
			mailed[n.Community] = mails
		}
		o := Order{Community: n.Community, Position: n.Position}
		if mails {
			if err := tx.Enqueue(ctx, o.lane(FanOutKind), FanOutKind, "", o.body()); err != nil {
				return err
			}
		}
		if err := s.orderWebhooks(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

// find loads the notification of an order; it may have been dropped meanwhile.
func (s *Service) find(ctx context.Context, tx Tx, o Order) (Notification, bool, error) {
	found, err := tx.NotificationsAt(ctx, o.Community, o.Position)
	if err != nil || len(found) == 0 {
		return Notification{}, false, err
	}
	return found[0], true, nil
}
