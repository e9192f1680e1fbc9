package notification_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/app/outbound"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// The people of acme: each is a member under this id.
const (
	maya int64 = iota + 1
	kim
	lee
	noor
)

const (
	acme   int64 = 77
	public int64 = 9  // a repository
	secret int64 = 10 // a private one
)

var logins = map[int64]string{maya: "maya", kim: "kim", lee: "lee", noor: "noor"}

func address(member int64) string { return logins[member] + "@example.org" }

// office is where notifications are sent from: the real store and queue, on a clock that
// is set by hand, with senders that remember what they were given.
type office struct {
	t       *testing.T
	store   *store.Store
	service *notification.Service
	worker  *worker.Worker
	clock   *clock
	mail    *mailer
	posts   *poster
	readers readers
	sources int
	seen    map[string]int // outcomes
	runs    map[string]int // by kind
}

type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

// mailer takes letters, unless it is told to refuse those to an address.
type mailer struct {
	mu      sync.Mutex
	letters []outbound.Letter
	refuses map[string]error
	tries   int
}

func (m *mailer) Send(_ context.Context, l outbound.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tries++
	if err := m.refuses[l.To]; err != nil {
		return err
	}
	m.letters = append(m.letters, l)
	return nil
}

// poster takes messages, unless it is told to refuse those to a webhook.
type poster struct {
	mu      sync.Mutex
	got     map[string][]outbound.Message
	refuses map[string]error
	tries   []time.Time
}

func (p *poster) Post(_ context.Context, webhook config.Webhook, m outbound.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries = append(p.tries, m.At)
	if err := p.refuses[webhook.Name]; err != nil {
		return err
	}
	p.got[webhook.Name] = append(p.got[webhook.Name], m)
	return nil
}

// readers knows who may read the private repository; nil when GitHub does not answer.
type readers map[int64]app.Permission

func (r readers) PermissionOf(_ context.Context, user app.User) (app.Permission, error) {
	if r == nil {
		return app.PermissionNone, app.Errorf(app.CodeUnavailable, "GitHub does not answer")
	}
	return r[user.ID], nil
}

// inOffice runs a test on both databases, at ten in the morning.
func inOffice(t *testing.T, webhooks []config.Webhook, test func(*office)) {
	t.Helper()
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		o := &office{t: t, clock: &clock{}, mail: &mailer{refuses: map[string]error{}}, seen: map[string]int{}, runs: map[string]int{}, readers: readers{},
			posts: &poster{got: map[string][]outbound.Message{}, refuses: map[string]error{}}}
		o.clock.micros.Store(time.Date(2026, 10, 1, 10, 0, 0, 0, time.UTC).UnixMicro())
		o.store = storetest.Open(t, url, store.Options{Clock: o.clock.now, LeaseClock: o.clock.now})
		people := community.New(o.store.Community(), nil, o.clock.now)
		o.service = notification.New(notification.Options{
			Store: o.store.Notifications(), Clock: o.clock.now, Mailer: o.mail, Webhooks: webhooks, Poster: o.posts,
			Repos: func(app.Repository) notification.Readers { return o.readers }, Stewards: people.KnownStewards,
			Plain:   render.Plain,
			Observe: func(channel, outcome string) { o.seen[channel+" "+outcome]++ },
		})
		ordered := func(do func(context.Context, notification.Order) error) worker.Handler {
			return func(ctx context.Context, e app.Entry) error {
				order, err := notification.ReadOrder(e.Body)
				if err != nil {
					return err
				}
				return do(ctx, order)
			}
		}
		o.worker = worker.New(o.store, map[string]worker.Handler{
			notification.FanOutKind:  ordered(o.service.FanOut),
			notification.LetterKind:  o.service.Letter,
			notification.DigestsKind: func(ctx context.Context, _ app.Entry) error { return o.service.Digests(ctx) },
			notification.DigestKind:  o.service.Digest,
			notification.WebhookKind: func(ctx context.Context, e app.Entry) error {
				o.runs[e.Kind]++
				return o.service.Post(ctx, e)
			},
		}, worker.Options{Clock: o.clock.now, Logger: zerolog.Nop()})
		o.founded()
		test(o)
	})
}

// founded makes the community, and has its digests' timer set.
func (o *office) founded() {
	o.t.Helper()
	account := app.Account{ID: acme, Login: "acme", Organization: true}
	o.ok(o.store.Community().InTx(o.t.Context(), func(ctx context.Context, tx community.Tx) error {
		errs := []error{
			tx.SaveInstallation(ctx, app.Installation{ID: 5, Account: account}),
			tx.SaveRepository(ctx, app.Repository{ID: public, Owner: account, Name: "rocket", Installation: 5}),
			tx.SaveRepository(ctx, app.Repository{ID: secret, Owner: account, Name: "secret", Private: true, Installation: 5}),
		}
		for id, login := range logins {
			errs = append(errs, tx.SaveMember(ctx, community.Member{Community: acme, ID: id, Login: login, Name: strings.ToUpper(login),
				JoinedAt: o.clock.now().Add(-time.Hour), Role: map[int64]string{maya: "steward"}[id]}))
		}
		return errors.Join(errs...)
	}))
	o.ok(o.store.InTx(o.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return notification.OrderDigests(ctx, tx, o.clock.now())
	}))
}

func (o *office) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// pass lets time go by, in steps, and everything due in it happen.
func (o *office) pass(d time.Duration) {
	o.t.Helper()
	for step := d / 20; d > 0; d -= max(step, time.Second) {
		o.clock.micros.Add(max(step, time.Second).Microseconds())
		o.run()
	}
}

// run does what there is to do now.
func (o *office) run() {
	o.t.Helper()
	o.ok(o.service.Number(o.t.Context()))
	o.ok(o.worker.Drain(o.t.Context()))
}

// tell enters something that happened in a repository, for the given people or for all.
func (o *office) tell(repository int64, t notification.Type, to ...int64) {
	o.t.Helper()
	o.enter(repository, t, to...)
	o.run()
}

// enter is tell before anybody is told.
func (o *office) enter(repository int64, t notification.Type, to ...int64) {
	o.t.Helper()
	o.sources++
	o.ok(o.store.Notifications().InTx(o.t.Context(), func(ctx context.Context, tx notification.Tx) error {
		return notification.Enter(ctx, tx, notification.Notification{
			Community: acme, Type: t, Repository: repository, RFC: o.sources, Subject: fmt.Sprintf("RFC-%d", o.sources),
			Title: "Weights & <!channel>", Text: "happened", URL: "https://github.com/acme/rocket/issues/" + fmt.Sprint(o.sources),
			At: o.clock.now(), Source: fmt.Sprint("source/", o.sources), Actor: kim, For: to,
		})
	}))
}

// mails has members hear by e-mail.
func (o *office) mails(mode notification.Mail, members ...int64) {
	o.t.Helper()
	for _, member := range members {
		o.ok(o.store.Notifications().InTx(o.t.Context(), func(ctx context.Context, tx notification.Tx) error {
			return notification.SetMail(ctx, tx, acme, member, mode, address(member), o.clock.now())
		}))
	}
}

// sent are the letters since the last look: to whom, and about what.
func (o *office) sent() (list []string) {
	o.mail.mu.Lock()
	defer o.mail.mu.Unlock()
	for _, l := range o.mail.letters {
		var about []string
		for _, item := range l.Items {
			name, _, _ := strings.Cut(item.Title, " ")
			about = append(about, name)
		}
		to, _, _ := strings.Cut(l.To, "@")
		list = append(list, to+": "+strings.Join(about, " "))
	}
	o.mail.letters = nil
	slices.Sort(list)
	return list
}

func (o *office) expect(what string, got []string, want ...string) {
	o.t.Helper()
	if !slices.Equal(got, want) {
		o.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func (o *office) parked() (list []store.Delivery) {
	o.t.Helper()
	list, err := o.store.ListInbox(o.t.Context(), "parked", 100)
	o.ok(err)
	return list
}
