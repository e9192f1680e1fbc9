package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// An entry runs in issue/9/7 while its installation is suspended, and finds it so. In
// whatever order it is put back and the installation resumes, it waits no more.
func TestNothingWaitsForAnInstallationThatResumedMeanwhile(t *testing.T) {
	t.Parallel()
	acme := app.Account{ID: 1, Login: "acme"}
	resumed := app.Installation{ID: 5, Account: acme}
	suspended := app.Installation{ID: 5, Account: acme, Suspended: true}
	type scene struct {
		save              func(app.Installation, ...func()) // and what happens before the commit
		postpone, release func()
	}
	for name, play := range map[string]struct {
		do    func(scene)
		waits bool
	}{
		"it did not resume": {func(s scene) { s.postpone(); s.release() }, true},
		"before":            {func(s scene) { s.save(resumed); s.postpone(); s.release() }, false},
		"between":           {func(s scene) { s.postpone(); s.save(resumed); s.release() }, false},
		"after":             {func(s scene) { s.postpone(); s.release(); s.save(resumed) }, false},
		"during both":       {func(s scene) { s.save(resumed, func() { s.postpone(); s.release() }) }, false},
		"during the second": {func(s scene) { s.postpone(); s.save(resumed, s.release) }, false},
		"and again not":     {func(s scene) { s.save(resumed); s.save(suspended); s.postpone(); s.release() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				all, _ := replicas(t, url, 1)
				s := all[0]
				save := func(i app.Installation, meanwhile ...func()) {
					done := make(chan struct{})
					err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						if err := tx.SaveInstallation(ctx, i); err != nil {
							return err
						}
						go func() {
							defer close(done)
							for _, do := range meanwhile {
								do()
							}
						}()
						if len(meanwhile) > 0 {
							select { // one of the two may have to wait for the other
							case <-done:
							case <-time.After(300 * time.Millisecond):
							}
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
					<-done
				}
				save(resumed)
				if err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					return tx.SaveRepository(ctx, app.Repository{ID: 9, Owner: acme, Name: "app", Installation: 5})
				}); err != nil {
					t.Fatal(err)
				}
				save(suspended)
				if _, err := s.Receive(t.Context(), app.Entry{Lane: "issue/9/7", Kind: "work"}); err != nil {
					t.Fatal(err)
				}
				lease, err := s.ClaimLane(t.Context(), time.Minute)
				if err != nil || lease == nil {
					t.Fatalf("claiming: %v", err)
				}
				entry, err := s.Head(t.Context(), *lease)
				if err != nil {
					t.Fatal(err)
				}
				must := func(err error) {
					if err != nil {
						t.Error(err)
					}
				}
				play.do(scene{
					save: save,
					postpone: func() {
						cause := app.RetryResumed(errors.New("suspended"), 6*time.Hour, 5)
						must(s.Postpone(t.Context(), *lease, entry.ID, entry.EnqueuedAt.Add(6*time.Hour), cause))
					},
					release: func() { must(s.Release(t.Context(), *lease)) },
				})
				lease, err = s.ClaimLane(t.Context(), time.Minute)
				if err != nil || (lease == nil) != play.waits {
					t.Fatalf("the lane is claimed: %v, %v", lease, err)
				}
				if play.waits {
					return
				}
				if again, err := s.Head(t.Context(), *lease); again == nil || err != nil {
					t.Errorf("it does not run again: %v", err)
				}
			})
		})
	}
}

// A replica was refused while the installation was suspended, and says so when, or just
// as, that is over.
func TestAnInstallationThatResumedIsNotStoppedByALateRefusal(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		all, _ := replicas(t, url, 1)
		s := all[0]
		until := time.Date(2026, 10, 1, 18, 0, 0, 0, time.UTC)
		stop := func(since int64) bool {
			stands, err := s.Stop(t.Context(), 5, since, until)
			if err != nil {
				t.Error(err)
			}
			return stands
		}
		standing := func() app.Standing {
			found, err := s.Standing(t.Context(), 5)
			if err != nil {
				t.Error(err)
			}
			return found
		}
		resume := func(meanwhile func()) {
			err := s.InTx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if err := tx.SaveInstallation(ctx, app.Installation{ID: 5, Account: app.Account{ID: 1, Login: "acme"}}); err != nil {
					return err
				}
				meanwhile()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		for range 2 { // nobody had heard of it before; it had been so before
			before := standing().Resumed
			said := make(chan bool, 1)
			resume(func() {
				go func() { said <- stop(before) }()
				time.Sleep(100 * time.Millisecond)
			})
			if <-said || stop(before) || !standing().StoppedUntil.IsZero() {
				t.Errorf("a late refusal stops it: %v", standing())
			}
			if !stop(standing().Resumed) || !standing().StoppedUntil.Equal(until) {
				t.Errorf("a new refusal does not stop it: %v", standing())
			}
			resume(func() {})
			if !standing().StoppedUntil.IsZero() {
				t.Errorf("it does not resume: %v", standing())
			}
		}
	})
}
