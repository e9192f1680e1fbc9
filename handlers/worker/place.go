package worker

import (
	"context"
	"sync"
	"sync/atomic"
)

// mostAway bounds the lanes that wait for their turn outside: each is a goroutine and
// what its entry holds in memory.
const mostAway = 256

// place is one of the worker's places, held by a lane that runs.
type place struct {
	places chan struct{}
	away   *atomic.Int64 // lanes of this worker that gave their places up for now

	mu    sync.Mutex
	given bool
}

// leave gives the place to whoever has something to do (app.Rest). It keeps it when
// too many are away, or it is given up already.
func (p *place) leave() (back func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.given || p.away.Add(1) > mostAway {
		if !p.given {
			p.away.Add(-1)
		}
		return func(ctx context.Context) error { return ctx.Err() }
	}
	p.given = true
	<-p.places
	return p.back
}

// back waits for a free place; when ctx ends before there is one, the lane ends
// without.
func (p *place) back(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.given = false
	p.away.Add(-1)
	return ctx.Err()
}

// end gives the place up for good.
func (p *place) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.given {
		p.away.Add(-1)
		return
	}
	<-p.places
}
