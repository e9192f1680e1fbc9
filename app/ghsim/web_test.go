package ghsim_test

import (
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app/ghsim"
)

func TestABrowserSeesTheThreadAndNothingPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := must[ghsim.Issue](t)(w.As("dave").OpenIssue(repo, "<b>Bold</b> idea", "| a | b |\n|--|--|\n| 1 | 2 |"))
	must[ghsim.Issue](t)(w.As("maya").OpenIssue("acme/secret", "Hidden", ""))
	m := must[ghsim.Comment](t)(w.As("bob").Comment(repo, i.Number, "<script>alert(1)</script>[x](javascript:alert(2))"))
	must[ghsim.Reaction](t)(w.As("alice").React(repo, m.ID, "+1"))
	page := func(path string) (int, string) {
		code, _, body := w.raw(t, "GET", "/"+path, "", map[string]string{"Accept": "text/html"})
		return code, body
	}
	code, body := page("acme/widgets/issues/1")
	for _, want := range []string{"&lt;b&gt;Bold&lt;/b&gt;", "<table>", "bob", "👍 1"} {
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("%d: no %s in %s", code, want, body)
		}
	}
	if strings.Contains(body, "<script>") || strings.Contains(body, "javascript:") {
		t.Errorf("what people wrote came alive: %s", body)
	}
	if _, list := page("acme/widgets"); !strings.Contains(list, "/acme/widgets/issues/1") {
		t.Errorf("the repository's page: %s", list)
	}
	if _, front := page(""); !strings.Contains(front, "acme/widgets") || strings.Contains(front, "secret") {
		t.Errorf("the front page: %s", front)
	}
	for _, path := range []string{"acme/secret", "acme/secret/issues/1", "acme/widgets/issues/99", "acme/widgets/pull/x", "acme"} {
		if code, _ := page(path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
}
