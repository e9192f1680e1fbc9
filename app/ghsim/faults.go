package ghsim

import (
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with requests of an App (people are
// spared). Rules are tried in the order they were given.
type Fault struct {
	Method string // empty means any
	// PathPattern is matched against the path without /api/v3 as path.Match does;
	// "**" at its end matches any rest. Empty means any path.
	PathPattern string
	Skip        int // how many matching requests pass unharmed first
	Times       int // how often it happens; 0 means for ever

	Status  int // answer this instead of doing anything
	Headers map[string]string
	Body    string // default: a message as GitHub words it

	DropBefore bool          // break the connection, nothing done
	DropAfter  bool          // do it, then break the connection
	Delay      time.Duration // wait first, by the real clock
}

// Fault adds a rule.
func (s *Server) Fault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = -1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults takes all rules away.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// SecondaryLimit is the fault of writing too much at once.
func SecondaryLimit(retryAfter time.Duration, times int) Fault {
	return Fault{Times: times, Status: http.StatusForbidden,
		Headers: map[string]string{"Retry-After": strconv.Itoa(int(retryAfter / time.Second))},
		Body:    `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`}
}

// TooManyRequests is a 429 with Retry-After.
func TooManyRequests(retryAfter time.Duration, times int) Fault {
	f := SecondaryLimit(retryAfter, times)
	f.Status = http.StatusTooManyRequests
	return f
}

// LagReads makes lists leave out what is younger than d, by the world's clock,
// as GitHub's replicas do. 0 ends it.
func (s *Server) LagReads(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
}

// takeFault finds the rule that strikes this request and uses it up by one.
func (s *Server) takeFault(c *call) *Fault {
	if !c.auth.byApp() {
		return nil
	}
	for i, f := range s.faults {
		if !f.matches(c) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			}
		}
		struck := *f
		return &struck
	}
	return nil
}

func (f *Fault) matches(c *call) bool {
	if f.Method != "" && f.Method != c.request.Method {
		return false
	}
	if start, found := strings.CutSuffix(f.PathPattern, "**"); found {
		return strings.HasPrefix(c.path, start)
	}
	if f.PathPattern == "" {
		return true
	}
	matched, err := path.Match(f.PathPattern, c.path)
	return err == nil && matched
}

func (f *Fault) answer(c *call) answer {
	body := f.Body
	if body == "" {
		body = `{"message":"` + http.StatusText(f.Status) + `"}`
	}
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	header.Set("Date", c.options.Clock().UTC().Format(http.TimeFormat))
	for name, value := range f.Headers {
		header.Set(name, value)
	}
	return answer{status: f.Status, header: header, body: []byte(body)}
}
