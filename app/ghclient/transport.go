package ghclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/palantir/go-githubapp/githubapp"
	"github.com/rs/zerolog"
)

const (
	connectTimeout = 10 * time.Second
	requestTimeout = 30 * time.Second
	// maxAnswer bounds an answer's body, in bytes.
	maxAnswer = 32 << 20
	// maxRedirects bounds how often one read is sent elsewhere.
	maxRedirects = 3
)

var errTooLarge = errors.New("the answer is larger than 32 MiB")

// boundedTransport is the lowest layer: each exchange, a token's included, has
// a bounded time and a bounded answer, and is counted.
type boundedTransport struct {
	next     http.RoundTripper
	requests *requestMetrics
}

func newBoundedTransport(next http.RoundTripper, requests *requestMetrics) *boundedTransport {
	if next == nil {
		next = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSHandshakeTimeout:   connectTimeout,
			ResponseHeaderTimeout: requestTimeout,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          64,
			MaxIdleConnsPerHost:   16,
			IdleConnTimeout:       90 * time.Second,
		}
	}
	return &boundedTransport{next: next, requests: requests}
}

// RoundTrip implements http.RoundTripper.
func (t *boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), requestTimeout)
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	t.requests.count(req, resp)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &boundedBody{body: resp.Body, left: maxAnswer, done: cancel}
	return resp, nil
}

// CloseIdleConnections passes the wish on to the transport beneath.
func (t *boundedTransport) CloseIdleConnections() {
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// boundedBody ends with an error, never silently short, when there is too much.
type boundedBody struct {
	body io.ReadCloser
	left int64
	done context.CancelFunc
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		// Only the end may still come.
		if n, err := b.body.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.body.Read(p)
	b.left -= int64(n)
	return n, err
}

func (b *boundedBody) Close() error {
	defer b.done()
	return b.body.Close()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// withLogger lends the logger to requests whose context has none.
func withLogger(logger zerolog.Logger) githubapp.ClientMiddleware {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if zerolog.Ctx(req.Context()).GetLevel() == zerolog.Disabled {
				req = req.WithContext(logger.WithContext(req.Context()))
			}
			return next.RoundTrip(req)
		})
	}
}

type repositoryKey struct{}

// wanted is the repository that a request means, and whether GitHub sent it on to
// another place: then that repository has another name, or another owner.
type wanted struct {
	id     int64
	sentOn atomic.Bool
}

// checkRedirect follows a redirect only for a read, only on the API's own host
// (the token is added to every request), and only when the same thing of the
// same repository is meant: that is a rename. A transferred issue redirects to
// another repository's, and must not be taken for it. Everything else comes
// back as the answer it is.
func checkRedirect(base *url.URL) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0]
		if first.Method != http.MethodGet || len(via) > maxRedirects ||
			req.URL.Scheme != base.Scheme || req.URL.Host != base.Host {
			return http.ErrUseLastResponse
		}
		from := splitRepository(base, first.URL)
		to := splitRepository(base, req.URL)
		var want int64
		meant, _ := req.Context().Value(repositoryKey{}).(*wanted)
		if meant != nil {
			want = meant.id
		}
		if from.rest != to.rest || (want != 0 && to.id != 0 && to.id != want) {
			return http.ErrUseLastResponse
		}
		if want != 0 && to.id == 0 && to.rest != "" {
			return http.ErrUseLastResponse // a name alone does not prove which repository it is
		}
		if meant != nil {
			meant.sentOn.Store(true)
		}
		return nil
	}
}

// repositoryPath is an API path split into its repository, by id where it has
// one, and the rest.
type repositoryPath struct {
	id   int64
	rest string
}

func splitRepository(base, u *url.URL) repositoryPath {
	path := strings.TrimPrefix(u.EscapedPath(), base.EscapedPath())
	parts := strings.Split(path, "/")
	switch {
	case parts[0] == "repositories" && len(parts) >= 2:
		id, _ := strconv.ParseInt(parts[1], 10, 64)
		return repositoryPath{id: id, rest: strings.Join(parts[2:], "/")}
	case parts[0] == "repos" && len(parts) >= 3:
		return repositoryPath{rest: strings.Join(parts[3:], "/")}
	}
	return repositoryPath{rest: path}
}
