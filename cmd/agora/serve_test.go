package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/store"
)

// A second `agora serve` on the same SQLite file says why it does not start; who only
// looks on is not kept out.
func TestASecondServerOnOneFileIsRefused(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	database := "sqlite://" + filepath.Join(t.TempDir(), "agora.db")
	first, err := store.Open(t.Context(), database, store.Options{Alone: true})
	must(t, err)
	t.Cleanup(func() { must(t, first.Close()) })
	must(t, first.Migrate(t.Context()))
	agora := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // one that serves would never end
		defer cancel()
		c := exec.CommandContext(ctx, "agora", args...)
		c.Dir = t.TempDir()
		c.Env = []string{
			"AGORA_DATABASE_URL=" + database, "AGORA_LISTEN=127.0.0.1:0", "AGORA_LISTN=hunter2", "GITHUB_APP_INTEGRATION_ID=1", "GITHUB_APP_WEBHOOK_SECRET=secret",
			"GITHUB_APP_PRIVATE_KEY=" + string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		}
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
