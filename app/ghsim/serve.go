package ghsim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// maxBody is the largest request body that is read.
const maxBody = 8 << 20

// route is one operation of the API.
type route struct {
	method  string
	pattern string
	handle  func(*call) (reply, error)
	// access is what a token needs: "jwt" for the App itself, "any" for any
	// token, else alternatives such as "issues:write,pull_requests:write".
	access string
}

// call is one request while it is answered, under the server's lock.
type call struct {
	view
	request *http.Request
	path    string
	vars    map[string]string
	body    []byte
	auth    credential
	route   route
	header  http.Header // of the answer
}

// reply is an answer in the making. A nil body means none.
type reply struct {
	status int
	body   any // marshalled as JSON, or written as it is when []byte
}

func ok(body any) (reply, error)      { return reply{http.StatusOK, body}, nil }
func created(body any) (reply, error) { return reply{http.StatusCreated, body}, nil }
func noContent() (reply, error)       { return reply{status: http.StatusNoContent}, nil }

// answer is a reply turned into bytes.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP answers one API request, or shows a page to a browser.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if wantsPage(r) {
		s.servePage(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, `{"message":"Payload too large"}`, http.StatusRequestEntityTooLarge)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/v3")
	if path == "" {
		path = "/"
	}
	c := &call{view: s.viewAt(r.Host), request: r, path: path, body: body, header: http.Header{}}
	fault := s.prepare(c)
	if fault != nil && fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-r.Context().Done():
		}
	}
	if fault != nil && fault.DropBefore {
		s.count(c, 0)
		reset(w)
		return
	}
	var a answer
	if fault != nil && fault.Status != 0 {
		a = fault.answer(c)
	} else {
		a = s.answer(c)
	}
	s.count(c, a.status)
	s.options.Logf("%s %s → %d", r.Method, r.URL.RequestURI(), a.status)
	if fault != nil && fault.DropAfter {
		reset(w)
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body)
	}
}

// prepare finds out who calls what, and the fault that waits for it.
func (s *Server) prepare(c *call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	inner := c.request.Clone(c.request.Context())
	inner.URL.Path, inner.URL.RawPath = c.path, ""
	var match mux.RouteMatch
	if s.router.Match(inner, &match) && match.MatchErr == nil {
		c.route, c.vars = s.routes[match.Route.GetName()], match.Vars
	}
	c.auth = s.authenticate(c.request.Header.Get("Authorization"))
	return s.takeFault(c)
}

// answer runs the operation and renders what it says.
func (s *Server) answer(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.header.Set("Date", s.options.Clock().UTC().Format(http.TimeFormat))
	c.header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	c.header.Set("X-GitHub-Request-Id", strings.ToUpper(hex.EncodeToString(fmt.Appendf(nil, "%d", s.id()))))
	out, err := c.run()
	if err != nil {
		out = problemReply(c, err)
	}
	a := answer{status: out.status, header: c.header}
	switch body := out.body.(type) {
	case nil:
	case []byte:
		a.body = body
	default:
		a.header.Set("Content-Type", "application/json; charset=utf-8")
		if a.body, err = marshal(body); err != nil {
			return answer{status: http.StatusInternalServerError, header: c.header, body: []byte(`{"message":"Server Error"}`)}
		}
	}
	s.conditional(c, &a)
	s.chargeRate(c, a.status)
	return a
}

// run checks the credential and calls the operation.
func (c *call) run() (reply, error) {
	if c.auth.err != nil {
		return reply{}, c.auth.err
	}
	if err := c.checkLimits(); err != nil {
		return reply{}, err
	}
	if c.route.handle == nil {
		return reply{}, errNotFound
	}
	if c.request.Header.Get("User-Agent") == "" {
		return reply{}, &problem{status: http.StatusForbidden, message: "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"}
	}
	if err := c.authorize(); err != nil {
		return reply{}, err
	}
	return c.route.handle(c)
}

// conditional adds the ETag and answers 304 when the caller has the body
// already. As on GitHub, the tag changes with the token.
func (s *Server) conditional(c *call, a *answer) {
	if c.request.Method != http.MethodGet || a.status != http.StatusOK {
		return
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%s\n", c.request.Header.Get("Authorization"), c.request.Header.Get("Accept"), strings.Join(a.header["Link"], ","))
	sum.Write(a.body)
	tag := `W/"` + hex.EncodeToString(sum.Sum(nil)) + `"`
	a.header.Set("ETag", tag)
	a.header.Set("Cache-Control", "private, max-age=60, s-maxage=60")
	a.header.Set("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
	for _, known := range strings.Split(c.request.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == strings.TrimPrefix(tag, "W/") {
			a.status, a.body = http.StatusNotModified, nil
			a.header.Del("Content-Type")
			return
		}
	}
}

// marshal writes JSON without escaping HTML, as GitHub does.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("rendering JSON: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// reset breaks the connection so that the caller sees a reset, not an end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, isTCP := conn.(interface{ SetLinger(int) error }); isTCP {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// decode reads the request's JSON body.
func (c *call) decode(into any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		return &problem{status: http.StatusBadRequest, message: "Problems parsing JSON"}
	}
	return nil
}

// number reads a number out of the path; the router lets only digits through.
func (c *call) number(name string) int64 {
	n, err := strconv.ParseInt(c.vars[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (c *call) query(name string) string { return c.request.URL.Query().Get(name) }

// since reads the since parameter; the zero time when there is none.
func (c *call) since() (time.Time, error) {
	text := c.query("since")
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, invalid("", "since", "invalid")
	}
	return at, nil
}

// page cuts the page asked for out of a list and links its neighbours.
func page[T any](c *call, all []T) []T {
	size, err := strconv.Atoi(c.query("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	size = min(size, 100)
	number, err := strconv.Atoi(c.query("page"))
	if err != nil || number < 1 {
		number = 1
	}
	last := max(1, (len(all)+size-1)/size)
	var links []string
	link := func(n int, rel string) {
		q := c.request.URL.Query()
		q.Set("page", strconv.Itoa(n))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel="%s"`, c.api, c.path, q.Encode(), rel))
	}
	if number > 1 {
		link(min(number-1, last), "prev")
	}
	if number < last {
		link(number+1, "next")
		link(last, "last")
	}
	if number > 1 {
		link(1, "first")
	}
	if len(links) > 0 {
		c.header.Set("Link", strings.Join(links, ", "))
	}
	from := min((number-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

// render turns things into JSON objects; an empty list is [], never null.
func render[T any](items []T, one func(T) object) []object {
	out := make([]object, 0, len(items))
	for _, item := range items {
		out = append(out, one(item))
	}
	return out
}

// seen leaves out what a lagging list does not show yet.
func seen[T any](s *Server, items []T, created func(T) time.Time) []T {
	if s.lag <= 0 {
		return items
	}
	horizon := s.options.Clock().Add(-s.lag)
	out := make([]T, 0, len(items))
	for _, item := range items {
		if !created(item).After(horizon) {
			out = append(out, item)
		}
	}
	return out
}
