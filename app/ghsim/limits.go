package ghsim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// window counts what one credential asked for in the running hour.
type window struct {
	ends   time.Time
	used   int
	writes []time.Time // of the last hour
}

// window finds the caller's running hour, by the world's clock.
func (c *call) window() *window {
	key := "anonymous"
	switch t := c.auth.token; {
	case c.auth.app != nil:
		key = fmt.Sprintf("app/%d", c.auth.app.id)
	case t != nil && t.installation != nil:
		key = fmt.Sprintf("installation/%d", t.installation.id)
	case t != nil:
		key = fmt.Sprintf("user/%d", t.user.id)
	}
	now := c.now()
	w := c.limits[key]
	if w == nil {
		w = &window{}
		c.limits[key] = w
	}
	if !now.Before(w.ends) {
		w.used, w.ends = 0, now.Add(time.Hour)
	}
	return w
}

// limit is what the rate-limit headers show.
func (c *call) limit() int {
	if c.options.RateLimit < 0 {
		return 5000
	}
	return c.options.RateLimit
}

// checkLimits refuses an App that used up the hour, or writes too fast.
func (c *call) checkLimits() error {
	if !c.auth.byApp() {
		return nil
	}
	w := c.window()
	if c.options.RateLimit > 0 && w.used >= c.options.RateLimit {
		return forbidden("API rate limit exceeded for this credential.")
	}
	if !c.options.SecondaryLimits || c.request.Method == http.MethodGet || c.auth.token == nil {
		return nil
	}
	now := c.now()
	w.writes = slices.DeleteFunc(w.writes, func(t time.Time) bool { return !t.After(now.Add(-time.Hour)) })
	minute := 0
	for _, t := range w.writes {
		if t.After(now.Add(-time.Minute)) {
			minute++
		}
	}
	if minute >= 80 || len(w.writes) >= 500 {
		c.header.Set("Retry-After", "60")
		return forbidden("You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	}
	w.writes = append(w.writes, now)
	return nil
}

// chargeRate counts the request, a 304 and the rate-limit page being free, and
// shows what is left.
func (s *Server) chargeRate(c *call, status int) {
	w := c.window()
	if status != http.StatusNotModified && c.path != "/rate_limit" && w.used < c.options.RateLimit { // without a limit nothing is used up
		w.used++
	}
	h := c.header
	h.Set("X-RateLimit-Limit", strconv.Itoa(c.limit()))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, c.limit()-w.used)))
	h.Set("X-RateLimit-Used", strconv.Itoa(w.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(w.ends.Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}

func (c *call) rateLimit() (reply, error) {
	w := c.window()
	rate := func(limit, used int) object {
		return object{"limit": limit, "used": used, "remaining": max(0, limit-used), "reset": w.ends.Unix()}
	}
	core := rate(c.limit(), w.used)
	return ok(object{"resources": object{"core": core, "search": rate(30, 0), "graphql": rate(5000, 0)}, "rate": core})
}

// RequestCount says how often an operation was answered.
type RequestCount struct {
	Method string
	Route  string // such as /repos/{owner}/{repo}/labels; empty for unknown paths
	Status int    // 0 when the connection was dropped before an effect
	By     string // "app" or "user"
	Count  int
}

func (s *Server) count(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := "user"
	if c.auth.byApp() {
		by = "app"
	}
	s.counts[RequestCount{Method: c.request.Method, Route: c.route.pattern, Status: status, By: by}]++
}

// Requests lists what was asked since the start or the last ResetCounters,
// sorted by route, method, status and caller.
func (s *Server) Requests() []RequestCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]RequestCount, 0, len(s.counts))
	for key, n := range s.counts {
		key.Count = n
		out = append(out, key)
	}
	slices.SortFunc(out, func(a, b RequestCount) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Method, b.Method), cmp.Compare(a.Status, b.Status), cmp.Compare(a.By, b.By))
	})
	return out
}

// Writes is the number of the App's requests that changed something on GitHub;
// tokens and redeliveries are not counted.
func (s *Server) Writes() int {
	return s.sum(func(r RequestCount) bool {
		switch r.Route {
		case "/app/installations/{installation_id}/access_tokens", "/app/hook/deliveries/{delivery_id}/attempts":
			return false
		}
		return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Status >= 200 && r.Status < 300
	})
}

// Reads is the number of the App's GET requests, 304s included.
func (s *Server) Reads() int {
	return s.sum(func(r RequestCount) bool { return r.Method == http.MethodGet })
}

// NotModified is the number of the App's requests answered 304.
func (s *Server) NotModified() int {
	return s.sum(func(r RequestCount) bool { return r.Status == http.StatusNotModified })
}

func (s *Server) sum(wanted func(RequestCount) bool) int {
	n := 0
	for _, r := range s.Requests() {
		if r.By == "app" && wanted(r) {
			n += r.Count
		}
	}
	return n
}

// ResetCounters starts counting anew.
func (s *Server) ResetCounters() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.counts)
}
