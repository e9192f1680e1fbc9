// Package ghclient is GitHub as Agora uses it: Agora's own words (package app)
// in and out, GitHub's REST API underneath.
//
// Tokens, JWTs and requests are go-githubapp's, ghinstallation's and go-github's.
// What is ours stands between them: installation clients that are kept, so that
// their tokens are; conditional requests that outlive a token; a budget of writes
// and a pause for every installation; and one place where GitHub's refusals
// become Agora's coded errors. Fields that go-github v62 drops (the time of a
// reaction, a role's name, the App behind a comment) are decoded here.
package ghclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v62/github"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/palantir/go-githubapp/githubapp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
)

const (
	// defaultAPI is where GitHub is when the settings name no other.
	defaultAPI = "https://api.github.com/"
	// maxAccounts bounds the installations whose clients and tokens are kept.
	maxAccounts = 1024
	// maxTails bounds the comments whose reactions are watched.
	maxTails = 4096
	// maxPages bounds every list at 50,000 items.
	maxPages = 500
	perPage  = 100
)

// Options are what a GitHub client may be told; the zero value serves.
type Options struct {
	// Clock tells the time; nil is the machine's, in UTC.
	Clock app.Clock
	// HTTP carries the requests; nil is a transport of our own.
	HTTP http.RoundTripper
	// UserAgent names the program to GitHub, for instance "agora/1.2".
	UserAgent string
	// Logger gets every request at debug level unless the context has its own.
	Logger zerolog.Logger
	// Metrics gets the counters; nil counts nothing.
	Metrics prometheus.Registerer
	// WriteRate (a second) and WriteBurst bound all writes of an installation.
	// Zero means 40 a minute and 40: at most GitHub's 80 in any minute, and room for
	// what a change of state writes at once.
	WriteRate  rate.Limit
	WriteBurst int
	// ContentRate (a second) and ContentBurst bound besides what creates
	// content. Zero means 440 an hour and 50, which keeps under GitHub's 500
	// in any hour. rate.Inf lifts a bound.
	ContentRate  rate.Limit
	ContentBurst int
	// Shared keeps these bounds over all replicas, and what GitHub said to one of
	// them. Nil: this process keeps them alone.
	Shared Shared
}

// GitHub is one GitHub App's view of GitHub. It is safe for concurrent use.
type GitHub struct {
	creator   githubapp.ClientCreator
	id        int64
	options   Options
	transport *boundedTransport
	accounts  *lru.Cache[int64, *account]
	answers   *answers
	tails     *lru.Cache[tailKey, tail]

	identityMu sync.Mutex
	identity   AppIdentity
}

// New makes a client of an App's settings: where the API is, the App's id and
// its private key. It makes no request. Errors name the setting, never its value.
func New(settings githubapp.Config, options Options) (*GitHub, error) {
	base, err := apiURL(settings.V3APIURL)
	if err != nil {
		return nil, err
	}
	if settings.App.IntegrationID <= 0 {
		return nil, errors.New("integration_id must be the App's id")
	}
	options.setDefaults()
	accounts, err := lru.New[int64, *account](maxAccounts)
	if err != nil {
		return nil, fmt.Errorf("keeping installations: %w", err)
	}
	tails, err := lru.New[tailKey, tail](maxTails)
	if err != nil {
		return nil, fmt.Errorf("keeping the ends of lists: %w", err)
	}
	g := &GitHub{
		id: settings.App.IntegrationID, options: options,
		accounts: accounts, answers: newAnswers(), tails: tails,
	}
	requests, err := newRequestMetrics(options.Metrics, base.Path, g.leastRemaining)
	if err != nil {
		return nil, fmt.Errorf("registering GitHub's metrics: %w", err)
	}
	g.transport = newBoundedTransport(options.HTTP, requests)
	g.creator = githubapp.NewClientCreator(base.String(), "", g.id, []byte(settings.App.PrivateKey),
		githubapp.WithClientUserAgent(options.UserAgent),
		githubapp.WithTransport(g.transport),
		// The first stands outermost. The cache is above the token, so that a
		// new token does not empty it; the limits see every real answer.
		githubapp.WithClientMiddleware(
			withLogger(options.Logger),
			githubapp.ClientLogging(zerolog.DebugLevel),
			g.answers.middleware,
			g.limits,
		))
	if _, err := g.creator.NewAppClient(); err != nil {
		return nil, errors.New("private_key is not an RSA private key in PEM")
	}
	return g, nil
}

// Close lets idle connections go. Calls after it work, on new connections.
func (g *GitHub) Close() { g.transport.CloseIdleConnections() }

func (o *Options) setDefaults() {
	if o.Clock == nil {
		o.Clock = func() time.Time { return time.Now().UTC() }
	}
	if o.UserAgent == "" {
		o.UserAgent = "agora"
	}
	if o.WriteRate == 0 {
		o.WriteRate = rate.Limit(40.0 / 60)
	}
	if o.WriteBurst == 0 {
		o.WriteBurst = 40
	}
	if o.ContentRate == 0 {
		o.ContentRate = rate.Limit(440.0 / 3600)
	}
	if o.ContentBurst == 0 {
		o.ContentBurst = 50
	}
}

func apiURL(setting string) (*url.URL, error) {
	if setting == "" {
		setting = defaultAPI
	}
	u, err := url.Parse(setting)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("v3_api_url must be an http or https address")
	}
	if u.User != nil {
		return nil, errors.New("v3_api_url must not carry credentials")
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

// account is what is kept of one installation, or of the App itself under 0.
type account struct {
	budget

	mu     sync.Mutex
	client *github.Client
}

func (g *GitHub) account(installation int64) *account {
	if known, found := g.accounts.Get(installation); found {
		return known
	}
	fresh := &account{budget: newBudget(installation, g.options)}
	if known, found, _ := g.accounts.PeekOrAdd(installation, fresh); found {
		return known // made meanwhile
	}
	return fresh
}

// clientOf gives the account's client. go-githubapp makes a new token transport
// for each client it creates, so the client must be kept for the token to be.
func (g *GitHub) clientOf(a *account) (*github.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != nil {
		return a.client, nil
	}
	var made *github.Client
	var err error
	if a.installation == 0 {
		made, err = g.creator.NewAppClient()
	} else {
		made, err = g.creator.NewInstallationClient(a.installation)
	}
	if err != nil {
		return nil, fmt.Errorf("making a client of installation %d: %w", a.installation, err)
	}
	transport := made.Client()
	transport.CheckRedirect = checkRedirect(made.BaseURL)
	a.client = github.NewClient(transport)
	a.client.BaseURL, a.client.UserAgent = made.BaseURL, made.UserAgent
	return a.client, nil
}

// drop forgets a client whose token GitHub no longer takes.
func (a *account) drop(client *github.Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == client {
		a.client = nil
	}
}

type accountKey struct{}

func accountFrom(ctx context.Context) *account {
	a, _ := ctx.Value(accountKey{}).(*account)
	return a
}

// request is one call of go-github.
type request[T any] func(context.Context, *github.Client) (T, *github.Response, error)

// call makes a request for an installation (0: as the App itself). A token that
// GitHub rejects is dropped and the request made once more: a 401 had no effect.
// What was being done goes into the error.
func call[T any](ctx context.Context, g *GitHub, installation int64, doing string, do request[T]) (T, *github.Response, error) {
	a := g.account(installation)
	ctx = context.WithValue(ctx, accountKey{}, a)
	for again := installation != 0; ; again = false {
		resumed := a.resumptions(ctx)
		client, err := g.clientOf(a)
		if err != nil {
			var none T
			return none, nil, g.explain(ctx, a, resumed, doing, err)
		}
		value, response, err := do(ctx, client)
		if again && unauthorized(err) {
			a.drop(client)
			continue
		}
		return value, response, g.explain(ctx, a, resumed, doing, err)
	}
}

// page is one page of a list.
type page[T any] func(context.Context, *github.Client, github.ListOptions) ([]T, *github.Response, error)

// list reads all pages. A list too long to be read whole is an error: half a
// list must never pass for the whole.
func list[T any](ctx context.Context, g *GitHub, installation int64, doing string, do page[T]) ([]T, error) {
	var all []T
	at := github.ListOptions{Page: 1, PerPage: perPage}
	for range maxPages {
		items, response, err := call(ctx, g, installation, doing,
			func(ctx context.Context, client *github.Client) ([]T, *github.Response, error) {
				return do(ctx, client, at)
			})
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if response.NextPage <= at.Page {
			return all, nil
		}
		at.Page = response.NextPage
	}
	return nil, app.Errorf(app.CodeInvalid, "%s: the list has more than %d pages", doing, maxPages)
}

// get asks for a path and decodes the answer into a T of ours, for what
// go-github has no type for.
func get[T any](ctx context.Context, client *github.Client, path string) (T, *github.Response, error) {
	return send[T](ctx, client, http.MethodGet, path, nil)
}

func send[T any](ctx context.Context, client *github.Client, method, path string, body any) (T, *github.Response, error) {
	var value T
	req, err := client.NewRequest(method, path, body)
	if err != nil {
		return value, nil, err
	}
	response, err := client.Do(ctx, req, &value)
	return value, response, err
}
