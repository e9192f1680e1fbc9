package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/agora-rfc/agora/app"
)

const (
	// maxBatch bounds how many deliveries share one commit.
	maxBatch = 256
	// batchWithin bounds a batch's transaction: a connection may be dead.
	batchWithin = 5 * time.Second
	// batchPatience is how long a batch waits for a lane that somebody holds on PostgreSQL,
	// and lanePatience how long what it has for one lane does after that. Then each of it
	// waits for itself.
	batchPatience, lanePatience = "500ms", "20ms"
	// gathering is how long a batch waits for more while deliveries come together: a
	// commit costs about the same for one as for many.
	gathering = 2 * time.Millisecond
	// enough is how many deliveries a batch waits for.
	enough = 64
	// maxAlone bounds how many are queued each by itself at once, so that lanes that are
	// held take no more than these of the pool's connections.
	maxAlone = 4
	// intakesOnPostgres collect deliveries at once, so that one whose connection died
	// does not stop the others. SQLite has one connection that writes.
	intakesOnPostgres = 2
)

// intake collects the deliveries that arrive while the database commits the ones
// before them: many callers share one commit and few statements, and none starves for
// a lock or a connection.
type intake struct {
	arrivals chan arrival
	alone    *semaphore.Weighted // of those that are queued each by itself
	failures rate.Sometimes      // of what the log says of batches
}

type arrival struct {
	ctx    context.Context // of the caller
	entry  app.Entry
	answer chan<- answer // has room for one
}

type answer struct {
	receipt app.Receipt
	err     error
}

func newIntake() *intake {
	return &intake{
		arrivals: make(chan arrival, maxBatch),
		alone:    semaphore.NewWeighted(maxAlone),
		failures: rate.Sometimes{Interval: time.Minute},
	}
}

// Receive puts what arrived from outside into its lane. When it returns without
// an error the entry is committed to disk. Its body is the caller's again, in any
// case. An entry whose DedupKey is known is ignored while that one waits, runs or is
// done, and sets it going again, with the new body, when it was parked. When ctx ends
// first, the entry may have been queued all the same: sending it again is harmless.
func (s *Store) Receive(ctx context.Context, entry app.Entry) (app.Receipt, error) {
	answers := make(chan answer, 1)
	entry.Body = pack(entry.Body)
	select {
	case s.intake.arrivals <- arrival{ctx, entry, answers}:
	case <-ctx.Done():
		return 0, fmt.Errorf("queueing %s: %w", entry.Lane, ctx.Err())
	case <-s.quit.Done():
		return 0, errClosed
	}
	select {
	case a := <-answers:
		return a.receipt, a.err
	case <-ctx.Done():
		return 0, fmt.Errorf("queueing %s: %w", entry.Lane, ctx.Err())
	case <-s.quit.Done():
		return 0, errClosed
	}
}

var errClosed = errors.New("the store is closed")

// runIntake commits batch after batch until the store closes.
func (s *Store) runIntake() {
	batch := make([]arrival, 0, maxBatch)
	for {
		crowded := len(batch) > 1
		if batch = s.intake.gather(s.quit, batch[:0], crowded); len(batch) == 0 {
			return
		}
		s.receiveBatch(batch)
		clear(batch) // lets go of the bodies
	}
}

// gather collects what is there; in a crowd it waits for more. None comes when the
// store closes.
func (i *intake) gather(quit context.Context, batch []arrival, crowded bool) []arrival {
	select {
	case <-quit.Done():
		return nil
	case a := <-i.arrivals:
		batch = append(batch, a)
	}
	for len(batch) < maxBatch {
		select {
		case a := <-i.arrivals:
			batch = append(batch, a)
			continue
		default:
		}
		break
	}
	if !crowded {
		return batch
	}
	late := time.NewTimer(gathering)
	defer late.Stop()
	for len(batch) < enough {
		select {
		case a := <-i.arrivals:
			batch = append(batch, a)
		case <-late.C:
			return batch
		case <-quit.Done():
			return batch
		}
	}
	return batch
}

// receiveBatch queues a batch in one transaction. When that fails, because of any one
// of them, each is queued by itself, as are those whose key is known.
func (s *Store) receiveBatch(batch []arrival) {
	if s.dialect == sqlite {
		if len(batch) > 1 {
			batch, _ = s.receiveTogether(batch, s.addAll)
		}
		for _, a := range batch {
			s.receiveAlone(a.ctx, a)
		}
		return
	}
	batch, held := s.receiveTogether(batch, s.addAtOnce(batchPatience))
	lanes := map[string][]arrival{}
	for _, a := range batch {
		lanes[a.entry.Lane] = append(lanes[a.entry.Lane], a)
	}
	for lane, rest := range lanes {
		if held && len(lanes) > 1 {
			rest, _ = s.receiveTogether(rest, s.addAtOnce(lanePatience))
		}
		if len(rest) > 0 { // nobody else waits for whoever holds the lane
			s.background.Go(func() { s.receiveLater(lane, rest) })
		}
	}
}

// receiveLater queues the arrivals of one lane, when there is a place for it.
func (s *Store) receiveLater(lane string, arrivals []arrival) {
	for _, a := range arrivals {
		ctx, cancel := context.WithCancel(a.ctx)
		stop := context.AfterFunc(s.quit, cancel)
		if err := s.intake.alone.Acquire(ctx, 1); err != nil {
			a.answer <- answer{err: fmt.Errorf("queueing %s: %w", lane, err)}
		} else {
			s.receiveAlone(ctx, a)
			s.intake.alone.Release(1)
		}
		stop()
		cancel()
	}
}

// receiveAlone queues one arrival in a transaction of its own.
func (s *Store) receiveAlone(ctx context.Context, a arrival) {
	var got answer
	got.err = s.alone(ctx, func(ctx context.Context, tx *Tx) (err error) {
		got.receipt, err = tx.receive(ctx, a.entry)
		return err
	})
	a.answer <- got
}

// receiveTogether queues what is new of a batch, or nothing, and returns what is still to
// be queued, and whether that is because somebody holds one of the lanes.
func (s *Store) receiveTogether(batch []arrival, add adding) (rest []arrival, held bool) {
	ctx, cancel := context.WithTimeout(s.quit, batchWithin)
	defer cancel()
	entries := make([]app.Entry, len(batch))
	for i, a := range batch {
		entries[i] = a.entry
	}
	added, err := add(ctx, entries)
	if err != nil {
		if held = waited(err); !held && s.quit.Err() == nil {
			s.intake.failures.Do(func() {
				s.log.Warn().Err(err).Msg("deliveries that came together cannot be queued together; each is queued by itself")
			})
		}
		return batch, held // who is at fault is told when each is queued by itself
	}
	for _, a := range batch {
		if key := clean(a.entry.DedupKey); key == "" || added[key] {
			added[key] = false // who comes with the same key after it is a duplicate
			a.answer <- answer{receipt: app.Accepted}
		} else {
			rest = append(rest, a)
		}
	}
	return rest, false
}
