// Package webhook is where GitHub's events arrive: they are checked, written to the
// inbox and acknowledged; later, one file an event, they are decoded and handed to
// the domain as what happened. Nothing is decided here.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/palantir/go-githubapp/githubapp"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
)

// maxBody is the largest payload GitHub sends (its documented limit).
const maxBody = 25 << 20

// Kind is the kind of the queue entries that hold deliveries.
const Kind = "webhook"

// Options are what webhooks need.
type Options struct {
	Secret    string // the webhook's secret, never empty
	Queue     Queue
	RFCs      *rfc.Service
	Community *community.Service
	GitHub    func(app.Repository) MergeQueue
	// Self is the App's own login on GitHub, "" when it is not known yet.
	Self func(ctx context.Context) string
	// Clock tells the time; nil is the machine's.
	Clock app.Clock
	// Observe is told what became of each delivery at the door: "accepted",
	// "duplicate", "redelivered", "ignored", "rejected", "shed" or "failed". The event
	// is "other" when it is none that Agora takes. May be nil.
	Observe func(event, outcome string)
	// MaxWaiting bounds the deliveries that wait to be written (1,024 when 0), and
	// MaxBuffered the bytes of bodies that are being read or wait (256 MiB). What
	// comes on top is answered 503 at once.
	MaxWaiting  int
	MaxBuffered int64
}

// MergeQueue reads what stands in a repository's merge queue.
type MergeQueue interface {
	CommitsBetween(ctx context.Context, base, head string) ([]string, error)
	PullsForCommit(ctx context.Context, sha string) ([]app.Issue, error)
}

// Webhooks receives and handles GitHub's events.
type Webhooks struct {
	Options
	handlers map[string]githubapp.EventHandler
	hook     http.Handler
	load     load
	refusals *rate.Limiter // of what the log says about deliveries that were refused
}

// refusalsApart bounds how often the log says so: anybody can post.
const refusalsApart = time.Minute

// New makes the webhooks. An empty secret would accept unsigned bodies and is an
// error.
func New(options Options) (*Webhooks, error) {
	if options.Secret == "" {
		return nil, errors.New("webhook_secret is empty")
	}
	w := &Webhooks{Options: options, handlers: map[string]githubapp.EventHandler{}, refusals: rate.NewLimiter(rate.Every(refusalsApart), 1)}
	if w.Clock == nil {
		w.Clock = time.Now
	}
	if w.Observe == nil {
		w.Observe = func(string, string) {}
	}
	w.load.bound(options.MaxWaiting, options.MaxBuffered)
	events := w.events()
	for _, handler := range events {
		for _, event := range handler.Handles() {
			if w.handlers[event] != nil {
				return nil, fmt.Errorf("two handlers take the event %s", event) // the first would win silently
			}
			w.handlers[event] = handler
		}
	}
	w.hook = w.filter(githubapp.NewEventDispatcher(events, options.Secret,
		githubapp.WithScheduler(scheduler{options.Queue, &w.load, w.Observe}), githubapp.WithErrorCallback(w.answerError),
		githubapp.WithResponseCallback(w.answer)))
	return w, nil
}

// events lists the handlers, one for each event Agora takes.
func (w *Webhooks) events() []githubapp.EventHandler {
	return []githubapp.EventHandler{
		on("issues", w.issues),
		on("issue_comment", w.issueComment),
		on("pull_request", w.pullRequest),
		on("pull_request_review", w.pullRequestReview),
		on("label", w.label),
		on("push", w.push),
		on("installation", w.installation),
		on("installation_repositories", w.installationRepositories),
		on("installation_target", ignore[github.InstallationTargetEvent]), // an account has another login, as any event says
		on("repository", w.repository),
		on("check_run", w.checkRun),
		on("check_suite", w.checkSuite),
		on("merge_group", w.mergeGroup),
		on("org_block", w.orgBlock),
		on("member", ignore[github.MemberEvent]),
		on("membership", ignore[github.MembershipEvent]),
		on("team", ignore[github.TeamEvent]),
	}
}

// Events lists the events that handlers take, as app.yml must.
func (w *Webhooks) Events() []string {
	events := make([]string, 0, len(w.handlers))
	for event := range w.handlers {
		events = append(events, event)
	}
	return events
}

// Takes reports whether an event is kept: others are answered and forgotten.
func (w *Webhooks) Takes(event string) bool { return w.handlers[event] != nil }

// ServeHTTP takes a delivery: `POST /api/github/hook`.
func (w *Webhooks) ServeHTTP(out http.ResponseWriter, r *http.Request) { w.hook.ServeHTTP(out, r) }

// filter stands before the dispatcher: only SHA-256 signatures pass, no body is
// larger than GitHub's own limit.
func (w *Webhooks) filter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			out.Header().Set("Allow", http.MethodPost)
			http.Error(out, "webhooks are posted", http.StatusMethodNotAllowed)
			return
		}
		if !strings.HasPrefix(r.Header.Get(github.SHA256SignatureHeader), "sha256=") {
			w.unsigned(r.Context())
			w.Observe(w.eventOf(r), "rejected")
			http.Error(out, "the delivery has no X-Hub-Signature-256", http.StatusUnauthorized)
			return
		}
		if r.ContentLength > maxBody {
			w.Observe(w.eventOf(r), "rejected")
			http.Error(out, "the payload is larger than 25 MB", http.StatusRequestEntityTooLarge)
			return
		}
		if r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", "application/json") // as every App of ours is told to send it
		}
		r.Header.Del(github.SHA1SignatureHeader)
		r.Body = http.MaxBytesReader(out, r.Body, maxBody)
		defer w.load.measure(r)()
		next.ServeHTTP(out, r)
	})
}

// answer acknowledges a delivery.
func (w *Webhooks) answer(out http.ResponseWriter, r *http.Request, event string, handled bool) {
	if !handled {
		w.Observe(otherEvent, "ignored")
	}
	githubapp.DefaultResponseCallback(out, r, event, handled)
}

// otherEvent stands for every event that Agora does not take: the header is not
// signed, so that it may say anything.
const otherEvent = "other"

// unsigned says in the log, now and then, that deliveries are refused: with another
// secret on the App's page than here, GitHub alone would know of it. Nothing of the
// delivery is said.
func (w *Webhooks) unsigned(ctx context.Context) {
	if w.refusals.AllowN(w.Clock(), 1) {
		zerolog.Ctx(ctx).Warn().Msg("a delivery was refused: it is not signed with GITHUB_APP_WEBHOOK_SECRET, or its headers are broken; compare the secret with the one on the App's page")
	}
}

// answerError says what was wrong with a delivery. As an error it logs only what is
// Agora's fault.
func (w *Webhooks) answerError(out http.ResponseWriter, r *http.Request, err error) {
	var invalid githubapp.ValidationError
	var tooLarge *http.MaxBytesError
	var broken *brokenPayload
	cause := err
	if errors.As(err, &invalid) {
		cause = invalid.Cause // it does not unwrap to it
	}
	outcome := "rejected"
	switch {
	case errors.Is(cause, errOverloaded):
		outcome = "shed"
		out.Header().Set("Retry-After", retryAfter)
		http.Error(out, "Agora is overloaded; send the delivery again", http.StatusServiceUnavailable)
	case errors.As(cause, &tooLarge):
		http.Error(out, "the payload is larger than 25 MB", http.StatusRequestEntityTooLarge)
	case errors.As(err, &invalid):
		w.unsigned(r.Context())
		http.Error(out, "the delivery is not signed with the webhook's secret, or its headers are broken", http.StatusUnauthorized)
	case errors.As(err, &broken):
		http.Error(out, broken.Error(), http.StatusBadRequest)
	default:
		outcome = "failed"
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("keeping a delivery")
		out.Header().Set("Retry-After", retryAfter)
		http.Error(out, "the delivery could not be kept; send it again", http.StatusServiceUnavailable)
	}
	w.Observe(w.eventOf(r), outcome)
}

// eventOf is the event that a delivery says it is of, among those that Agora takes.
func (w *Webhooks) eventOf(r *http.Request) string {
	if event := r.Header.Get("X-GitHub-Event"); w.Takes(event) {
		return event
	}
	return otherEvent
}

// Handle runs a delivery that the inbox kept. A payload that cannot be decoded is
// parked; a repository the App does not reach is left alone.
func (w *Webhooks) Handle(ctx context.Context, entry app.Entry) error {
	event, payload, err := openEnvelope(entry.Body)
	if err != nil {
		return app.Park(err)
	}
	handler := w.handlers[event]
	if handler == nil {
		return nil
	}
	if err := w.Community.MadePrivate(ctx, privateIn(payload)...); err != nil {
		return fmt.Errorf("handling %s: %w", event, err)
	}
	if account, actor := heardIn(payload); account.ID != 0 {
		if err := w.Community.Heard(ctx, account, actor); err != nil {
			return fmt.Errorf("handling %s: %w", event, err)
		}
	}
	err = handler.Handle(context.WithValue(ctx, receivedKey{}, entry.EnqueuedAt), event, entry.DedupKey, payload)
	if errors.Is(err, community.ErrUnknownRepository) {
		zerolog.Ctx(ctx).Warn().Str("event", event).Msg("an event was left alone: the App does not reach its repository")
		return nil
	}
	if err != nil {
		return fmt.Errorf("handling %s: %w", event, err)
	}
	return nil
}

type receivedKey struct{}

// received is when the inbox took the delivery that is handled.
func received(ctx context.Context) time.Time {
	at, _ := ctx.Value(receivedKey{}).(time.Time)
	return at
}

// eventHandler decodes one event's payload and hands it on.
type eventHandler struct {
	event  string
	handle func(ctx context.Context, payload []byte) error
}

func (h eventHandler) Handles() []string { return []string{h.event} }

func (h eventHandler) Handle(ctx context.Context, _, _ string, payload []byte) error {
	return h.handle(ctx, payload)
}

// on makes the handler of one event from a function of its decoded payload; raw is
// the payload itself, for what go-github has no field for.
func on[E any](event string, do func(ctx context.Context, e *E, raw []byte) error) githubapp.EventHandler {
	return eventHandler{event, func(ctx context.Context, payload []byte) error {
		var decoded E
		if err := json.Unmarshal(payload, &decoded); err != nil {
			return app.Park(fmt.Errorf("decoding a %s payload: %w", event, err))
		}
		return do(ctx, &decoded, payload)
	}}
}

// ignore takes events that only ask for the roster to be read anew: Agora asks
// GitHub each time it needs it.
func ignore[E any](context.Context, *E, []byte) error { return nil }
