package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// execute runs the program in this process and gives what it printed.
func execute(t *testing.T, ctx context.Context, args ...string) (out string, status int) {
	t.Helper()
	var printed bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&printed)
	root.SetErr(&printed)
	status = run(ctx, root)
	return printed.String(), status
}

// metricsOf reads /metrics.
func metricsOf(t *testing.T, ctx context.Context, s *stage) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(body)
}

func TestAPoisonousDeliveryIsParkedSeenAndRetried(t *testing.T) {
	t.Parallel()
	database := "sqlite://" + t.TempDir() + "/agora.db"
	s, ctx := play(t, staging{databaseURL: database})
	number := openRFC(t, ctx, s)
	repository := s.sim.Deliveries()[0].RepositoryID
	poison := []byte(`{"action": "labeled", "repository": {"id": ` + strconv.FormatInt(repository, 10) + `}, "issue": {"number": ` + strconv.Itoa(number) + `, "labels": 7}, "x": "\u001b[31m"}`)
	if status := deliver(t, ctx, s, "issues", "11111111-2222-3333-4444-555555555555", poison); status != http.StatusOK {
		t.Fatalf("the delivery was answered %d", status)
	}
	settle(t, ctx, s)
	// The lane goes on behind it.
	if got := reactionsOf(s, writes(t, ctx, s, "maya", number, "/rfc vote").ID); got != "rocket" {
		t.Errorf("the next command wears %q", got)
	}
	if !strings.Contains(metricsOf(t, ctx, s), `agora_queue_entries{state="parked"} 1`) {
		t.Error("the metrics do not show the parked delivery")
	}

	list, status := execute(t, ctx, "inbox", "list", "--database", database)
	if status != 0 || !strings.Contains(list, "decoding") {
		t.Fatalf("status %d, list:\n%s", status, list)
	}
	id := regexp.MustCompile(`(?m)^(\d+) `).FindStringSubmatch(list)[1]
	shown, status := execute(t, ctx, "inbox", "show", id, "--database", database)
	if status != 0 || !strings.Contains(shown, "github/11111111-2222-3333-4444-555555555555") || !strings.Contains(shown, `"labels": 7`) {
		t.Errorf("status %d, shown:\n%s", status, shown)
	}
	if out, status := execute(t, ctx, "inbox", "retry", id, "--database", database); status != 0 {
		t.Errorf("retrying: status %d, %s", status, out)
	}
	settle(t, ctx, s)
	if out, status := execute(t, ctx, "inbox", "list", "--database", database); status != 0 || !strings.Contains(out, id) {
		t.Errorf("after it failed again: status %d, %s", status, out)
	}
	for _, wrong := range [][]string{{"inbox", "show", "x"}, {"inbox", "list", "--state", "lost"}, {"inbox", "retry"}} {
		if out, status := execute(t, ctx, append(wrong, "--database", database)...); status != statusUsage {
			t.Errorf("%v: status %d, %s", wrong, status, out)
		}
	}
	if out, status := execute(t, ctx, "inbox", "retry", "999999", "--database", database); status != statusFailed || !strings.Contains(out, "no entry 999999") {
		t.Errorf("retrying what is not there: status %d, %s", status, out)
	}
}
