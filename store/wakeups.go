package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// notifyInterval is the least time between two notifications to other replicas:
// a NOTIFY in every transaction halves the rate of inserts.
const notifyInterval = 10 * time.Millisecond

// wakeups tells those who wait for work that there may be some.
type wakeups struct {
	mu          sync.Mutex
	subscribers map[chan struct{}]struct{}
	listening   bool
	remote      chan struct{} // asks the notifier to tell the other replicas
}

// Subscribe returns a channel that receives after anything happened that may
// give a worker something to do, here or on another replica, and a function
// that ends the subscription. Wake-ups run together, and one from another
// replica may be lost with its connection: a poll has to stand behind it.
func (s *Store) Subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	s.wakeups.mu.Lock()
	defer s.wakeups.mu.Unlock()
	if s.wakeups.subscribers == nil {
		s.wakeups.subscribers = map[chan struct{}]struct{}{}
	}
	s.wakeups.subscribers[ch] = struct{}{}
	if s.dialect == postgres && !s.wakeups.listening && s.quit.Err() == nil {
		s.wakeups.listening = true
		s.background.Go(s.runListener)
	}
	return ch, func() {
		s.wakeups.mu.Lock()
		defer s.wakeups.mu.Unlock()
		delete(s.wakeups.subscribers, ch)
	}
}

// wake wakes everybody, here and elsewhere.
func (s *Store) wake() {
	s.wakeHere()
	if s.dialect == postgres {
		signal(s.wakeups.remote)
	}
}

func (s *Store) wakeHere() {
	s.wakeups.mu.Lock()
	defer s.wakeups.mu.Unlock()
	for ch := range s.wakeups.subscribers {
		signal(ch)
	}
}

func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default: // one is already waiting there
	}
}

// channel is PostgreSQL's name for our notifications. They cross schemas, so
// the schema is part of the name.
func (s *Store) channel() string { return "agora_" + s.schema }

// runNotifier tells the other replicas, at most every notifyInterval.
func (s *Store) runNotifier() {
	for {
		select {
		case <-s.quit.Done():
			return
		case <-s.wakeups.remote:
		}
		_, err := s.write.ExecContext(s.quit, `SELECT pg_notify($1, $2)`, s.channel(), s.instance)
		if err != nil && s.quit.Err() == nil {
			s.log.Warn().Err(err).Msg("telling other replicas of new work; their polls will find it")
		}
		if !s.pause(notifyInterval) {
			return
		}
	}
}

// runListener hears the other replicas, and comes back when the connection is
// lost.
func (s *Store) runListener() {
	for {
		err := s.listen()
		if s.quit.Err() != nil {
			return
		}
		s.log.Warn().Err(err).Msg("listening for work of other replicas; connecting again")
		if !s.pause(time.Second) {
			return
		}
	}
}

func (s *Store) listen() error {
	conn, err := pgx.Connect(s.quit, s.url)
	if err != nil {
		return fmt.Errorf("connecting to listen: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.quit), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(s.quit, "LISTEN "+pgx.Identifier{s.channel()}.Sanitize()); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	s.wakeHere() // for what was said while nobody listened
	for {
		note, err := conn.WaitForNotification(s.quit)
		if err != nil {
			return fmt.Errorf("waiting for a notification: %w", err)
		}
		if note.Payload != s.instance {
			s.wakeHere()
		}
	}
}

// pause waits, and reports whether the store is still open.
func (s *Store) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.quit.Done():
		return false
	case <-timer.C:
		return true
	}
}
