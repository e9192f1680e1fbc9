package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
)

// program runs the program and returns its status and what it said.
func program(ctx context.Context, args ...string) (status int, out string) {
	var said bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&said)
	root.SetErr(&said)
	return run(ctx, root), said.String()
}

// head is where the trail ends by the API.
func (s *scene) trailHead() (head audit.Head) {
	s.t.Helper()
	var answer struct{ Head audit.Head }
	if status := s.fetch("/api/v1/communities/acme", &answer); status != http.StatusOK {
		s.t.Fatalf("the API answers %d for the community", status)
	}
	return answer.Head
}

// sealed waits until the queue has sealed everything there is.
func (s *scene) sealed() audit.Head {
	s.t.Helper()
	for {
		unsealed, _, err := s.agora.store.SealLag(s.ctx)
		must(s.t, err)
		if unsealed == 0 {
			return s.trailHead()
		}
		select {
		case <-s.ctx.Done():
			s.t.Fatal("the trail is not sealed")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var trailLine = regexp.MustCompile(`<!-- agora:trail --><sub>Audit trail sealed up to entry (\d+): <code>([0-9a-f]{64})</code></sub>`)

// The running program seals its trail by itself, shows where it ends, and what it
// shows is what a stranger's verification is held to.
func TestTheTrailIsSealedShownExportedAndVerified(t *testing.T) {
	t.Parallel()
	database := "sqlite://" + filepath.Join(t.TempDir(), "agora.db")
	s := newScene(t, staging{databaseURL: database})
	number := s.issue("kim", "Weighted quorum", "Let weights count.", "rfc")
	before := s.sealed()
	if before.Seq == 0 {
		t.Fatal("nothing is sealed")
	}
	s.done("maya", number, "/rfc vote")
	s.sealed()
	s.done("lee", number, "/vote approve")
	s.pass(time.Hour) // edits are spaced
	shown := trailLine.FindStringSubmatch(s.sticky(number, 1))
	if shown == nil {
		t.Fatalf("the status comment does not tell where the trail ends:\n%s", s.sticky(number, 1))
	}
	seq, err := strconv.ParseInt(shown[1], 10, 64)
	must(t, err)
	if seq < before.Seq {
		t.Errorf("the status comment tells of entry %d, and %d was sealed before", seq, before.Seq)
	}

	last := s.sealed()
	file := filepath.Join(t.TempDir(), "acme.jsonl")
	for _, args := range [][]string{
		{"verify", "--database", database, "--head", shown[1] + ":" + shown[2], "--head", fmt.Sprintf("%d:%s", last.Seq, last.Hash)},
		{"export", "--database", database, "--community", "ACME", "--output", file},
		{"verify", "--export", file, "--head", shown[1] + ":" + shown[2]},
	} {
		if status, out := program(s.ctx, args...); status != 0 {
			t.Errorf("agora %s: %d\n%s", strings.Join(args, " "), status, out)
		}
	}
	exported, err := os.ReadFile(file)
	must(t, err)
	if !strings.Contains(strings.SplitN(string(exported), "\n", 2)[0], last.Hash) {
		t.Error("the export does not begin with where the chain ends")
	}
	must(t, os.WriteFile(file, bytes.Replace(exported, []byte(`"kind":"ballot","to":"approve"`), []byte(`"kind":"ballot","to":"reject"`), 1), 0o600))
	if status, out := program(s.ctx, "verify", "--export", file); status != statusFailed || !strings.Contains(out, "the first: the audit trail of ") {
		t.Errorf("of an export that was changed it says %d\n%s", status, out)
	}
	if status, out := program(s.ctx, "export", "--database", database, "--community", "nobody"); status != statusFailed || !strings.Contains(out, `there is no community "nobody"`) {
		t.Errorf("for nobody it says %d\n%s", status, out)
	}
	if status, _ := program(s.ctx, "verify", "--database", database, "--head", "7"); status != statusUsage {
		t.Errorf("a head that is none: status %d", status)
	}
}

// Where the trail ends moves all the time: that alone edits no comment.
func TestATrailThatGrowsEditsNoComment(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weighted quorum", "Let weights count.", "rfc")
	before, body := s.sealed(), s.sticky(number, 1)
	must(t, s.agora.store.InTx(s.ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err := tx.RFCByNumber(ctx, s.community(), 1)
		if err != nil {
			return err
		}
		if err := tx.AppendAudit(ctx, audit.Entry{Community: r.Community, Subject: "member/1", At: s.clock.now(), Kind: "left"}); err != nil {
			return err
		}
		return tx.Enqueue(ctx, r.Ref.EffectLane(), rfc.PublishKind, "", []byte(fmt.Sprintf(`{"ref":{"repository":%d,"number":%d}}`, r.Ref.Repository, r.Ref.Number)))
	}))
	if after := s.sealed(); after.Seq != before.Seq+1 {
		t.Fatalf("the trail ended with %d and ends with %d", before.Seq, after.Seq)
	}
	s.settle()
	if again := s.sticky(number, 1); again != body {
		t.Errorf("the comment was edited:\n%s\nwas\n%s", again, body)
	}
}

func (s *scene) community() (id int64) {
	s.t.Helper()
	must(s.t, s.agora.store.View(s.ctx, func(ctx context.Context, tx *store.Tx) error {
		installation, err := tx.InstallationByLogin(ctx, "acme")
		id = installation.Account.ID
		return err
	}))
	return id
}

func TestTheLagOfTheSealIsMeasured(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sealed()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.url+"/metrics", nil)
	must(t, err)
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	must(t, err)
	for _, want := range []string{"agora_audit_seal_lag_seconds 0", "agora_audit_unsealed_entries 0"} {
		if !strings.Contains(string(page), "\n"+want+"\n") {
			t.Errorf("the metrics lack %q", want)
		}
	}
}
