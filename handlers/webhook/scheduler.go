package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/palantir/go-githubapp/githubapp"
	"github.com/tidwall/gjson"

	"github.com/agora-rfc/agora/app"
)

// Queue keeps deliveries: when Receive returns without an error, they are on disk. Of
// an entry's body it holds nothing when it returns, whether or not with an error.
type Queue interface {
	Receive(ctx context.Context, entry app.Entry) (app.Receipt, error)
}

// scheduler is go-githubapp's scheduler over the durable inbox: it writes, and
// answers; workers run the delivery later.
type scheduler struct {
	queue   Queue
	load    *load
	observe func(event, outcome string)
}

// Schedule writes the delivery into its lane. The payload is not parsed but for
// the numbers that name the lane.
func (s scheduler) Schedule(ctx context.Context, d githubapp.Dispatch) error {
	if !isJSON(d.Payload) {
		return &brokenPayload{"the payload is not JSON"}
	}
	key := ""
	if d.DeliveryID != "" {
		key = DedupKey(d.DeliveryID)
	}
	if err := s.load.enter(); err != nil {
		return err
	}
	defer s.load.leave()
	ctx, cancel := context.WithTimeout(ctx, keepWithin)
	defer cancel()
	body := envelopes.Get().(*[]byte)
	defer envelopes.Put(body)
	*body = envelope((*body)[:0], d.EventType, d.Payload)
	receipt, err := s.queue.Receive(ctx, app.Entry{Lane: laneOf(d.EventType, d.Payload), Kind: Kind, DedupKey: key, Body: *body})
	if cap(*body) > largestEnvelope {
		*body = nil
	}
	if err == nil {
		s.observe(d.EventType, receipt.String())
	}
	return err
}

// DedupKey is the inbox's key of the delivery with a GUID.
func DedupKey(guid string) string { return "github/" + guid }

// brokenPayload is a signed delivery that cannot be kept as it is.
type brokenPayload struct{ reason string }

func (b *brokenPayload) Error() string { return b.reason }

// isJSON reports whether the payload is one JSON value. The fast validator goes as
// deep as the payload nests, so it gets only what cannot nest deeply; encoding/json,
// four times slower, bounds the depth.
func isJSON(payload []byte) bool {
	const deepest = 10_000 // as encoding/json's
	if bytes.Count(payload, []byte{'{'})+bytes.Count(payload, []byte{'['}) <= deepest {
		return gjson.ValidBytes(payload)
	}
	return json.Valid(payload)
}

// laneOf names the lane of a delivery: the issue or pull request it is about, else
// its repository, else its account or installation. It looks for one number after
// the other: looking for what is not there reads the whole payload.
func laneOf(event string, payload []byte) string {
	number := func(path string) int64 { return gjson.GetBytes(payload, path).Int() }
	if repository := number("repository.id"); repository != 0 {
		about := number("issue.number")
		if about == 0 {
			about = number("pull_request.number")
		}
		if about != 0 {
			return app.IssueRef{Repository: repository, Number: int(about)}.Lane()
		}
		return fmt.Sprintf("repository/%d", repository)
	}
	if event == "installation" || event == "installation_repositories" {
		return fmt.Sprintf("installation/%d", number("installation.id"))
	}
	return fmt.Sprintf("account/%d", number("organization.id"))
}

// envelopes are used again and again: most deliveries are of a size. largestEnvelope is
// the most that is kept of one, in bytes.
var envelopes = sync.Pool{New: func() any { return new([]byte) }}

const largestEnvelope = 256 << 10

// envelope keeps the event's name beside its payload, untouched, in the room of body.
func envelope(body []byte, event string, payload []byte) []byte {
	body = slices.Grow(body, len(event)+1+len(payload))
	body = append(append(body, event...), '\n')
	return append(body, payload...)
}

func openEnvelope(body []byte) (event string, payload []byte, err error) {
	name, payload, found := bytes.Cut(body, []byte{'\n'})
	if !found {
		return "", nil, errors.New("the delivery has no event")
	}
	return string(name), payload, nil
}
