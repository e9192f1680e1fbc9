package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// TestBehindValidator plays a broad story, and then payloads from elsewhere. With
// AGORA_VALIDATOR (a proxy that holds every exchange against GitHub's description,
// AGORA_GITHUB_SPEC) it plays behind the proxy, which must find nothing wrong; with
// AGORA_HOOK_EXAMPLES (a list of events with example payloads) these are sent besides
// our own. .ci/run sets all three where it finds them.
func TestBehindValidator(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	guard := newGuard(t)
	s, _ := playLogging(t, staging{through: guard.through}, log)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // a long story
	t.Cleanup(cancel)
	broadStory(t, ctx, s)
	lists := []string{"testdata/deliveries.json"}
	if more := os.Getenv("AGORA_HOOK_EXAMPLES"); more != "" {
		lists = append(lists, more)
	}
	for _, list := range lists {
		replay(t, ctx, s, list)
	}
	nothingLeft(t, ctx, s)
	log.noErrors(t)
	guard.noErrors(t, ctx)
}

// guard is the validating proxy, and where it writes what it finds.
type guard struct {
	program, spec, found string
	address              string
	stop                 func(*testing.T)
}

func newGuard(t *testing.T) *guard {
	t.Helper()
	g := &guard{program: os.Getenv("AGORA_VALIDATOR"), spec: os.Getenv("AGORA_GITHUB_SPEC"), stop: func(*testing.T) {}}
	if (g.program == "") != (g.spec == "") {
		t.Fatal("AGORA_VALIDATOR and AGORA_GITHUB_SPEC go together")
	}
	if g.program != "" {
		g.found = filepath.Join(t.TempDir(), "violations.jsonl")
		t.Cleanup(func() { g.stop(t) })
	}
	return g
}

// through starts the proxy in front of the simulator, whose API it hands out; where
// there is no proxy, that of the simulator itself.
func (g *guard) through(upstream string) (string, error) {
	const api = "/api/v3/"
	if g.program == "" {
		return upstream + api, nil
	}
	address := filepath.Join(filepath.Dir(g.found), "address")
	process := exec.CommandContext(context.Background(), g.program, "-spec", g.spec, "-upstream", upstream, "-listen", "127.0.0.1:0", "-addr-file", address,
		"-strip-prefix", strings.TrimSuffix(api, "/"), "-forward-prefix", "-out", g.found,
		"-ignore", filepath.Join(filepath.Dir(g.spec), "validator", "ignore-github.txt"))
	var said bytes.Buffer
	process.Stderr = &said
	if err := process.Start(); err != nil {
		return "", fmt.Errorf("starting the validator: %w", err)
	}
	g.stop = func(t *testing.T) {
		t.Helper()
		_ = process.Process.Signal(syscall.SIGTERM)
		if err := process.Wait(); err != nil {
			t.Errorf("the validator: %v\n%s", err, said.String())
		}
	}
	for range 600 { // it reads a large document first
		if listening, err := os.ReadFile(address); err == nil && len(listening) > 0 {
			g.address = "http://" + string(listening)
			return g.address + api, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "", errors.New("the validator does not come up")
}

// noErrors fails the test with what the proxy calls an error, and when it saw
// nothing to judge.
func (g *guard) noErrors(t *testing.T, ctx context.Context) {
	t.Helper()
	if g.program == "" {
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.address+"/__validator/summary", nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	var summary struct {
		Exchanges  int
		Operations map[string]int
	}
	must(t, json.NewDecoder(answer.Body).Decode(&summary))
	t.Logf("%d exchanges with GitHub: %v", summary.Exchanges, summary.Operations)
	if summary.Exchanges < 100 {
		t.Error("so few are not the story")
	}
	found, err := os.Open(g.found)
	must(t, err)
	defer found.Close()
	lines := bufio.NewScanner(found)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var violation struct{ Severity string }
		must(t, json.Unmarshal(lines.Bytes(), &violation))
		if violation.Severity == "error" {
			t.Errorf("breaks GitHub's description: %s", lines.Bytes())
		} else {
			t.Logf("suspicious: %s", lines.Bytes())
		}
	}
	must(t, lines.Err())
}

// examples is one event with payloads.
type examples struct {
	Name     string
	Examples []json.RawMessage
}

// replay sends each payload of a list as it is, with an installation put in that
// reaches other repositories, and without any.
func replay(t *testing.T, ctx context.Context, s *stage, list string) {
	t.Helper()
	content, err := os.ReadFile(list)
	must(t, err)
	var events []examples
	must(t, json.Unmarshal(content, &events))
	sent := 0
	for _, event := range events {
		for n, payload := range event.Examples {
			for variant, body := range variants(t, s, payload) {
				guid := fmt.Sprintf("%s %s %d %s", filepath.Base(list), event.Name, n, variant)
				if status := deliver(t, ctx, s, event.Name, guid, body); status < 200 || status > 299 {
					t.Errorf("%s was answered %d", guid, status)
				}
				sent++
			}
		}
	}
	settle(t, ctx, s)
	for range 4 { // what is tried again, is tried again
		jump(t, ctx, s, 20*time.Minute)
	}
	t.Logf("%d deliveries from %s", sent, filepath.Base(list))
}

func variants(t *testing.T, s *stage, payload json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	var fields map[string]json.RawMessage
	must(t, json.Unmarshal(payload, &fields))
	out := map[string]json.RawMessage{"as it is": payload}
	var err error
	delete(fields, "installation")
	out["without installation"], err = json.Marshal(fields)
	must(t, err)
	fields["installation"] = json.RawMessage(fmt.Sprintf(`{"id":%d,"node_id":"installation"}`, installation(t, s)))
	out["with installation"], err = json.Marshal(fields)
	must(t, err)
	return out
}

// nothingLeft fails the test when the queue gave anything up, or still tries.
func nothingLeft(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	stats, err := s.agora.store.QueueStats(ctx)
	must(t, err)
	for state, n := range stats.Depth {
		if n == 0 {
			continue
		}
		left, err := s.agora.store.ListInbox(ctx, state, 10)
		must(t, err)
		for _, e := range left {
			t.Logf("%s %s %.80s: attempts %d, due %s: %s", e.Lane, e.Kind, e.Body, e.Attempts, e.RunAt, e.Error)
		}
		t.Errorf("%d entries of the queue are %s", n, state)
	}
}

// broadStory touches whatever Agora does on GitHub.
func broadStory(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	s.sim.As("maya").PutFile(rfcs, ".github/agora.yml", "version: 1\nrfc:\n  merge_on_accept: squash\nstewards: [\"@acme/stewards\", \"lee\"]\n")
	s.sim.AddTeam(ghsim.NewTeam{Organization: "acme", Slug: "stewards", Members: []string{"sam"}})
	settle(t, ctx, s)
	storyOfConfiguration(t, ctx, s)
	storyOfIssue(t, ctx, s)
	storyOfPull(t, ctx, s)
	storyOfImplementation(t, ctx, s)
	storyOfDigest(t, ctx, s)
	storyOfRepository(t, ctx, s)
}

// storyOfConfiguration: a pull request breaks the configuration, another does not.
func storyOfConfiguration(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	for content, conclusion := range map[string]string{
		"version: 1\nrfc: { lable: rfc }\n":              "failure",
		"version: 1\nrfc: { merge_on_accept: squash }\n": "success",
	} {
		pull, err := s.sim.As("kim").OpenPullRequest(rfcs, ghsim.NewPullRequest{Title: "Configuration", Files: map[string]string{".github/agora.yml": content}})
		must(t, err)
		settle(t, ctx, s)
		if got := checkOn(s, pull.Head.SHA, "agora/config"); got != conclusion {
			t.Errorf("agora/config of %q is %q, want %s", content, got, conclusion)
		}
		must(t, s.sim.As("kim").Close(rfcs, pull.Number))
		settle(t, ctx, s)
	}
}

// checkOn is how the newest check of a name on a commit concluded, or its status
// while it has not.
func checkOn(s *stage, sha, name string) string {
	for _, run := range s.sim.CheckRuns(sha) {
		if run.Name == name {
			return cmp.Or(run.Conclusion, run.Status)
		}
	}
	return ""
}

// storyOfIssue: RFC-1, an issue, with a concern, commands good and bad, more
// reactions than a page holds, and acceptance.
func storyOfIssue(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	number := openRFC(t, ctx, s)
	for _, text := range []string{"/member join", "/member show", "/member reputation @kim", "/agora help", "/rfc list", "/rfc status"} {
		writes(t, ctx, s, "noor", number, text)
	}
	writes(t, ctx, s, "noor", number, `/concern raise "small teams could never reach a quorum"`)
	writes(t, ctx, s, "kim", number, `/concern address 1 "the quorum is a share of the electorate"`)
	writes(t, ctx, s, "noor", number, "/concern resolve 1")
	writes(t, ctx, s, "zoe", number, "/rfc vote")
	writes(t, ctx, s, "sam", number, "/rfc vote")
	ballot := commentWith(t, s, rfcs, number, "<!-- agora:ballot 1/1 -->")
	for n := range 101 {
		login := fmt.Sprintf("passer-by-%d", n)
		s.sim.AddUsers(login)
		_, err := s.sim.As(login).React(rfcs, ballot.ID, "eyes")
		must(t, err)
	}
	for _, login := range []string{"maya", "lee", "noor"} {
		_, err := s.sim.As(login).React(rfcs, ballot.ID, "+1")
		must(t, err)
	}
	mistyped := writes(t, ctx, s, "sam", number, "/vote aprove")
	must(t, s.sim.As("sam").EditComment(rfcs, mistyped.ID, "/vote approve"))
	must(t, s.sim.As("maya").Block("acme", "rob"))
	jump(t, ctx, s, 24*time.Hour)
	must(t, s.sim.As("lee").Unreact(rfcs, ballot.ID, "+1"))
	jump(t, ctx, s, 24*time.Hour)
	writes(t, ctx, s, "maya", number, `/rfc extend 1d "a holiday"`)
	jump(t, ctx, s, 7*24*time.Hour)
	jump(t, ctx, s, time.Minute)
	commentWith(t, s, rfcs, number, "<!-- agora:decision 1/1 -->")
	if issue, _ := s.sim.Issue(rfcs, number); issue.State != "closed" {
		t.Errorf("RFC-1 is %v, want accepted and closed", s.sim.Labels(rfcs, number))
	}
}

// storyOfPull: RFC-2, a pull request, with reviews and checks, merged on acceptance.
func storyOfPull(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	pull, err := s.sim.As("kim").OpenPullRequest(rfcs, ghsim.NewPullRequest{Title: "A second idea", Body: "With a text.", Draft: true})
	must(t, err)
	must(t, s.sim.As("maya").AddLabels(rfcs, pull.Number, "rfc", "rfc-type/roadmap"))
	settle(t, ctx, s)
	s.sim.As("kim").MarkReady(rfcs, pull.Number)
	settle(t, ctx, s)
	head := s.sim.As("kim").PushToPull(rfcs, pull.Number, map[string]string{"idea.md": "better"})
	settle(t, ctx, s)
	writes(t, ctx, s, "maya", pull.Number, "/rfc vote")
	for _, login := range []string{"maya", "lee", "noor"} {
		_, err := s.sim.As(login).Review(rfcs, pull.Number, ghsim.Approve, "")
		must(t, err)
	}
	_, err = s.sim.As("sam").Review(rfcs, pull.Number, ghsim.RequestChanges, "This needs a second look at what it costs.")
	must(t, err)
	settle(t, ctx, s)
	writes(t, ctx, s, "kim", pull.Number, `/concern address 2 "it costs nothing"`)
	writes(t, ctx, s, "sam", pull.Number, "/concern resolve 2")
	writes(t, ctx, s, "kim", pull.Number, `/concern address 1 "it costs nothing"`)
	writes(t, ctx, s, "sam", pull.Number, "/concern resolve 1")
	for _, run := range s.sim.CheckRuns(head) {
		must(t, s.sim.As("maya").RerequestCheckRun(rfcs, run.ID))
	}
	jump(t, ctx, s, 7*24*time.Hour+time.Minute)
	jump(t, ctx, s, time.Minute)
	if got := checkOn(s, head, "agora/rfc"); got != "success" {
		t.Errorf("agora/rfc is %q on the accepted commit", got)
	}
	if issue, _ := s.sim.Issue(rfcs, pull.Number); !issue.Merged {
		t.Error("the accepted pull request is not merged")
	}
}

// storyOfImplementation: a pull request implements RFC-1, through a merge queue.
func storyOfImplementation(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	pull, err := s.sim.As("kim").OpenPullRequest(rfcs, ghsim.NewPullRequest{Title: "Weights", Body: "Implements: RFC-1"})
	must(t, err)
	settle(t, ctx, s)
	group := s.sim.As("maya").QueueMerge(rfcs, pull.Number)
	settle(t, ctx, s)
	for _, sha := range []string{pull.Head.SHA, group} {
		if got := checkOn(s, sha, "agora/rfc"); got != "success" {
			t.Errorf("agora/rfc is %q on %s", got, sha)
		}
	}
	must(t, s.sim.As("maya").Merge(rfcs, pull.Number))
	settle(t, ctx, s)
	if got := theRFC(t, ctx, s).State; got != "implemented" {
		t.Errorf("RFC-1 is %s, want implemented", got)
	}
}

// storyOfRepository: what happens to labels, issues, the repository and the App.
func storyOfRepository(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	maya := s.sim.As("maya")
	issue, err := s.sim.As("kim").OpenIssue(rfcs, "A third idea", "Text.", "rfc")
	must(t, err)
	settle(t, ctx, s)
	steps := []func() error{
		func() error { return maya.DeleteLabel(rfcs, "rfc/open-for-comment") },
		func() error { return s.sim.As("lee").RemoveLabel(rfcs, issue.Number, "rfc") },
		func() error { return maya.AddLabels(rfcs, issue.Number, "rfc") },
		func() error { return maya.Lock(rfcs, issue.Number) },
		func() error { return maya.Close(rfcs, issue.Number) },
		func() error { return maya.Reopen(rfcs, issue.Number) },
		func() error { s.sim.SuspendInstallation(installation(t, s), true); return nil },
		func() error { s.sim.SuspendInstallation(installation(t, s), false); return nil },
		func() error { return maya.RenameRepository(rfcs, "proposals") },
	}
	for n, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", n, err)
		}
		settle(t, ctx, s)
	}
	_, err = s.sim.As("lee").Comment("acme/proposals", issue.Number, "/rfc status")
	must(t, err)
	settle(t, ctx, s)
	jump(t, ctx, s, time.Hour)
	commentWith(t, s, "acme/proposals", issue.Number, "<!-- agora:rfc 3 -->")
}

func installation(t *testing.T, s *stage) int64 {
	t.Helper()
	return lastDelivery(t, s, "issues", "labeled").InstallationID
}
