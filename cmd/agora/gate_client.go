package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/agora-rfc/agora/handlers/web"
)

// The bounds of asking a server. Between attempts the pause doubles.
const (
	attemptTimeout = 15 * time.Second
	firstPause     = 200 * time.Millisecond
	longestPause   = 5 * time.Second
	longestAnswer  = 64 << 10
)

// client follows no redirect: a proof of identity goes where it was meant for, or nowhere.
var client = &http.Client{
	Timeout:       attemptTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask puts a question to the gate of a server until it answers or ctx ends.
func ask(ctx context.Context, server, query string, warnings io.Writer) (verdict, error) {
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"agora/" + version()}}
	token, err := proof(ctx, server)
	switch {
	case err != nil: // what is public needs no proof
		fmt.Fprintf(warnings, "agora: warning: asking without a proof of this repository: %s\n", err)
	case token != "":
		header.Set("Authorization", "Bearer "+token)
	}
	body, err := get(ctx, server+"/api/v1/gate?"+query, header)
	var status *statusError
	switch {
	case errors.As(err, &status) && status.nothingHere():
		no := false
		return verdict{Passed: &no, Reason: "Agora knows of no such repository, RFC or pull request, or it is private and this run did not prove that it may see it"}, nil
	case errors.As(err, &status) && (status.code == http.StatusBadRequest || status.code == http.StatusUnprocessableEntity):
		return verdict{}, usageError("the server does not take the question: %s", status)
	case errors.As(err, &status) && status.code == http.StatusNotFound:
		return verdict{}, fmt.Errorf("%s answers 404, but not as Agora does: is it the address of an Agora server?", server)
	case err != nil:
		return verdict{}, err
	}
	var answer verdict
	if err := json.Unmarshal(body, &answer); err != nil || answer.Passed == nil {
		return verdict{}, fmt.Errorf("%s does not answer as Agora does: is it the address of an Agora server?", server)
	}
	return answer, nil
}

// statusError is an answer that is not 200.
type statusError struct {
	server string
	code   int
	detail string
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("%s answers %d", e.server, e.code)
	if e.detail != "" {
		text += ": " + e.detail
	}
	return text
}

// nothingHere reports whether Agora itself says that there is no such thing, and no
// other program, nor a proxy before it.
func (e *statusError) nothingHere() bool {
	return e.code == http.StatusNotFound && e.detail == web.NothingHere
}

// temporary reports whether asking again may help.
func (e *statusError) temporary() bool { return e.code >= 500 || e.code == http.StatusTooManyRequests }

// get reads an address, again and again while the failure may be a passing one.
func get(ctx context.Context, address string, header http.Header) ([]byte, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		body, err := getOnce(ctx, address, header)
		var status *statusError
		if err == nil || errors.As(err, &status) && !status.temporary() {
			return body, err
		}
		select {
		case <-ctx.Done():
			return nil, err // what went wrong says more than that the time is over
		case <-time.After(pause):
		}
	}
}

func getOnce(ctx context.Context, address string, header http.Header) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // whoever calls the program names the server
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	request.Header = header
	server := request.URL.Host
	response, err := client.Do(request) //nolint:gosec // as above
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // without the address, which may hold a token
		}
		return nil, fmt.Errorf("asking %s: %w", server, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", server, err)
	}
	if response.StatusCode != http.StatusOK {
		var problem struct {
			Title, Detail string
		}
		_ = json.Unmarshal(body, &problem) // not every server that answers is Agora
		if problem.Detail == "" {
			problem.Detail = problem.Title
		}
		return nil, &statusError{server: server, code: response.StatusCode, detail: problem.Detail}
	}
	return body, nil
}

// proof gets a token of GitHub Actions that proves to the server which repository
// this job runs in; "" where there is none to be had.
func proof(ctx context.Context, server string) (string, error) {
	address, secret := os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if address == "" || secret == "" {
		return "", nil
	}
	if !confidential(server) {
		return "", errors.New("the server's address is not https")
	}
	issuer, err := url.Parse(address)
	if err != nil {
		return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no address")
	}
	query := issuer.Query()
	query.Set("audience", server)
	issuer.RawQuery = query.Encode()
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	body, err := get(ctx, issuer.String(), http.Header{"Authorization": {"Bearer " + secret}, "Accept": {"application/json"}})
	if err != nil {
		return "", err
	}
	var token struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(body, &token); err != nil || token.Value == "" {
		return "", fmt.Errorf("%s gave no token", issuer.Host)
	}
	return token.Value, nil
}

// confidential reports whether nobody on the way can read what is sent.
func confidential(server string) bool {
	address, err := url.Parse(server)
	if err != nil {
		return false
	}
	ip := net.ParseIP(address.Hostname())
	return address.Scheme == "https" || address.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
