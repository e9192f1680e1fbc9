package ghclient

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// maxKeptAnswer is the largest answer kept; a page of 100
	// reactions is a quarter of it.
	maxKeptAnswer = 512 << 10
	// maxKeptAnswers bounds all that is kept, in bytes.
	maxKeptAnswers = 32 << 20
)

// answers remembers what GitHub answered to polls, by installation and URL, so
// that asking again costs nothing while nothing changed. It stands above the
// tokens: an HTTP cache below them would see a new Authorization every hour.
// GitHub's own ETags change with the token too, so one whole answer an hour is
// normal.
type answers struct {
	mu   sync.Mutex
	lru  *simplelru.LRU[answerKey, answer]
	size int
}

type answerKey struct {
	installation int64
	url          string
}

type answer struct {
	etag string
	link string // the Link header: which page is next
	body []byte
}

func newAnswers() *answers {
	c := &answers{}
	// The count only has to be larger than what fits by size.
	c.lru, _ = simplelru.NewLRU(maxKeptAnswers>>8, func(_ answerKey, a answer) { c.size -= a.bytes() })
	return c
}

func (a answer) bytes() int { return len(a.body) + 256 }

func (c *answers) find(key answerKey) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lru.Get(key)
}

func (c *answers) keep(key answerKey, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lru.Remove(key)
	c.lru.Add(key, a)
	c.size += a.bytes()
	for c.size > maxKeptAnswers {
		c.lru.RemoveOldest()
	}
}

// poll collects what one poll was answered. Nothing is kept before the answer
// proved good: what cannot be read would else come back with every 304.
type poll struct {
	learned map[answerKey]answer
}

type pollKey struct{}

func withPoll(ctx context.Context) (context.Context, *poll) {
	p := &poll{learned: map[answerKey]answer{}}
	return context.WithValue(ctx, pollKey{}, p), p
}

func (c *answers) commit(p *poll) {
	for key, a := range p.learned {
		c.keep(key, a)
	}
}

// middleware makes the reads of a poll conditional.
func (c *answers) middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		p, _ := req.Context().Value(pollKey{}).(*poll)
		a := accountFrom(req.Context())
		if p == nil || a == nil || req.Method != http.MethodGet {
			return next.RoundTrip(req)
		}
		key := answerKey{installation: a.installation, url: req.URL.String()}
		kept, found := c.find(key)
		if found {
			req = req.Clone(req.Context())
			req.Header.Set("If-None-Match", kept.etag)
		}
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		switch {
		case resp.StatusCode == http.StatusNotModified && found:
			return unchanged(resp, kept), nil
		case resp.StatusCode == http.StatusOK:
			return resp, p.learn(key, resp)
		}
		return resp, nil
	})
}

// unchanged turns a 304 into the answer it stands for.
func unchanged(resp *http.Response, kept answer) *http.Response {
	drain(resp)
	resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
	resp.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp.Header.Del("Link")
	if kept.link != "" {
		resp.Header.Set("Link", kept.link)
	}
	resp.Body = io.NopCloser(bytes.NewReader(kept.body))
	resp.ContentLength = int64(len(kept.body))
	return resp
}

func (p *poll) learn(key answerKey, resp *http.Response) error {
	start, err := io.ReadAll(io.LimitReader(resp.Body, maxKeptAnswer+1))
	if err != nil {
		_ = resp.Body.Close()
		return err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), resp.Body), resp.Body}
	etag := resp.Header.Get("ETag")
	if etag != "" && len(start) <= maxKeptAnswer {
		p.learned[key] = answer{etag: etag, link: resp.Header.Get("Link"), body: start}
	}
	return nil
}
