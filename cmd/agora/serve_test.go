package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/agora-rfc/agora/store"
)

// A second `agora serve` on the same SQLite file says why it does not start; who only
// looks on is not kept out.
func TestASecondServerOnOneFileIsRefused(t *testing.T) {
	t.Parallel()
	database := "sqlite://" + filepath.Join(t.TempDir(), "agora.db")
	first, err := store.Open(t.Context(), database, store.Options{Alone: true})
	must(t, err)
	t.Cleanup(func() { must(t, first.Close()) })
	must(t, first.Migrate(t.Context()))
	environment := servable(t, database)
	agora := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // one that serves would never end
		defer cancel()
		c := exec.CommandContext(ctx, "agora", args...)
		c.Dir = t.TempDir()
		c.Env = append(environment, "AGORA_LISTN=hunter2")
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := agora("serve")
	if err == nil || !strings.Contains(out, "agora: ") || !strings.Contains(out, "another process serves this SQLite database already") {
		t.Errorf("a second server ended with %v and said %q", err, out)
	}
	if strings.Count(out, "AGORA_LISTN") != 1 || strings.Contains(out, "hunter2") {
		t.Errorf("a name that is no setting's is not said once, without its value: %q", out)
	}
	for _, beside := range [][]string{{"verify"}, {"export"}, {"inbox", "list"}, {"migrate", "status"}} {
		if out, err := agora(beside...); err != nil {
			t.Errorf("%v beside a server: %v, %q", beside, err, out)
		}
	}
}

// servable is an environment in which `agora serve` has all it needs.
func servable(t *testing.T, database string) []string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return []string{
		"AGORA_DATABASE_URL=" + database, "AGORA_LISTEN=127.0.0.1:0", "GITHUB_APP_INTEGRATION_ID=1", "GITHUB_APP_WEBHOOK_SECRET=secret",
		"GITHUB_APP_PRIVATE_KEY=" + string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	}
}

// `agora serve` that is told to stop while it still waits for its database ends as one
// that served does.
func TestAServerThatIsStoppedWhileItStartsEndsWell(t *testing.T) {
	t.Parallel()
	database := "sqlite://" + filepath.Join(t.TempDir(), "agora.db")
	first, err := store.Open(t.Context(), database, store.Options{Alone: true})
	must(t, err)
	t.Cleanup(func() { must(t, first.Close()) })
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, "agora", "serve")
		c.Dir, c.Env = t.TempDir(), servable(t, database)
		said, err := c.StderrPipe()
		must(t, err)
		must(t, c.Start())
		lines := bufio.NewScanner(said)
		for lines.Scan() && !strings.Contains(lines.Text(), "waiting for it to end") {
		}
		must(t, c.Process.Signal(signal))
		rest := ""
		for lines.Scan() {
			rest += lines.Text() + "\n"
		}
		if err := c.Wait(); err != nil || strings.Contains(rest, "agora: ") || strings.Contains(rest, "context canceled") {
			t.Errorf("after %v it ended with %v and said %q", signal, err, rest)
		}
	}
}

// What fails while the server is being stopped is still said.
func TestAFailureBesideAnInterruptionIsNotLost(t *testing.T) {
	t.Parallel()
	stopped, failure := fmt.Errorf("opening the database: %w", context.Canceled), errors.New("the disk is full")
	for _, err := range []error{nil, failure, errors.Join(stopped, failure), errors.Join(failure, errors.Join(stopped, nil))} {
		if interrupted(err) {
			t.Errorf("%v is nothing but an interruption", err)
		}
	}
	for _, err := range []error{stopped, errors.Join(stopped, nil), errors.Join(stopped, context.Canceled)} {
		if !interrupted(err) {
			t.Errorf("%v is more than an interruption", err)
		}
	}
}
