package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
)

// maxResponse bounds an answer in bytes. Lists are paged well below it.
const maxResponse = 8 << 20

// contentPolicy lets a page show its own words and its own style sheet, and
// nothing else: no script, no frame, no form, nothing from elsewhere.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secured sets the headers every answer carries.
func secured(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// strayApart bounds how often the log tells of webhooks that miss their path: anybody
// can post.
const strayApart = time.Minute

// onlyReads makes what refuses every method but GET and HEAD. A webhook that misses its
// path, because the App's page names another, is told the way, and so is the log.
func onlyReads(now app.Clock) func(http.Handler) http.Handler {
	other := refused("GET, HEAD", "This server is read-only; what is to be done is said on GitHub. GitHub's webhooks go to "+hookPath+".")
	strays := rate.NewLimiter(rate.Every(strayApart), 1)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet || r.Method == http.MethodHead {
				next.ServeHTTP(w, r)
				return
			}
			if r.Header.Get("X-GitHub-Event") != "" && strays.AllowN(now(), 1) {
				zerolog.Ctx(r.Context()).Warn().Msg("a webhook came to another path than " + hookPath + " and was refused: correct the webhook's address on the App's page")
			}
			other.ServeHTTP(w, r)
		})
	}
}

// refused answers methods that are none of those allowed.
func refused(allow, why string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		problem(w, http.StatusMethodNotAllowed, why)
	})
}

// bounded gives a read its turn, its time and its size, and tells the client when
// nothing changed: the tag of an answer is the hash of its body.
func bounded(turns *semaphore.Weighted, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		if err := turns.Acquire(ctx, 1); err != nil {
			w.Header().Set("Retry-After", retryAfter)
			problem(w, http.StatusServiceUnavailable, "Too many ask at once. Try again later.")
			return
		}
		defer turns.Release(1)
		held := &heldResponse{header: w.Header(), status: http.StatusOK}
		next.ServeHTTP(held, r.WithContext(ctx))
		if held.overflow {
			w.Header().Del("Link")
			problem(w, http.StatusInternalServerError, "The answer is too large.")
			return
		}
		held.send(w, r)
	})
}

// heldResponse keeps an answer back until it is whole.
type heldResponse struct {
	header   http.Header
	status   int
	body     bytes.Buffer
	overflow bool
}

func (h *heldResponse) Header() http.Header    { return h.header }
func (h *heldResponse) WriteHeader(status int) { h.status = status }

func (h *heldResponse) Write(p []byte) (int, error) {
	if h.body.Len()+len(p) > maxResponse {
		h.overflow = true
		return 0, http.ErrContentLength
	}
	return h.body.Write(p)
}

func (h *heldResponse) send(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if h.status == http.StatusOK {
		sum := sha256.Sum256(h.body.Bytes())
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		header.Set("ETag", tag)
		if header.Get("Cache-Control") == "" {
			header.Set("Cache-Control", "no-cache")
		}
		if matches(r.Header.Values("If-None-Match"), tag) {
			header.Del("Content-Type")
			header.Del("Content-Length")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	} else if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "no-store")
	}
	header.Set("Content-Length", strconv.Itoa(h.body.Len()))
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body.Bytes()) // net/http drops the body of a HEAD
}

// matches compares weakly, as RFC 9110 says of If-None-Match.
func matches(fields []string, tag string) bool {
	for _, field := range fields {
		for candidate := range strings.SplitSeq(field, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// recovered turns a panic into a 500 and a line in the log.
func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				zerolog.Ctx(r.Context()).Error().Interface("panic", p).Bytes("stack", debug.Stack()).Str("path", r.URL.Path).Msg("answering a request")
				problem(w, http.StatusInternalServerError, "Something went wrong.")
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// problem answers an error as RFC 9457 says.
func problem(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail})
	if err != nil { // a struct of strings always marshals
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
