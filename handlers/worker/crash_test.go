package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/handlers/worker"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// The environment of a child process: a worker on the database at childURL. One
// that hangs never finishes its first entry.
const (
	childURL   = "AGORA_TEST_WORKER_URL"
	childHangs = "AGORA_TEST_WORKER_HANGS"
)

// child is a replica of its own. Running an entry notes it in the audit trail,
// under the lease.
func child(url string) {
	s, err := store.Open(context.Background(), url, store.Options{MaxConnections: 4})
	if err != nil {
		panic(err)
	}
	note := func(ctx context.Context, entry app.Entry) error {
		fmt.Println("running")
		if os.Getenv(childHangs) != "" {
			select {}
		}
		time.Sleep(rand.N(20 * time.Millisecond)) // as if it asked GitHub
		// It does not hear that its lease was lost: the fence alone has to hold.
		return s.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
			err := tx.AppendAudit(ctx, audit.Entry{Community: 1, Subject: entry.Lane, Kind: string(entry.Body)})
			time.Sleep(rand.N(3 * time.Millisecond))
			return err
		})
	}
	options := worker.Options{LeaseFor: 150 * time.Millisecond, MaxAttempts: 1000, Concurrency: 3}
	worker.New(s, map[string]worker.Handler{"work": note}, options).Run(context.Background())
}

// startChild starts a replica and waits until it runs something.
func startChild(t *testing.T, url string, extra ...string) *exec.Cmd {
	t.Helper()
	replica := exec.Command(os.Args[0])
	replica.Env = append(append(os.Environ(), childURL+"="+url), extra...)
	output, err := replica.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := replica.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	if len(extra) > 0 && !lines.Scan() {
		t.Fatal("the replica ran nothing")
	}
	go func() {
		for lines.Scan() { // so that it never waits to be heard
		}
	}()
	return replica
}

func kill(t *testing.T, replica *exec.Cmd) {
	t.Helper()
	if err := replica.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = replica.Wait() // it was killed
}

func TestAKilledWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		var skew atomic.Int64 // moves our clock past the end of the child's lease
		b := &bench{storetest.Open(t, url, store.Options{
			LeaseClock: func() time.Time { return time.Now().Add(time.Duration(skew.Load())) },
		}), t, &testClock{}}
		b.receive("a", "first")
		b.receive("a", "second")
		kill(t, startChild(t, url, childHangs+"=yes"))
		skew.Store(int64(time.Hour))

		var ran diary
		w, _ := b.start(b, worker.Options{}, func(_ context.Context, entry app.Entry) error {
			ran.write(fmt.Sprintf("%s after %d", entry.Body, entry.Attempts))
			return nil
		})
		b.waitIdle(w)
		ran.wants(t, "first after 1", "second after 0")
	})
}

// TestReplicasThatCrashAndStall has three replicas work while one after the
// other is killed, or stopped for longer than its lease and then woken, when it
// still believes that the lane is its own. No entry is lost, none runs again
// after a later one of its lane, and the trail has no hole.
func TestReplicasThatCrashAndStall(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		const lanes, entries, replicas = 4, 60, 3
		s := storetest.Open(t, url, store.Options{})
		b := &bench{s, t, &testClock{}}
		for number := range entries {
			for lane := range lanes {
				b.receive(fmt.Sprint("lane", lane), strconv.Itoa(number))
			}
		}
		var running [replicas]*exec.Cmd
		for i := range running {
			running[i] = startChild(t, url)
		}
		defer func() {
			for _, replica := range running {
				kill(t, replica)
			}
		}()
		for turn := 0; ; turn++ {
			if idle, err := s.Idle(t.Context()); err != nil {
				t.Fatal(err)
			} else if idle {
				break
			}
			victim := turn % replicas
			if turn%2 == 0 {
				kill(t, running[victim])
				running[victim] = startChild(t, url)
				time.Sleep(100 * time.Millisecond)
				continue
			}
			signal(t, running[victim], syscall.SIGSTOP)
			time.Sleep(400 * time.Millisecond)
			signal(t, running[victim], syscall.SIGCONT)
		}
		checkTrail(t, s, lanes, entries)
	})
}

func signal(t *testing.T, replica *exec.Cmd, sig os.Signal) {
	t.Helper()
	if err := replica.Process.Signal(sig); err != nil {
		t.Error(err)
	}
}

// checkTrail proves that every lane's entries are there in order. An entry may
// be there twice, when its worker died between the work and the note that it was
// done, but never after a later one.
func checkTrail(t *testing.T, s *store.Store, lanes, entries int) {
	t.Helper()
	for lane := range lanes {
		name := fmt.Sprint("lane", lane)
		var trail []audit.Entry
		err := s.View(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			trail, err = tx.Audit(ctx, 1, name, 0, 0)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		for _, entry := range trail {
			switch entry.Kind {
			case strconv.Itoa(next):
				next++
			case strconv.Itoa(next - 1): // again
			default:
				t.Fatalf("%s: entry %s came where %d was due", name, entry.Kind, next)
			}
		}
		if next != entries {
			t.Errorf("%s: %d of %d entries ran", name, next, entries)
		}
	}
	if _, broken := storetest.VerifyAudit(t, s); len(broken) > 0 {
		t.Errorf("the trail is broken: %v", broken)
	}
}
