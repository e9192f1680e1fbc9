package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// maxTogether bounds how many transactions share one commit.
const maxTogether = 64

// together collects the transactions that are asked for while SQLite commits those
// before them. They run one after another, each a part that fails by itself, and share
// one commit: what a commit costs is the disk's answer, not what it carries.
type together struct {
	asked chan *part
}

// part is one transaction among others.
type part struct {
	ctx   context.Context
	do    func(context.Context, *Tx) error
	taken atomic.Bool   // by who runs it, or by the caller who no longer wants it
	done  chan struct{} // closed when err is the outcome
	err   error
	// panicked is what do panicked with, for its caller to go on panicking.
	panicked any
	wake     bool // somebody may have work after the commit
}

func newTogether() *together { return &together{asked: make(chan *part, maxTogether)} }

// inTogether runs a transaction with others, and returns when it is committed, or not.
func (s *Store) inTogether(ctx context.Context, do func(context.Context, *Tx) error) error {
	p := &part{ctx: ctx, do: do, done: make(chan struct{})}
	select {
	case s.together.asked <- p:
	case <-ctx.Done():
		return fmt.Errorf("beginning a transaction: %w", ctx.Err())
	case <-s.quit.Done():
		return errClosed
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		if p.taken.CompareAndSwap(false, true) {
			return fmt.Errorf("beginning a transaction: %w", ctx.Err())
		}
		<-p.done
	case <-s.ended:
		if p.taken.CompareAndSwap(false, true) {
			return errClosed
		}
		<-p.done
	}
	if p.panicked != nil {
		panic(p.panicked)
	}
	if p.err == nil && p.wake {
		s.wake()
	}
	return p.err
}

// runTogether runs what is asked for until the store closes.
func (s *Store) runTogether() {
	defer close(s.ended)
	var batch []*part
	for {
		batch = batch[:0]
		select {
		case <-s.quit.Done():
			return
		case p := <-s.together.asked:
			batch = append(batch, p)
		}
		for more := true; more && len(batch) < maxTogether; {
			select {
			case p := <-s.together.asked:
				batch = append(batch, p)
			default:
				more = false
			}
		}
		s.runBatch(batch)
		clear(batch)
	}
}

// runBatch runs those that are still wanted. When they cannot be committed together,
// because of any one of them, each is run alone.
func (s *Store) runBatch(batch []*part) {
	wanted := batch[:0]
	for _, p := range batch {
		if p.taken.CompareAndSwap(false, true) {
			wanted = append(wanted, p)
		}
	}
	if len(wanted) < 2 || !s.commitTogether(wanted) {
		for _, p := range wanted {
			p.panicked = nil
			p.err = s.commitAlone(p)
		}
	}
	for _, p := range wanted {
		close(p.done)
	}
}

// commitAlone runs one transaction.
func (s *Store) commitAlone(p *part) error {
	tx, err := s.begin(p.ctx, s.write, nil)
	if err != nil {
		return err
	}
	defer tx.close()
	if err := p.run(p.ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// commitTogether runs transactions as parts of one. It reports false when that came to
// nothing: none of them is saved, and each can run again.
func (s *Store) commitTogether(parts []*part) bool {
	// No context of one ends the transaction of all.
	ctx := context.WithoutCancel(s.quit)
	all, err := s.begin(ctx, s.write, nil)
	if err != nil {
		return false
	}
	defer all.close()
	for _, p := range parts {
		if p.err = p.ctx.Err(); p.err != nil {
			continue
		}
		tx := &Tx{Tx: all.Tx, store: s, now: s.now(), locked: map[string]bool{}, rows: map[string]string{}}
		if _, err := tx.ExecContext(ctx, `SAVEPOINT whole`); err != nil {
			return false
		}
		p.err = p.run(context.WithoutCancel(p.ctx), tx)
		if p.err == nil {
			p.err = p.ctx.Err() // who left is not told that it was done
		}
		if p.err != nil || p.panicked != nil {
			if _, err := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT whole`); err != nil {
				return false // SQLite gave up the whole transaction, as for a full disk
			}
		}
		if _, err := tx.ExecContext(ctx, `RELEASE SAVEPOINT whole`); err != nil {
			return false
		}
	}
	return all.Commit() == nil // what is only checked then may be one's fault and not the others'
}

// run does what the transaction is for, under its caller's lease.
func (p *part) run(ctx context.Context, tx *Tx) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			p.panicked = fmt.Sprintf("%v\n\n%s", thrown, debug.Stack())
			err = errors.New("a transaction panicked")
		}
	}()
	err = tx.runLeased(ctx, p.do)
	p.wake = tx.wake
	return err
}
