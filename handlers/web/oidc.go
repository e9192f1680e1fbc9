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
	var unread error
	verified, err := verifier.Verify(context.WithValue(ctx, unreadKey{}, &unread), token)
	if unread != nil {
		return 0, &app.Error{Code: app.CodeUnavailable, Message: "The token cannot be checked now.", Err: unread}
	}
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
	ctx = oidc.ClientContext(ctx, p.client)
	var description struct {
		Keys string `json:"jwks_uri"`
	}
	provider, err := oidc.NewProvider(ctx, p.issuer)
	if err == nil {
		err = provider.Claims(&description)
	}
	if err != nil {
		return nil, &app.Error{Code: app.CodeUnavailable, Message: "The token cannot be checked now.", Err: err}
	}
	// Signatures are RS256, the only ones that GitHub makes and a verifier's default.
	p.verifier = oidc.NewVerifier(p.issuer, keySet{oidc.NewRemoteKeySet(ctx, description.Keys)}, &oidc.Config{ClientID: p.audience, Now: p.now})
	return p.verifier, nil
}

// keySet tells that the issuer's keys could not be read from that a token is signed by
// none of them: the verifier makes one error of both. Who sends forged tokens may use up
// the requests there are, so that one over the rate is a token unchecked, not a bad one.
type keySet struct{ *oidc.RemoteKeySet }

// unreadKey finds in the context where to note why the keys could not be read.
type unreadKey struct{}

// VerifySignature implements oidc.KeySet.
func (k keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.RemoteKeySet.VerifySignature(ctx, token)
	// Only the error of reading them has a cause.
	if unread, noted := ctx.Value(unreadKey{}).(*error); noted && errors.Unwrap(err) != nil {
		*unread = err
	}
	return payload, err
}
