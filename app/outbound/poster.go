package outbound

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// postAll is how long a webhook's receiver may take, from the look-up of its name to the end of its answer.
const postAll = 15 * time.Second

// The bounds of an answer, of which only the status counts, in bytes.
const (
	maxAnswerHeader = 16 << 10
	maxAnswer       = 64 << 10
)

// PosterOptions are what may be chosen about a Poster. The zero value is right for a server on the internet.
type PosterOptions struct {
	// Allow are addresses that every webhook may reach although they are not on the internet.
	Allow []netip.Prefix
	// Roots are the certificate authorities to be trusted; the system's when nil.
	Roots *x509.CertPool
	// Resolver looks up names; the system's when nil.
	Resolver *net.Resolver
}

// Poster posts messages to webhooks. It may be used by several goroutines.
type Poster struct {
	options PosterOptions
}

// NewPoster makes a Poster.
func NewPoster(o PosterOptions) *Poster { return &Poster{options: o} }

// Post sends the message once, signed when the webhook has a secret (Standard Webhooks 1.0). It succeeds on a 2xx only;
// no redirect is followed. The error is made by app.Park when the receiver is gone for good (410). It repeats neither the
// webhook's address nor the receiver's words.
func (p *Poster) Post(ctx context.Context, hook config.Webhook, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, postAll)
	defer cancel()
	err := p.post(ctx, hook, m)
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("posting %q to the webhook %q: %w", m.ID, hook.Name, err)
	if errors.Is(err, errGone) {
		return app.Park(wrapped)
	}
	return wrapped
}

var errGone = errors.New("the receiver answered 410: it wants no more")

func (p *Poster) post(ctx context.Context, hook config.Webhook, m Message) error {
	u, err := url.Parse(hook.URL.Reveal())
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return errors.New("its address is not one of http or https")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(m.Body))
	if err != nil {
		return errors.New("its address cannot be posted to")
	}
	key, err := hook.Key()
	if err != nil {
		return fmt.Errorf("its secret %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Agora")
	sign(request.Header, key, m)
	response, err := p.client(hook.Allow).Do(request)
	if err != nil {
		return withoutAddress(err, u)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // politeness: the status has decided
	switch status := response.StatusCode; {
	case status >= 200 && status <= 299:
		return nil
	case status == http.StatusGone:
		return errGone
	case status >= 300 && status <= 399:
		return fmt.Errorf("the receiver answered %d: redirects are not followed", status)
	default:
		return fmt.Errorf("the receiver answered %d", status)
	}
}

// sign names the message and, with a key, signs it, as Standard Webhooks say.
func sign(h http.Header, key []byte, m Message) {
	at := strconv.FormatInt(m.At.Unix(), 10)
	h.Set("Webhook-Id", m.ID)
	h.Set("Webhook-Timestamp", at)
	if key == nil {
		return
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(m.ID + "." + at + "."))
	mac.Write(m.Body)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// client makes a client for one request. What it may reach differs from webhook to webhook, so connections are not shared.
// It has no cookies, and no proxy from the environment: a proxy would look up the name itself, and dial where we may not.
func (p *Poster) client(allow []netip.Prefix) *http.Client {
	dialer := &net.Dialer{
		Timeout:  postAll,
		Resolver: p.options.Resolver,
		Control:  guard(slices.Concat(p.options.Allow, allow)).Safe,
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.options.Roots},
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswerHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// guard judges each address when it is dialled, after names were looked up: any port, but only addresses on the internet
// and those allowed.
func guard(allow []netip.Prefix) *ssrf.Guardian {
	var v4, v6 []netip.Prefix
	for _, prefix := range allow {
		if prefix.Addr().Is4() {
			v4 = append(v4, prefix)
		} else {
			v6 = append(v6, prefix)
		}
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
}

// withoutAddress is why there was no answer, bounded, and without the address, which is a secret.
func withoutAddress(err error, u *url.URL) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	text := err.Error()
	if path := u.RequestURI(); len(path) > 1 {
		text = strings.ReplaceAll(text, path, "[redacted]") // a receiver that is no HTTP server may echo it
	}
	return &shownError{text: line(text, maxError), cause: err}
}
