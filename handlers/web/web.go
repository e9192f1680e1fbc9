// Package web is how people and programs read Agora: the JSON API, the pages,
// health and metrics. Everything here is read-only; what moves
// an RFC arrives by the webhook, whose handler is only mounted here.
//
// What belongs to a private repository answers exactly as if it did not exist,
// except to the gate when a GitHub Actions token of that very repository proves
// the right to see it.
package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"

	"github.com/agora-rfc/agora/app"
	communities "github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
)

const (
	// requestTimeout bounds how long one read may take.
	requestTimeout = 10 * time.Second
	// maxReads bounds how many run at once, and with that the memory they hold.
	maxReads = 64
	// hookPath is where GitHub posts its webhooks.
	hookPath = "/api/github/hook"
	// closedKept bounds how many results of closed rounds are remembered.
	closedKept = 1000
)

// Prover tells for which repository a bearer token was made.
type Prover interface {
	// Proves returns the numeric id of the repository whose workflow holds the token.
	// A token that proves nothing is app.CodeForbidden; app.CodeUnavailable means that
	// it could not be checked now.
	Proves(ctx context.Context, token string) (repositoryID int64, err error)
}

// Members tells what a community's members have earned and done. Each joins a look at the
// store that ctx carries.
type Members interface {
	// Reputations are the R of some members, 0 to 100.
	Reputations(ctx context.Context, account int64, members ...int64) (map[int64]int, error)
	// Leaderboard ranks them; see community.Service.
	Leaderboard(ctx context.Context, scope communities.Scope, by communities.LeaderboardOrder, days, limit, offset int) ([]communities.Place, error)
	// Stats measures a community, and Engagement is a member's score, as far as a scope
	// goes.
	Stats(ctx context.Context, scope communities.Scope) (communities.Stats, error)
	Engagement(ctx context.Context, scope communities.Scope, member int64) (int, error)
}

// Options are what the handlers work with. Store, Clock and Members are needed;
// without one of the others its part answers 404, and readiness is health.
type Options struct {
	Store rfc.Store
	Clock app.Clock
	// PublicURL is the address under which people reach this server, without a slash
	// at the end; "" makes links relative.
	PublicURL string
	// Ready says why the server cannot work, nil when it can. The reason is logged,
	// not served.
	Ready func(ctx context.Context) error
	// Gatherer gathers the metrics.
	Gatherer prometheus.Gatherer
	// Hook takes GitHub's webhooks.
	Hook http.Handler
	// Prover opens the gate of private repositories to their own workflows.
	Prover Prover
	// Members tells what members have earned.
	Members Members
}

// server is what all handlers share.
type server struct {
	store     rfc.Store
	now       app.Clock
	publicURL string
	prover    Prover
	members   Members
	// closed remembers the results of closed rounds without their ballots: they never
	// change, and lists show many.
	closed *lru.Cache[roundKey, rfc.Result]
}

// New returns the handler of the whole server.
func New(options Options) http.Handler {
	if options.Clock == nil {
		options.Clock = time.Now
	}
	s := &server{
		store: options.Store, now: options.Clock, publicURL: strings.TrimRight(options.PublicURL, "/"),
		prover: options.Prover, members: options.Members, closed: newClosed(),
	}
	reads := http.NewServeMux()
	s.mountAPI(reads)
	s.mountPages(reads)

	onlyReads := onlyReads(s.now)
	mux := http.NewServeMux()
	mux.Handle("/", onlyReads(bounded(semaphore.NewWeighted(maxReads), reads)))
	mux.Handle("/healthz", onlyReads(http.HandlerFunc(healthy)))
	mux.Handle("/readyz", onlyReads(ready(options.Ready)))
	if options.Gatherer != nil {
		// While the database is away, what the process itself counts is wanted most.
		mux.Handle("/metrics", onlyReads(promhttp.HandlerFor(options.Gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})))
	}
	if options.Hook != nil {
		mux.Handle("POST "+hookPath, options.Hook)
		mux.Handle(hookPath, refused("POST", "GitHub sends its webhooks here."))
	}
	return recovered(secured(strings.HasPrefix(s.publicURL, "https://"), mux))
}

// healthy says that the process answers; it touches nothing.
func healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "ok")
}

// ready asks whether the server can work now.
func ready(check func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		if check != nil {
			if err := check(ctx); err != nil {
				zerolog.Ctx(ctx).Warn().Err(err).Msg("not ready")
				answer(w, http.StatusServiceUnavailable, "not ready")
				return
			}
		}
		answer(w, http.StatusOK, "ready")
	})
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
