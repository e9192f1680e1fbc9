package webhook

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// What intake takes on at once. GitHub gives up after ten seconds, and Agora asks
// for what it refused again; a process that is out of memory helps nobody.
const (
	defaultMaxWaiting  = 1024
	defaultMaxBuffered = 256 << 20
	// keepWithin bounds how long a delivery waits to be written.
	keepWithin = 8 * time.Second
	// retryAfter is what a refused sender is told, in seconds.
	retryAfter = "10"
)

// errOverloaded refuses a delivery because too many are on their way.
var errOverloaded = errors.New("too many deliveries are on their way")

// load is what intake has on hand.
type load struct {
	waiting     atomic.Int64
	maxWaiting  int64
	buffered    atomic.Int64 // bytes
	maxBuffered int64
}

func (l *load) bound(waiting int, buffered int64) {
	l.maxWaiting, l.maxBuffered = int64(waiting), buffered
	if waiting <= 0 {
		l.maxWaiting = defaultMaxWaiting
	}
	if buffered <= 0 {
		l.maxBuffered = defaultMaxBuffered
	}
}

// enter counts a delivery that is to be written; it must leave again.
func (l *load) enter() error {
	if l.waiting.Add(1) > l.maxWaiting {
		l.leave()
		return errOverloaded
	}
	return nil
}

func (l *load) leave() { l.waiting.Add(-1) }

// measuredBody counts what is read of a body until it is let go: what a sender only
// announces costs nothing.
type measuredBody struct {
	io.ReadCloser
	load *load
	read int64
}

func (l *load) measure(r *http.Request) (letGo func()) {
	body := &measuredBody{ReadCloser: r.Body, load: l}
	r.Body = body
	return func() { l.buffered.Add(-body.read) }
}

func (b *measuredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if b.load.buffered.Add(int64(n)) > b.load.maxBuffered {
		return n, errOverloaded
	}
	return n, err
}
