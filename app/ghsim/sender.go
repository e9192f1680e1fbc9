package ghsim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// maxQueue bounds the webhooks that wait; what comes on top fails.
	maxQueue = 100_000
	// maxLog is how many deliveries are remembered for redelivery.
	maxLog = 20_000
	// answerTime is how long GitHub waits for an answer to a webhook.
	answerTime = 10 * time.Second
)

// Delivery is one webhook as it was sent, or tried.
type Delivery struct {
	ID             int64
	GUID           string
	Event          string
	Action         string
	InstallationID int64
	RepositoryID   int64
	Redelivery     bool
	DeliveredAt    time.Time
	Duration       time.Duration
	Status         string
	StatusCode     int // 0 when there was no answer
	URL            string
	Payload        []byte
	RequestHeader  http.Header
	ResponseHeader http.Header
	ResponseBody   string
}

// delivery is a Delivery with the App it is for.
type delivery struct {
	Delivery
	app *application
}

// sender sends webhooks one after another, from a goroutine of its own.
type sender struct {
	server *Server
	client *http.Client
	ctx    context.Context
	stop   context.CancelFunc
	wake   chan struct{}

	mu      sync.Mutex
	lastID  int64
	urls    map[*application]string
	queue   []*delivery
	sending bool
	holding bool
	held    []*delivery
	drop    func(event, action string) bool
	done    []*delivery
	waiting []chan struct{} // closed when the queue is empty
}

func newSender(s *Server) *sender {
	ctx, cancel := context.WithCancel(context.Background())
	return &sender{
		server: s, ctx: ctx, stop: cancel, wake: make(chan struct{}, 1), lastID: 5_000_000, urls: map[*application]string{},
		client: &http.Client{Timeout: answerTime, Transport: &http.Transport{MaxIdleConnsPerHost: 2}},
	}
}

// run sends until stop.
func (q *sender) run() {
	defer q.client.CloseIdleConnections()
	for {
		d := q.next()
		if d == nil {
			select {
			case <-q.wake:
				continue
			case <-q.ctx.Done():
				return
			}
		}
		if q.ctx.Err() != nil {
			return
		}
		q.send(d)
	}
}

// next takes the first of the queue; nil when there is nothing to do.
func (q *sender) next() *delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sending = len(q.queue) > 0
	if !q.sending {
		for _, w := range q.waiting {
			close(w)
		}
		q.waiting = nil
		return nil
	}
	d := q.queue[0]
	q.queue = q.queue[1:]
	d.URL = q.urls[d.app]
	return d
}

func (q *sender) listens(a *application) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.urls[a] != ""
}

// enqueue puts a webhook at the end, unless it is held or to be lost.
func (q *sender) enqueue(d *delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lastID++
	d.ID = q.lastID
	switch {
	case q.drop != nil && !d.Redelivery && q.drop(d.Event, d.Action):
		q.record(d, "failed to connect to host", 0)
	case len(q.queue)+len(q.held) >= maxQueue:
		q.record(d, "throttled", 0)
	case q.holding && !d.Redelivery:
		q.held = append(q.held, d)
	default:
		q.push(d)
	}
}

func (q *sender) push(d ...*delivery) {
	q.queue = append(q.queue, d...)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// record writes the delivery into the log; the caller holds the lock.
func (q *sender) record(d *delivery, status string, code int) {
	d.Status, d.StatusCode = status, code
	if d.DeliveredAt.IsZero() {
		d.DeliveredAt = q.server.options.Clock().UTC()
	}
	q.done = append(q.done, d)
	if len(q.done) > maxLog {
		q.done = slices.Clone(q.done[len(q.done)-maxLog:])
	}
}

// send makes the request and logs what came back.
func (q *sender) send(d *delivery) {
	d.DeliveredAt = q.server.options.Clock().UTC()
	started := time.Now()
	status, code := q.post(d)
	d.Duration = time.Since(started).Round(10 * time.Millisecond)
	q.server.options.Logf("webhook %s.%s %s → %s", d.Event, d.Action, d.GUID, status)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.record(d, status, code)
}

func (q *sender) post(d *delivery) (status string, code int) {
	r, err := http.NewRequestWithContext(q.ctx, http.MethodPost, d.URL, bytes.NewReader(d.Payload))
	if err != nil {
		return "invalid url", 0
	}
	r.Header = d.header()
	d.RequestHeader = r.Header.Clone()
	res, err := q.client.Do(r)
	if err != nil {
		if e, isTimeout := err.(interface{ Timeout() bool }); isTimeout && e.Timeout() {
			return "timed out", 0
		}
		return "failed to connect to host", 0
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	d.ResponseHeader, d.ResponseBody = res.Header, string(body)
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return "OK", res.StatusCode
	}
	return fmt.Sprintf("Invalid HTTP Response: %d", res.StatusCode), res.StatusCode
}

// header signs the payload as GitHub does, also with the old SHA-1.
func (d *delivery) header() http.Header {
	sign := func(h func() hash.Hash) string {
		mac := hmac.New(h, []byte(d.app.secret))
		mac.Write(d.Payload)
		return hex.EncodeToString(mac.Sum(nil))
	}
	id := strconv.FormatInt(d.app.id, 10)
	h := http.Header{}
	h.Set("Accept", "*/*")
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "GitHub-Hookshot/5a1b2c3")
	h.Set("X-GitHub-Delivery", d.GUID)
	h.Set("X-GitHub-Event", d.Event)
	h.Set("X-GitHub-Hook-ID", id)
	h.Set("X-GitHub-Hook-Installation-Target-ID", id)
	h.Set("X-GitHub-Hook-Installation-Target-Type", "integration")
	if d.app.secret != "" {
		h.Set("X-Hub-Signature", "sha1="+sign(sha1.New))
		h.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New))
	}
	return h
}

// log lists the App's deliveries, the newest first; nil means every App's.
func (q *sender) log(a *application) []Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([]Delivery, 0, len(q.done))
	for _, d := range slices.Backward(q.done) {
		if a == nil || d.app == a {
			out = append(out, d.Delivery)
		}
	}
	slices.SortStableFunc(out, func(a, b Delivery) int { return int(b.ID - a.ID) })
	return out
}

func (q *sender) find(a *application, id int64) (Delivery, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range q.done {
		if d.app == a && d.ID == id {
			return d.Delivery, true
		}
	}
	return Delivery{}, false
}

// redeliver sends a logged delivery once more under the same GUID.
func (q *sender) redeliver(a *application, id int64) bool {
	d, found := q.find(a, id)
	if found {
		q.enqueue(&delivery{app: a, Delivery: Delivery{GUID: d.GUID, Event: d.Event, Action: d.Action,
			InstallationID: d.InstallationID, RepositoryID: d.RepositoryID, Redelivery: true, Payload: d.Payload}})
	}
	return found
}

// SetWebhookURL tells where an App receives its webhooks. Before that, and with
// an empty URL, nothing is sent and nothing remembered.
func (s *Server) SetWebhookURL(appID int64, url string) {
	s.mu.Lock()
	a := s.apps[appID]
	s.mu.Unlock()
	s.sender.mu.Lock()
	defer s.sender.mu.Unlock()
	s.sender.urls[a] = url
}

// HoldWebhooks keeps webhooks back until ReleaseWebhooks.
func (s *Server) HoldWebhooks() {
	s.sender.mu.Lock()
	defer s.sender.mu.Unlock()
	s.sender.holding = true
}

// Release says how held webhooks are sent. The zero value sends them in order.
type Release struct {
	Shuffle bool   // in another order,
	Seed    uint64 // which this decides
	Twice   bool   // each two times, under one GUID
}

// ReleaseWebhooks sends what was held and holds nothing any more.
func (s *Server) ReleaseWebhooks(how Release) {
	q := s.sender
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.held
	if how.Twice {
		for _, d := range q.held {
			again := *d
			q.lastID++
			again.ID = q.lastID
			list = append(list, &again)
		}
	}
	if how.Shuffle {
		rand.New(rand.NewPCG(how.Seed, how.Seed)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	q.holding, q.held = false, nil
	q.push(list...)
}

// TakeWebhooks takes what is held away, in order and signed, for a caller who
// delivers it. Holding goes on.
func (s *Server) TakeWebhooks() []Delivery {
	q := s.sender
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := make([]Delivery, len(q.held))
	for i, d := range q.held {
		taken[i] = d.Delivery
		taken[i].RequestHeader = d.header()
	}
	q.held = nil
	return taken
}

// DropWebhooks loses the webhooks that match; they stand in the log of
// deliveries as failed and can be delivered again. Nil ends it.
func (s *Server) DropWebhooks(match func(event, action string) bool) {
	s.sender.mu.Lock()
	defer s.sender.mu.Unlock()
	s.sender.drop = match
}

// Deliveries lists all deliveries tried so far, the newest first.
func (s *Server) Deliveries() []Delivery { return s.sender.log(nil) }

// WaitIdle waits until every webhook so far was answered; held ones are not
// waited for.
func (s *Server) WaitIdle(ctx context.Context) error {
	q := s.sender
	q.mu.Lock()
	if len(q.queue) == 0 && !q.sending {
		q.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	q.waiting = append(q.waiting, idle)
	q.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		q.mu.Lock()
		defer q.mu.Unlock()
		return fmt.Errorf("waiting for webhooks to be answered, of which %d are still to be sent: %w", len(q.queue), ctx.Err())
	}
}
