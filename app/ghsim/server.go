// Package ghsim is a stateful GitHub for tests and the demo: users,
// organisations, repositories, issues, pull requests, checks and Apps held in
// memory and served over real HTTP, with signed webhooks sent for every change,
// as GitHub's REST description says.
//
// The world is set up with Server's methods; people act through Actor, which
// speaks HTTP like everybody else; an App is reached only the way GitHub would
// reach it. Faults, held webhooks and lagging lists are asked for by Server's
// methods. No kept library offers a stateful GitHub, so the behaviour is ours;
// routing (gorilla/mux) and tokens (golang-jwt) are not.
package ghsim

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"
)

// Options shape a simulated GitHub. The zero value is usable.
type Options struct {
	// Clock gives the time that objects, Date and rate-limit headers show; it is
	// cut to whole seconds, as GitHub's is. Nil means time.Now. Tokens expire by
	// the real clock whatever this says, since clients sign with theirs.
	Clock func() time.Time
	// Logf hears of every request and delivery. Nil means silence.
	Logf func(format string, args ...any)
	// RateLimit is how many requests an installation has an hour; 0 means GitHub's
	// 5,000, a negative number that there is no limit. People have none.
	RateLimit int
	// InProcess lets people act through Transport instead of the network.
	InProcess bool
	// SecondaryLimits enforces 80 writes a minute and 500 an hour for each
	// installation, answered 403 with Retry-After.
	SecondaryLimits bool
}

// Server is one running simulated GitHub. Its methods may be called from any
// goroutine.
type Server struct {
	options  Options
	listener net.Listener
	http     *http.Server
	router   *mux.Router
	routes   map[string]route
	client   *http.Client // actors'
	serving  sync.WaitGroup
	sender   *sender

	mu            sync.Mutex
	lastID        int64
	accounts      map[int64]*account
	repositories  map[int64]*repository
	formerNames   map[string]int64 // lower-case full name → repository id
	commits       map[string]*commit
	comments      map[int64]*comment
	checkRuns     []*checkRun
	checkSuites   []*checkSuite
	apps          map[int64]*application
	installations []*installation
	tokens        map[string]*token
	userTokens    map[int64]string
	limits        map[string]*window
	faults        []*Fault
	lag           time.Duration
	counts        map[RequestCount]int
}

// Start runs a GitHub on a free port of 127.0.0.1. Close ends it.
func Start(options Options) (*Server, error) {
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Logf == nil {
		options.Logf = func(string, ...any) {}
	}
	if options.RateLimit == 0 {
		options.RateLimit = 5000
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the simulated GitHub's port: %w", err)
	}
	s := &Server{
		options:      options,
		listener:     listener,
		lastID:       1_000_000,
		accounts:     map[int64]*account{},
		repositories: map[int64]*repository{},
		formerNames:  map[string]int64{},
		commits:      map[string]*commit{},
		comments:     map[int64]*comment{},
		apps:         map[int64]*application{},
		tokens:       map[string]*token{},
		userTokens:   map[int64]string{},
		limits:       map[string]*window{},
		counts:       map[RequestCount]int{},
		client:       &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, CheckRedirect: keepMethod},
	}
	if options.InProcess {
		s.client.Transport = s.Transport()
	}
	s.sender = newSender(s)
	s.router, s.routes = newRouter()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.serving.Add(2)
	go func() {
		defer s.serving.Done()
		if err := s.http.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			options.Logf("serving the simulated GitHub: %v", err)
		}
	}()
	go func() {
		defer s.serving.Done()
		s.sender.run()
	}()
	return s, nil
}

// URL is the server's root, without a slash at the end. The REST API stands
// under /api/v3/, as on GitHub Enterprise Server, and at the root as well.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// APIURL is the REST API's base, with a slash at the end, as clients want it.
func (s *Server) APIURL() string { return s.URL() + "/api/v3/" }

// Close stops serving and sending; webhooks not sent yet are lost. When it
// returns, no goroutine of the server is left.
func (s *Server) Close() error {
	s.sender.stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	s.serving.Wait()
	s.client.CloseIdleConnections()
	return err
}

// now is the world's time in whole seconds.
func (s *Server) now() time.Time { return s.options.Clock().UTC().Truncate(time.Second) }

// id gives the next number; one row of numbers serves all kinds of things.
func (s *Server) id() int64 {
	s.lastID++
	return s.lastID
}

// object is a JSON object in the making.
type object = map[string]any

// with returns a copy of the object with more fields.
func with(o object, more object) object {
	all := make(object, len(o)+len(more))
	for k, v := range o {
		all[k] = v
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}

// stamp writes an instant as GitHub does; the zero time is null.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// optional is null for an empty text.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// nodeID makes GraphQL's opaque id.
func nodeID(kind string, id any) string {
	return strings.TrimRight(base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "%s:%v", kind, id)), "=")
}

// view renders state as JSON objects whose links point at one address: the one
// the caller used, so that a proxy in between stays in between.
type view struct {
	*Server
	web string // http://host, where people's pages would be
	api string // http://host/api/v3
}

func (s *Server) viewAt(host string) view {
	return view{Server: s, web: "http://" + host, api: "http://" + host + "/api/v3"}
}

func (s *Server) view() view { return s.viewAt(s.listener.Addr().String()) }
