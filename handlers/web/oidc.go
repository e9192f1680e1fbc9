package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
)

// ActionsIssuer is who makes the tokens of workflows on the GitHub with this address: on
// GitHub Enterprise Server it is at https://HOST/_services/token, and a company's own
// part of GitHub, at NAME.ghe.com, has its own.
func ActionsIssuer(webURL string) string {
	at, err := url.Parse(webURL)
	switch {
	case err != nil || at.Host == "" || strings.EqualFold(at.Hostname(), "github.com"):
		return "https://token.actions.githubusercontent.com"
	case strings.HasSuffix(strings.ToLower(at.Hostname()), ".ghe.com"):
		return "https://token.actions." + strings.ToLower(at.Hostname())
	}
	return strings.TrimSuffix(webURL, "/") + "/_services/token"
}

// maxToken bounds a token in bytes; GitHub's have about two thousand.
const maxToken = 8 << 10

// ActionsProver proves repositories by the OpenID Connect tokens of GitHub Actions.
// The issuer's keys are read when the first token comes, and again when an unknown
// key is named, at a bounded rate: anybody can send tokens.
type ActionsProver struct {
	issuer, audience string
	now              app.Clock
	client           *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

// NewActionsProver takes tokens of the issuer that were made for the audience, which
// is the server's public URL.
func NewActionsProver(issuer, audience string, clock app.Clock) *ActionsProver {
	return &ActionsProver{
		issuer: issuer, audience: audience, now: clock,
		client: &http.Client{
			Timeout:   requestTimeout,
			Transport: &sparing{next: http.DefaultTransport, limit: rate.NewLimiter(rate.Every(time.Minute), 5)},
		},
	}
}

// sparing sends requests at a bounded rate.
type sparing struct {
	next  http.RoundTripper
	limit *rate.Limiter
}

var errSparing = errors.New("asked too often")

func (s *sparing) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.limit.Allow() {
		return nil, errSparing
	}
	return s.next.RoundTrip(r)
}

// Proves implements Prover.
func (p *ActionsProver) Proves(ctx context.Context, token string) (int64, error) {
	if len(token) > maxToken || p.audience == "" {
		return 0, app.Errorf(app.CodeForbidden, "The token proves nothing.")
	}
	verifier, err := p.ready(ctx)
	if err != nil {
		return 0, err
	}
	verified, err := verifier.Verify(ctx, token)
	if err != nil {
		return 0, &app.Error{Code: app.CodeForbidden, Message: "The token proves nothing.", Err: err}
	}
	var claims struct {
		RepositoryID string `json:"repository_id"`
	}
	if err := verified.Claims(&claims); err != nil {
		return 0, &app.Error{Code: app.CodeForbidden, Message: "The token proves nothing.", Err: err}
	}
	id, err := strconv.ParseInt(claims.RepositoryID, 10, 64)
	if err != nil || id <= 0 {
		return 0, app.Errorf(app.CodeForbidden, "The token names no repository.")
	}
	return id, nil
}

// ready reads the issuer's own description once.
func (p *ActionsProver) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.verifier != nil {
		return p.verifier, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.issuer)
	if err != nil {
		return nil, &app.Error{Code: app.CodeUnavailable, Message: "The token cannot be checked now.", Err: err}
	}
	p.verifier = provider.Verifier(&oidc.Config{ClientID: p.audience, Now: p.now})
	return p.verifier, nil
}
