package ghclient

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
)

// Shared is what all replicas share of each installation; the App itself is
// installation 0.
type Shared interface {
	// Reserve takes up to want tokens of a budget, at least one if the next comes
	// within patience, which is to be waited for. With none taken, wait is when to
	// ask again.
	Reserve(ctx context.Context, budget app.Budget, want int, patience time.Duration) (taken int, wait time.Duration, err error)
	// Pause keeps every replica from asking until an instant, as GitHub wants it.
	Pause(ctx context.Context, installation int64, until time.Time) error
	// Stop says that the App is suspended there, or removed: asking is of no use
	// until an instant, or until GitHub says otherwise. It reports false, and does
	// nothing, when GitHub said so since it had resumed so often.
	Stop(ctx context.Context, installation, resumed int64, until time.Time) (bool, error)
	// Standing says what the others found.
	Standing(ctx context.Context, installation int64) (app.Standing, error)
}

const (
	// lookEvery is how long a replica takes an installation to stand as it did.
	lookEvery = 5 * time.Second
	// batchSize is how many writes are reserved at once: a round trip for each would
	// cost more than it protects.
	batchSize = 5
	// batchFor is how long they may be used, so that no replica hoards.
	batchFor = 10 * time.Second
	// stoppedFor is how long a suspended installation, or an archived repository, is
	// left alone before one request looks whether it still is.
	stoppedFor = 6 * time.Hour
	// removedFor is the same for a repository that no installation reaches: only an
	// event can change that.
	removedFor = 24 * time.Hour
)

// stoppedError says that the App may do nothing there for now.
type stoppedError struct{ after time.Duration }

func (e *stoppedError) Error() string { return "the App is suspended there, or removed" }

// batch is what was reserved and not used yet.
type batch struct {
	left  int
	until time.Time
}

// standing asks, now and then, whether another replica learned that this
// installation is to be left alone. While it is, every request asks: when it may go
// on, it goes on at once.
func (b *budget) standing(ctx context.Context) error {
	if b.shared == nil {
		return nil
	}
	now := b.clock()
	b.mu.Lock()
	fresh := !b.stopped && now.Before(b.lookedAt.Add(lookEvery))
	b.mu.Unlock()
	if fresh {
		return nil
	}
	found, err := b.shared.Standing(ctx, b.installation)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lookedAt, b.stopped, b.resumed = now, found.StoppedUntil.After(now), found.Resumed
	if found.PausedUntil.After(b.pausedUntil) {
		b.pausedUntil = found.PausedUntil
	}
	if b.stopped {
		return &stoppedError{found.StoppedUntil.Sub(now)}
	}
	return nil
}

// resumptions is how often the installation resumed, as far as this replica knows.
func (b *budget) resumptions(ctx context.Context) int64 {
	b.mu.Lock()
	unknown := b.lookedAt.IsZero()
	b.mu.Unlock()
	if unknown {
		_ = b.standing(ctx) // whether the request may go is asked when it goes
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resumed
}

// stop tells every replica that the App is suspended there. It reports false when that
// may be over, because the installation resumed since the request was made, or when the
// others cannot be told, who find out by themselves.
func (b *budget) stop(ctx context.Context, resumed int64) bool {
	b.mu.Lock()
	b.lookedAt = time.Time{}
	b.mu.Unlock()
	if b.shared == nil || b.installation == 0 {
		return true
	}
	stands, err := b.shared.Stop(ctx, b.installation, resumed, b.clock().Add(stoppedFor))
	b.tell("is suspended", err)
	return stands && err == nil
}

// reserve takes one token of a budget that all replicas share, and says how long to
// wait for it.
func (b *budget) reserve(ctx context.Context, kind string, limit rate.Limit, burst, want int) (time.Duration, error) {
	if limit == rate.Inf {
		return 0, nil
	}
	now := b.clock()
	b.mu.Lock()
	if kept := b.batches[kind]; kept != nil && kept.left > 0 && now.Before(kept.until) {
		kept.left--
		b.mu.Unlock()
		return 0, nil
	}
	b.mu.Unlock()
	every := time.Duration(float64(time.Second) / float64(limit))
	taken, wait, err := b.shared.Reserve(ctx, app.Budget{Installation: b.installation, Kind: kind, Every: every, Burst: burst}, want, longestWait)
	if err != nil {
		return 0, err
	}
	if taken == 0 {
		return 0, &limitError{after: wait, reason: "Agora's own budget of " + kind + " is spent"}
	}
	if taken > 1 {
		b.keep(kind, taken-1)
	}
	return wait, nil
}

// keep puts tokens where the next request finds them.
func (b *budget) keep(kind string, tokens int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	if kept := b.batches[kind]; kept != nil && now.Before(kept.until) {
		kept.left += tokens
		return
	}
	b.batches[kind] = &batch{left: tokens, until: now.Add(batchFor)}
}

// waitTogether is waitToWrite by the budgets that all replicas share.
func (b *budget) waitTogether(ctx context.Context, content bool) error {
	wait, err := b.reserve(ctx, "writes", b.options.WriteRate, b.options.WriteBurst, batchSize)
	if err != nil {
		return err
	}
	if content {
		longer, err := b.reserve(ctx, "content", b.options.ContentRate, b.options.ContentBurst, 1)
		if err != nil {
			b.keep("writes", 1)
			return err
		}
		wait = max(wait, longer)
	}
	return b.sleep(ctx, wait)
}

// tell logs what could not be shared: each replica is told by GitHub in the end.
func (b *budget) tell(what string, err error) {
	if err != nil {
		b.options.Logger.Warn().Err(err).Int64("installation", b.installation).Msg("telling other replicas that an installation " + what)
	}
}

// unreached refuses to ask for a repository that no installation reaches.
func unreached(doing string) error {
	return app.RetryAfter(coded(app.CodeUninstalled, doing, errors.New("no installation of the App reaches the repository")), removedFor)
}
