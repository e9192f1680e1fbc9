package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/handlers/worker"
)

// replicaMain is Agora as a program of its own, made to be killed: configured by the
// environment as `agora serve` is, with no pace, and telling on its standard output
// what it is about to run. Main of the tests runs it under the name agora-replica.
func replicaMain() {
	if err := runReplica(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runReplica() error {
	server, err := config.LoadServer("", os.LookupEnv)
	if err != nil {
		return err
	}
	collectSeldom()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	logger := zerolog.New(os.Stderr).Level(zerolog.WarnLevel).With().Timestamp().Logger()
	a, err := assemble(ctx, server, surroundings{clock: utcNow, logger: logger, unpaced: true, migrate: true, alone: true})
	if err != nil {
		return err
	}
	go func() { // nobody is left to kill it
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	entries := a.entries()
	for kind, run := range entries {
		entries[kind] = func(ctx context.Context, e app.Entry) error {
			fmt.Println("runs", kind)
			return run(ctx, e)
		}
	}
	// A shorter lease and more patience than the real ones: it dies more often than they do.
	a.worker = worker.New(a.store, entries, worker.Options{Clock: utcNow, Logger: logger, LeaseFor: 4 * time.Second, MaxAttempts: 1000})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", server.Listen)
	if err != nil {
		return errors.Join(err, a.close())
	}
	fmt.Println("ready")
	return errors.Join(a.run(ctx, listener), a.close())
}

// replica is one such program, and the wires between it and GitHub. Both are watched:
// a program is killed when something named happens on them.
type replica struct {
	name   string
	listen string
	env    []string
	api    *http.Server // in front of GitHub, for this replica alone
	log    *lockedBuffer

	trap atomic.Pointer[trap]

	mu      sync.Mutex
	process *exec.Cmd
	ended   chan struct{}
	up      atomic.Bool
}

// trap kills a replica when what happens is what it waits for.
type trap struct {
	step string
	// about tells what of the replica's doings sets it off: "runs KIND", "acknowledged",
	// "asks METHOD PATH BODY", "asked METHOD PATH BODY" when GitHub has done it.
	about func(what string) bool
	delay time.Duration
	hit   chan struct{}
	once  sync.Once
}

// happens tells the trap that is set; it reports whether the replica was killed.
func (r *replica) happens(what string) bool {
	t := r.trap.Load()
	if t == nil || !t.about(what) {
		return false
	}
	killed := false
	t.once.Do(func() {
		time.Sleep(t.delay)
		r.kill()
		killed = true
		close(t.hit)
	})
	return killed
}

// newReplica opens the wire to GitHub, which may lead through a proxy; start starts
// the program.
func newReplica(name, github string, env []string, through func(address string) string) (*replica, error) {
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(github)
	if err != nil {
		return nil, err
	}
	r := &replica{name: name, listen: listen, log: &lockedBuffer{}}
	wire := httputil.NewSingleHostReverseProxy(target)
	wire.ErrorLog = nil
	wire.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.api = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			return // it died over it
		}
		in.Body = io.NopCloser(bytes.NewReader(body))
		doing := fmt.Sprintf("%s %s %s", in.Method, in.URL.Path, body)
		if r.happens("asks " + doing) {
			return
		}
		wire.ServeHTTP(w, in.WithContext(context.WithoutCancel(in.Context()))) // GitHub does what it was asked
		r.happens("asked " + doing)
	})}
	go func() { _ = r.api.Serve(listener) }()
	r.env = append(env, "AGORA_LISTEN="+listen, "AGORA_PUBLIC_URL=http://"+listen, "GITHUB_V3_API_URL=http://"+through(listener.Addr().String())+"/api/v3/")
	return r, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start runs the program and returns when it is ready.
func (r *replica) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{Path: self, Args: []string{"agora-replica"}, Env: r.env, Stderr: r.log}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if _, err := cmd.StdinPipe(); err != nil { // it ends when this program does
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", r.name, err)
	}
	ended, ready := make(chan struct{}), make(chan struct{})
	r.mu.Lock()
	r.process, r.ended = cmd, ended
	r.mu.Unlock()
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if line := lines.Text(); line == "ready" {
				close(ready)
			} else {
				r.happens(line)
			}
		}
		_ = cmd.Wait()
		r.up.Store(false)
		close(ended)
	}()
	select {
	case <-ready:
		r.up.Store(true)
		return nil
	case <-ended:
		return fmt.Errorf("%s ended at its start:\n%s", r.name, r.log)
	case <-time.After(time.Minute):
		r.kill()
		return fmt.Errorf("%s is not ready after a minute:\n%s", r.name, r.log)
	}
}

// kill ends the program as a power cut would.
func (r *replica) kill() { r.signal(syscall.SIGKILL) }

// stop asks it to end.
func (r *replica) stop() {
	r.signal(syscall.SIGTERM)
	r.wait()
}

func (r *replica) signal(s syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process != nil {
		_ = r.process.Process.Signal(s)
	}
}

// wait waits until the program has ended.
func (r *replica) wait() {
	r.mu.Lock()
	ended := r.ended
	r.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// deliver passes a webhook on, and answers GitHub as the replica did.
func (r *replica) deliver(w http.ResponseWriter, header http.Header, body []byte) bool {
	request, err := http.NewRequest(http.MethodPost, "http://"+r.listen+"/api/github/hook", bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Header = header.Clone()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 == 2 {
		r.happens("acknowledged")
	}
	w.WriteHeader(answer.StatusCode)
	return true
}

// lockedBuffer keeps the end of what is written to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.text.Len() > 64<<10 {
		b.text.Reset()
	}
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
