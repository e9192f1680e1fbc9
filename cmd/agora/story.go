package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// story tells what happens on a stage, and checks that it does. Errors are for what
// cannot be told at all; what merely went otherwise than expected is counted.
type story struct {
	*stage
	ctx    context.Context //nolint:containedctx // one story is one run
	out    io.Writer
	pace   time.Duration
	failed int

	proposal ghsim.Issue // the RFC
	ballot   ghsim.Comment
	build    ghsim.Issue // the pull request that implements it
	board    string      // the leaderboard before the decision
}

const (
	repository = "acme/rfcs"
	day        = 24 * time.Hour
)

func (t *story) print(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// scene begins a new part, after a moment to read the last one.
func (t *story) scene(title string) {
	select {
	case <-time.After(t.pace):
	case <-t.ctx.Done():
	}
	t.print("\n── %s %s\n", title, strings.Repeat("─", max(0, 74-len([]rune(title)))))
}

// who says what somebody does.
func (t *story) who(login, does string, args ...any) {
	t.print("  %-6s %s\n", login, fmt.Sprintf(does, args...))
}

// expect checks one thing and says so.
func (t *story) expect(ok bool, what string, args ...any) {
	mark := "✓"
	if !ok {
		mark = "✗ NOT SO:"
		t.failed++
	}
	t.print("         %s %s\n", mark, fmt.Sprintf(what, args...))
}

// show prints what Agora wrote, as a reader sees it on GitHub: without hidden parts, and
// with the characters that stand there as entities.
func (t *story) show(body string, lines int) {
	shown := 0
	for line := range strings.SplitSeq(body, "\n") {
		if strings.HasPrefix(line, "<!--") || strings.TrimSpace(line) == "" {
			continue
		}
		if strings.HasPrefix(line, "<details>") || shown == lines {
			t.print("         │ …\n")
			return
		}
		t.print("         │ %s\n", html.UnescapeString(line))
		shown++
	}
}

// comment finds the newest comment of Agora's that has the text.
func (t *story) comment(number int, text string) (found ghsim.Comment) {
	for _, c := range t.sim.Comments(repository, number) {
		if c.User != nil && c.User.Login == t.app.Login && strings.Contains(c.Body, text) {
			found = c
		}
	}
	return found
}

// says lets somebody comment, and everything that follows from it happen.
func (t *story) says(login string, number int, text string) (ghsim.Comment, error) {
	t.who(login, "writes  %s", text)
	c, err := t.sim.As(login).Comment(repository, number, text)
	if err != nil {
		return c, fmt.Errorf("%s comments: %w", login, err)
	}
	return c, t.settle(t.ctx)
}

// wears reports whether Agora reacted to the comment.
func (t *story) wears(comment ghsim.Comment, content string) bool {
	for _, r := range t.sim.CommentReactions(comment.ID) {
		if r.Content == content && r.User.Login == t.app.Login {
			return true
		}
	}
	return false
}

// check is the newest check run agora/rfc on a pull request's head.
func (t *story) check(number int) (run ghsim.CheckRun) {
	pull, _ := t.sim.Issue(repository, number)
	for _, r := range t.sim.CheckRuns(pull.Head.SHA) {
		if r.Name == "agora/rfc" && r.ID > run.ID {
			run = r
		}
	}
	return run
}

// api reads a path of Agora's JSON API.
func (t *story) api(path string, into any) error {
	req, err := http.NewRequestWithContext(t.ctx, http.MethodGet, t.url+"/api/v1/"+path, nil)
	if err != nil {
		return fmt.Errorf("asking the API for %s: %w", path, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking the API for %s: %w", path, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the API for %s: it answers %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("reading the API's answer for %s: %w", path, err)
	}
	return nil
}

// play tells the whole story.
func (t *story) play() error {
	t.print("Agora, against a simulated GitHub. Days pass in moments; everything else is real:\nwebhooks, tokens, requests, the database, the comments you see below.\n")
	for _, part := range []func() error{
		t.install, t.join, t.open, t.discuss, t.vote, t.count, t.decide, t.implement, t.receipt, t.gather, t.hear,
	} {
		if err := part(); err != nil {
			return err
		}
		if t.ctx.Err() != nil {
			return context.Cause(t.ctx)
		}
	}
	t.print("\n%s\n", strings.Repeat("═", 78))
	if t.failed > 0 {
		t.print("%d expectations of the story did NOT come true.\n", t.failed)
	} else {
		t.print("Everything the story expects came true.\n")
	}
	return nil
}
