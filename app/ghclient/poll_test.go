package ghclient_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/agora-rfc/agora/app"
)

// conditional answers like GitHub: the ETag depends on the token too.
func conditional(w http.ResponseWriter, r *http.Request, body string) {
	etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256([]byte(r.Header.Get("Authorization")+body)))
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write([]byte(body))
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// reactionList serves reactions in pages as GitHub does.
type reactionList struct {
	mu      sync.Mutex
	ids     []int
	broken  int            // this page cannot be read
	expired string         // this Authorization is refused
	during  map[int]func() // runs after a page was served
	asked   []string
}

func (l *reactionList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if l.expired != "" && r.Header.Get("Authorization") == l.expired {
		l.asked = append(l.asked, fmt.Sprintf("%d/%d:401", at, size))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if at == l.broken {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	from, to := min((at-1)*size, len(l.ids)), min(at*size, len(l.ids))
	if to < len(l.ids) {
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?per_page=%d&page=%d>; rel="next"`, r.Host, r.URL.Path, size, at+1))
	}
	var items []string
	for _, id := range l.ids[from:to] {
		items = append(items, fmt.Sprintf(`{"id":%d,"content":"+1","created_at":"2026-09-01T10:00:%02dZ","user":{"id":%d,"login":"u%d","type":"User"}}`, id, id%60, id, id))
	}
	recorder := &statusWriter{ResponseWriter: w, status: 200}
	conditional(recorder, r, "["+strings.Join(items, ",")+"]")
	l.asked = append(l.asked, fmt.Sprintf("%d/%d:%d", at, size, recorder.status))
	if then := l.during[at]; then != nil {
		then()
	}
}

// set changes the list, and tells what was asked since the last change.
func (l *reactionList) set(change func()) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	asked := strings.Join(l.asked, " ")
	l.asked = nil
	if change != nil {
		change()
	}
	return asked
}

func numbers(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

func newReactions(t *testing.T, n int) (*server, *reactionList) {
	s, l := newServer(t), &reactionList{ids: numbers(n)}
	s.Handle("GET /repos/acme/app/issues/comments/3/reactions", l)
	return s, l
}

func TestReactionsCarryTheirTime(t *testing.T) {
	t.Parallel()
	s, _ := newReactions(t, 2)
	reactions, err := s.repo().CommentReactions(ctx, 3)
	must(t, err)
	if len(reactions) != 2 || reactions[1].CreatedAt.Second() != 2 || reactions[1].User.ID != 2 || reactions[1].Content != "+1" {
		t.Errorf("read %+v", reactions)
	}
}

func TestAPollOfReactionsIsOneRequestUntilTheyChange(t *testing.T) {
	t.Parallel()
	s, l := newReactions(t, 0)
	repo := s.repo()
	poll := func(wantCount int, wantAsked string) {
		t.Helper()
		reactions, seen, err := repo.PollCommentReactions(ctx, 3)
		must(t, err)
		if asked := l.set(nil); seen == nil || len(reactions) != wantCount || asked != wantAsked {
			t.Errorf("%d reactions, changed %v, asked %q; want %d and %q", len(reactions), seen != nil, asked, wantCount, wantAsked)
		}
		if seen == nil {
			return
		}
		seen()
		for _, want := range []string{"", "304"} { // the first may be of another page
			reactions, seen, err = repo.PollCommentReactions(ctx, 3)
			must(t, err)
			if asked := l.set(nil); seen != nil || reactions != nil || strings.Contains(asked, " ") || !strings.HasSuffix(asked, want) {
				t.Errorf("nothing changed, and %d reactions were read by %q", len(reactions), asked)
			}
		}
	}
	whole := func(count int) { l.set(func() { l.ids = numbers(count) }) }
	poll(0, "1/100:200")
	whole(1)
	poll(1, "1/100:200")
	whole(99)
	poll(99, "1/100:200")
	whole(100)
	poll(100, "1/100:200 1/100:200 1/100:200")
	whole(101)
	poll(101, "2/99:200 1/100:200 2/100:200 1/100:200 2/100:200")
	l.set(func() { l.ids = append(numbers(100)[1:], 101) }) // two taken back
	poll(100, "2/100:200 1/100:200 1/100:200")
	l.set(func() { l.ids = append(l.ids[1:], 102) }) // one left, one came: as many as before
	poll(100, "2/99:200 1/100:200 1/100:200")
	whole(0)
	poll(0, "2/99:200 1/100:200")
}

func TestANewTokenMakesNoOldReactionNew(t *testing.T) {
	t.Parallel()
	s, l := newReactions(t, 3)
	repo := s.repo()
	_, seen, err := repo.PollCommentReactions(ctx, 3)
	must(t, err)
	seen()
	l.set(func() { l.expired = s.token() })
	for range 2 {
		if _, seen, err = repo.PollCommentReactions(ctx, 3); err != nil || seen != nil {
			t.Errorf("changed %v, error %v", seen != nil, err)
		}
	}
	if asked := l.set(nil); asked != "1/100:401 1/100:200 1/100:304" {
		t.Errorf("asked %q", asked)
	}
}

func TestPollsOfInstallationsDoNotMeet(t *testing.T) {
	t.Parallel()
	s, l := newReactions(t, 3)
	g := s.github(unbounded)
	for _, id := range []int64{5, 6} {
		repository := acme()
		repository.Installation = id
		reactions, seen, err := g.Repo(repository).PollCommentReactions(ctx, 3)
		must(t, err)
		if len(reactions) != 3 || seen == nil {
			t.Fatalf("installation %d saw another's answer", id)
		}
		seen()
	}
	if asked := l.set(nil); asked != "1/100:200 1/100:200" {
		t.Errorf("one installation's ETag was shown for another: %s", asked)
	}
}

func TestAPollNobodyActedOnForgetsNoChange(t *testing.T) {
	t.Parallel()
	s, l := newReactions(t, 250)
	repo := s.repo()
	_, seen, err := repo.PollCommentReactions(ctx, 3)
	must(t, err)
	seen()
	l.set(func() { l.ids, l.broken = append(l.ids[:0:0], l.ids[1:]...), 1 })
	_, _, err = repo.PollCommentReactions(ctx, 3)
	wantCode(t, err, app.CodeUnavailable)
	l.set(func() { l.broken = 0 })
	for range 2 { // the first one's caller could not store it
		reactions, seen, err := repo.PollCommentReactions(ctx, 3)
		must(t, err)
		if seen == nil || len(reactions) != 249 {
			t.Errorf("%d reactions, changed %v", len(reactions), seen != nil)
		}
	}
}

func TestReactionsOnAPageThatCannotBeReadAreNotLeftOut(t *testing.T) {
	t.Parallel()
	s, l := newReactions(t, 250)
	l.broken = 3
	reactions, err := s.repo().CommentReactions(ctx, 3)
	wantCode(t, err, app.CodeUnavailable)
	if reactions != nil {
		t.Errorf("%d reactions in spite of it", len(reactions))
	}
}

func TestAReactionTakenBackWhileReadingHidesNoOther(t *testing.T) {
	t.Parallel()
	s, l := newReactions(t, 150)
	// Taking back the first moves the 101st to page 1 after page 1 was read.
	l.during = map[int]func(){1: func() {
		if len(l.ids) == 150 {
			l.ids = l.ids[1:]
		}
	}}
	reactions, err := s.repo().CommentReactions(ctx, 3)
	must(t, err)
	seen := map[int64]bool{}
	for _, r := range reactions {
		seen[r.ID] = true
	}
	if len(reactions) != 149 || !seen[101] || seen[1] {
		t.Errorf("%d reactions, the 101st among them: %v", len(reactions), seen[101])
	}
}

func TestReactionsThatNeverStandStillAreNotKnown(t *testing.T) {
	t.Parallel()
	s, l := newReactions(t, 150)
	l.during = map[int]func(){1: func() { l.ids = l.ids[1:] }}
	_, err := s.repo().CommentReactions(ctx, 3)
	wantCode(t, err, app.CodeUnavailable)
}

func TestReactAndTakeBack(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.reply("POST /repos/acme/app/issues/comments/3/reactions", 200, map[string]any{"id": 8, "content": "rocket"})
	s.HandleFunc("DELETE /repos/acme/app/issues/comments/3/reactions/8", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	repo := s.repo()
	id, err := repo.React(ctx, 3, "rocket")
	must(t, err)
	if id != 8 {
		t.Errorf("reacted as %d", id)
	}
	must(t, repo.Unreact(ctx, 3, 8))
	must(t, repo.Unreact(ctx, 3, 9)) // never was there
}
