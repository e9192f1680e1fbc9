package ghclient

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// requestMetrics counts the requests that really went out. A nil one counts
// nothing.
type requestMetrics struct {
	total *prometheus.CounterVec
	base  string
}

func newRequestMetrics(registry prometheus.Registerer, base string, remaining func() map[string]int) (*requestMetrics, error) {
	if registry == nil {
		return nil, nil
	}
	m := &requestMetrics{base: base, total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "agora_github_requests_total",
		Help: "Requests made to GitHub, by method, route and status (0: no answer).",
	}, []string{"method", "route", "status"})}
	for _, collector := range []prometheus.Collector{m.total, remainingRequests(remaining)} {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// remainingRequests tells, when it is scraped, what is left of GitHub's limits.
type remainingRequests func() map[string]int

var remainingDesc = prometheus.NewDesc("agora_github_rate_remaining",
	"Fewest requests an installation has left in GitHub's current window, by GitHub's resource.", []string{"resource"}, nil)

// Describe names the metric.
func (remainingRequests) Describe(out chan<- *prometheus.Desc) { out <- remainingDesc }

// Collect gives what GitHub last said.
func (r remainingRequests) Collect(out chan<- prometheus.Metric) {
	for resource, left := range r() {
		out <- prometheus.MustNewConstMetric(remainingDesc, prometheus.GaugeValue, float64(left), resource)
	}
}

func (m *requestMetrics) count(req *http.Request, resp *http.Response) {
	if m == nil {
		return
	}
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	m.total.WithLabelValues(req.Method, route(strings.TrimPrefix(req.URL.Path, m.base)), strconv.Itoa(status)).Inc()
}

// routeWords are the words of GitHub's paths that Agora uses. Names and numbers
// are left out of a route, so that there are few.
var routeWords = map[string]bool{
	"access_tokens": true, "app": true, "attempts": true, "check-runs": true, "collaborators": true,
	"comments": true, "commits": true, "contents": true, "deliveries": true, "events": true, "hook": true,
	"installation": true, "installations": true, "issues": true, "labels": true, "members": true,
	"memberships": true, "merge": true, "permission": true, "pulls": true, "reactions": true,
	"repositories": true, "reviews": true, "teams": true, "user": true, "users": true,
}

// route is the class of a path: "repos/acme/app/issues/7/comments" is
// "repos/issues/comments".
func route(path string) string {
	parts := strings.Split(path, "/")
	words := parts[:0:0]
	named := 0 // path segments that are people's names and not words
	switch parts[0] {
	case "repos":
		words, named = append(words, "repos"), 2
	case "orgs", "users", "repositories":
		words, named = append(words, parts[0]), 1
	default:
		named = -1
	}
	for i := named + 1; i < len(parts); i++ {
		if !routeWords[parts[i]] {
			continue
		}
		words = append(words, parts[i])
		if parts[i] == "contents" || parts[i] == "labels" {
			break // a path or a name follows
		}
	}
	if len(words) == 0 {
		return "other"
	}
	return strings.Join(words, "/")
}
