package ghclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

// maxReason bounds how much of GitHub's own words an error carries, in bytes.
const maxReason = 300

// refusal is GitHub's answer to a request it did not fulfil. It replaces
// go-github's errors, whose texts hold whole addresses.
type refusal struct {
	status int
	reason string
	codes  []string // of a 422: "already_exists", …
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("GitHub answered %d %s", r.status, http.StatusText(r.status))
	if r.reason != "" {
		text += " (" + r.reason + ")"
	}
	return strings.TrimSpace(text)
}

func (r *refusal) has(code string) bool {
	for _, c := range r.codes {
		if c == code {
			return true
		}
	}
	return false
}

// archived and suspended know GitHub's words: its status says no more than "no".
func (r *refusal) archived() bool {
	return r.status == http.StatusForbidden && strings.Contains(strings.ToLower(r.reason), "archived so is read-only")
}

func (r *refusal) suspended() bool {
	return r.status == http.StatusForbidden && strings.Contains(strings.ToLower(r.reason), "installation has been suspended")
}

// explain is the one place where what went wrong becomes a coded error that
// says what was being done. What passes by itself is CodeUnavailable and says
// how long to wait (app.RetryDelay): as GitHub says, else as long as it has been
// failing.
//
// What GitHub refuses because the App is suspended or removed there, or because the
// repository is archived, is CodeStopped or CodeUninstalled, with a long wait: it may pass, and must be
// taken neither for the thing's absence nor for somebody's lack of permission.
//
// What the caller's own end cut short is CodeUnavailable too, but says no wait: that is
// the caller's to count. A request's own timeout is GitHub's silence, and passes.
//
// resumed is how often the installation had resumed before the request was made.
func (g *GitHub) explain(ctx context.Context, a *account, resumed int64, doing string, err error) error {
	var limit *limitError
	var stopped *stoppedError
	var known *app.Error
	switch {
	case err == nil:
		a.succeeded()
		return nil
	case errors.As(err, &known):
		return err
	case errors.As(err, &limit):
		return app.RetryAfter(coded(app.CodeUnavailable, doing, limit), limit.after)
	case errors.As(err, &stopped):
		return app.RetryResumed(coded(app.CodeStopped, doing, stopped), stopped.after, a.installation)
	case errors.Is(err, context.Canceled):
		return coded(app.CodeUnavailable, doing, context.Canceled)
	case errors.Is(err, errTooLarge):
		return coded(app.CodeInvalid, doing, errTooLarge)
	}
	if ended := over(ctx); ended != nil && !answered(err) {
		return coded(app.CodeUnavailable, doing, ended)
	}
	code, cause := judge(err)
	if code == app.CodeUnavailable {
		return app.RetryAfter(coded(code, doing, cause), a.failed())
	}
	a.succeeded()
	if code != app.CodeStopped && code != app.CodeUninstalled {
		return coded(code, doing, cause)
	}
	// Where the App was removed each request is told so, and ends what it was for.
	if r := refusalOf(err); code == app.CodeStopped && (r == nil || !r.archived()) {
		if !a.stop(ctx, resumed) {
			return app.RetryAfter(coded(app.CodeUnavailable, doing, cause), lookEvery) // no answer: it may be over
		}
		return app.RetryResumed(coded(code, doing, cause), stoppedFor, a.installation)
	}
	return app.RetryAfter(coded(code, doing, cause), stoppedFor)
}

// over is why the caller can wait no longer, nil while they can. A connection may end at
// the deadline a moment before the context says so.
func over(ctx context.Context) error {
	if at, bounded := ctx.Deadline(); ctx.Err() == nil && bounded && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

var sentences = map[string]string{
	app.CodeNotFound:    "GitHub does not know it",
	app.CodeForbidden:   "GitHub does not allow it",
	app.CodeInvalid:     "GitHub does not accept it",
	app.CodeConflict:    "GitHub cannot do it in the present state",
	app.CodeGone:        "it is no longer there on GitHub",
	app.CodeUninstalled: "GitHub lets the App do nothing there any more",
	app.CodeStopped:     "GitHub lets the App do nothing there for now",
	app.CodeUnavailable: "GitHub is not available right now",
}

func coded(code, doing string, cause error) error {
	return &app.Error{Code: code, Message: doing + ": " + sentences[code], Err: cause}
}

// judge finds the code of an error, and a cause that is fit to be shown.
func judge(err error) (string, error) {
	var token *ghinstallation.HTTPError
	if errors.As(err, &token) && token.Response != nil {
		return judgeToken(token.Response.StatusCode)
	}
	if r := refusalOf(err); r != nil {
		if r.archived() || r.suspended() {
			return app.CodeStopped, r
		}
		return judgeStatus(r.status), r
	}
	// The address that url.Error adds is not needed to understand it.
	var address *url.Error
	for errors.As(err, &address) {
		err = address.Err
	}
	return app.CodeUnavailable, err
}

// answered reports whether GitHub itself said what went wrong.
func answered(err error) bool {
	var token *ghinstallation.HTTPError
	return refusalOf(err) != nil || errors.As(err, &token) && token.Response != nil
}

func judgeStatus(status int) string {
	switch {
	case status == http.StatusNotFound:
		return app.CodeNotFound
	case status == http.StatusGone, status >= 300 && status < 400:
		return app.CodeGone // a redirect that was not followed: it is elsewhere now
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusUnavailableForLegalReasons:
		return app.CodeForbidden
	case status == http.StatusMethodNotAllowed, status == http.StatusConflict:
		return app.CodeConflict
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return app.CodeUnavailable
	case status >= 400:
		return app.CodeInvalid
	}
	return app.CodeUnavailable
}

// judgeToken reads the answer to the request for an installation's token. Its
// 404 says nothing of the thing asked for, so it must not become CodeNotFound; its
// 401 is about the App's key, which somebody will set right.
func judgeToken(status int) (string, error) {
	answered := fmt.Sprintf("GitHub answered %d to the request for a token", status)
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		return app.CodeUninstalled, errors.New("the App is not installed there any more: " + answered)
	case status == http.StatusForbidden:
		return app.CodeStopped, errors.New("the App is suspended there: " + answered)
	case status == http.StatusUnauthorized:
		return app.CodeUnavailable, errors.New("the App's key is not accepted: " + answered)
	}
	return app.CodeUnavailable, errors.New(answered)
}

func refusalOf(err error) *refusal {
	var answered *github.ErrorResponse
	if !errors.As(err, &answered) || answered.Response == nil {
		return nil
	}
	r := &refusal{status: answered.Response.StatusCode, reason: answered.Message}
	for _, detail := range answered.Errors {
		r.codes = append(r.codes, detail.Code)
		r.reason += "; " + strings.TrimSpace(detail.Field+" "+detail.Code+" "+detail.Message)
	}
	r.reason = tidy(r.reason)
	return r
}

// tidy makes words from outside fit for one line of a log.
func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

func unauthorized(err error) bool {
	r := refusalOf(err)
	return r != nil && r.status == http.StatusUnauthorized
}

// moved reports a write that GitHub redirected: the repository has a new name.
func moved(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status >= 300 && r.status < 400
}
